/**
 * Pareto(x_min, alpha) with x_min fixed: T = log x, η = −α − 1, on x ≥ x_min. The conditional of
 * the upper end of Uniform(0, b): its x_min is the largest of the prior's and the data.
 */
import type { ExpFamily, Setting } from "./contract.js";
import { num } from "./read.js";

const lower = (s: Setting): number => s.lower ?? 1;
const alphaOf = (eta: Float64Array): number => -eta[0] - 1;

export const pareto: ExpFamily = {
  name: "Pareto",
  setting: (p) => ({ size: 1, lower: num(p, "x_min") }),
  toNatural: (p) => Float64Array.of(-num(p, "alpha") - 1),
  fromNatural: (eta, s) => ({ x_min: lower(s), alpha: alphaOf(eta) }),
  isValid: (eta, s) => eta[0] < -1 && eta[0] > -Infinity && lower(s) > 0,
  statistics: ([x]) => Float64Array.of(Math.log(x)),
  logBase: () => 0,
  logNormaliser: (eta, s) => -Math.log(alphaOf(eta)) - alphaOf(eta) * Math.log(lower(s)),
  mean: (eta, s) => Float64Array.of(Math.log(lower(s)) + 1 / alphaOf(eta)),
  expectedLogBase: () => 0,
  sample: (eta, s, rng) => Float64Array.of(lower(s) * Math.exp(rng.exponential() / alphaOf(eta))),
};
