/** Exponential(rate): T = x, η = −λ. */
import type { ExpFamily } from "./contract.js";
import { num } from "./read.js";

export const exponential: ExpFamily = {
  name: "Exponential",
  setting: () => ({ size: 1 }),
  toNatural: (p) => Float64Array.of(-num(p, "rate")),
  fromNatural: (eta) => ({ rate: -eta[0] }),
  isValid: (eta) => eta[0] < 0 && eta[0] > -Infinity,
  statistics: ([x]) => Float64Array.of(x),
  logBase: () => 0,
  logNormaliser: (eta) => -Math.log(-eta[0]),
  mean: (eta) => Float64Array.of(-1 / eta[0]),
  expectedLogBase: () => 0,
  sample: (eta, _, rng) => Float64Array.of(rng.exponential() / -eta[0]),
};
