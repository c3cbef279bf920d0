/** Normal(mu, sigma): T = (x, x²), η = (μ/σ², −1/(2σ²)). */
import { HALF_LOG_2PI } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { num } from "./read.js";

export const normal: ExpFamily = {
  name: "Normal",
  setting: () => ({ size: 1 }),
  toNatural: (p) => {
    const precision = num(p, "sigma") ** -2;
    return Float64Array.of(num(p, "mu") * precision, -precision / 2);
  },
  fromNatural: (eta) => ({ mu: -eta[0] / (2 * eta[1]), sigma: Math.sqrt(-0.5 / eta[1]) }),
  isValid: (eta) => Number.isFinite(eta[0]) && eta[1] < 0 && eta[1] > -Infinity,
  statistics: ([x]) => Float64Array.of(x, x * x),
  logBase: () => -HALF_LOG_2PI,
  logNormaliser: (eta) => -(eta[0] * eta[0]) / (4 * eta[1]) - Math.log(-2 * eta[1]) / 2,
  mean: (eta) => {
    const mu = -eta[0] / (2 * eta[1]);
    return Float64Array.of(mu, mu * mu - 0.5 / eta[1]);
  },
  expectedLogBase: () => -HALF_LOG_2PI,
  sample: (eta, _, rng) => {
    const precision = -2 * eta[1];
    return Float64Array.of(eta[0] / precision + rng.normal() / Math.sqrt(precision));
  },
};
