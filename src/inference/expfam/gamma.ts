/** Gamma(shape, rate): T = (log x, x), η = (α − 1, −β). */
import { digamma, lgamma } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { num } from "./read.js";

export const gamma: ExpFamily = {
  name: "Gamma",
  setting: () => ({ size: 1 }),
  toNatural: (p) => Float64Array.of(num(p, "shape") - 1, -num(p, "rate")),
  fromNatural: (eta) => ({ shape: eta[0] + 1, rate: -eta[1] }),
  isValid: (eta) => eta[0] > -1 && eta[0] < Infinity && eta[1] < 0 && eta[1] > -Infinity,
  statistics: ([x]) => Float64Array.of(Math.log(x), x),
  logBase: () => 0,
  logNormaliser: (eta) => lgamma(eta[0] + 1) - (eta[0] + 1) * Math.log(-eta[1]),
  mean: (eta) => Float64Array.of(digamma(eta[0] + 1) - Math.log(-eta[1]), (eta[0] + 1) / -eta[1]),
  expectedLogBase: () => 0,
  // In logs: a draw of a tiny shape underflows later, or not at all after the scaling.
  sample: (eta, _, rng) => Float64Array.of(Math.exp(rng.logGamma(eta[0] + 1) - Math.log(-eta[1]))),
};
