/** Beta(a, b): T = (log x, log(1 − x)), η = (a − 1, b − 1). */
import { digamma, lbeta } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { num } from "./read.js";

export const beta: ExpFamily = {
  name: "Beta",
  setting: () => ({ size: 1 }),
  toNatural: (p) => Float64Array.of(num(p, "a") - 1, num(p, "b") - 1),
  fromNatural: (eta) => ({ a: eta[0] + 1, b: eta[1] + 1 }),
  isValid: (eta) => eta.every((e) => e > -1 && e < Infinity),
  statistics: ([x]) => Float64Array.of(Math.log(x), Math.log1p(-x)),
  logBase: () => 0,
  logNormaliser: (eta) => lbeta(eta[0] + 1, eta[1] + 1),
  mean: (eta) => {
    const total = digamma(eta[0] + eta[1] + 2);
    return eta.map((e) => digamma(e + 1) - total);
  },
  expectedLogBase: () => 0,
  sample: (eta, _, rng) => Float64Array.of(rng.beta(eta[0] + 1, eta[1] + 1)),
};
