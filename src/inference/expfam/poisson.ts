/** Poisson(rate): T = x, η = log λ, h(x) = 1 / x!. */
import { lgamma, logPoissonMass } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { num } from "./read.js";

/** E log x!, summed over the values within 12 standard deviations (and 40) of the mean. */
function expectedLogFactorial(rate: number): number {
  const width = 12 * Math.sqrt(rate) + 40;
  let sum = 0;
  for (let x = Math.max(0, Math.floor(rate - width)); x <= rate + width; x++) {
    sum += Math.exp(logPoissonMass(x, rate)) * lgamma(x + 1);
  }
  return sum;
}

export const poisson: ExpFamily = {
  name: "Poisson",
  setting: () => ({ size: 1 }),
  toNatural: (p) => Float64Array.of(Math.log(num(p, "rate"))),
  fromNatural: (eta) => ({ rate: Math.exp(eta[0]) }),
  isValid: (eta) => eta[0] < Infinity,
  statistics: ([x]) => Float64Array.of(x),
  logBase: ([x]) => -lgamma(x + 1),
  logNormaliser: (eta) => Math.exp(eta[0]),
  mean: (eta) => Float64Array.of(Math.exp(eta[0])),
  expectedLogBase: (eta) => -expectedLogFactorial(Math.exp(eta[0])),
  sample: (eta, _, rng) => Float64Array.of(rng.poisson(Math.exp(eta[0]))),
};
