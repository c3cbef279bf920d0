/** InverseGamma(shape, scale): T = (log x, 1/x), η = (−α − 1, −β). */
import { digamma, lgamma } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { num } from "./read.js";

const shapeOf = (eta: Float64Array): number => -eta[0] - 1;

export const inverseGamma: ExpFamily = {
  name: "InverseGamma",
  setting: () => ({ size: 1 }),
  toNatural: (p) => Float64Array.of(-num(p, "shape") - 1, -num(p, "scale")),
  fromNatural: (eta) => ({ shape: shapeOf(eta), scale: -eta[1] }),
  isValid: (eta) => eta[0] < -1 && eta[0] > -Infinity && eta[1] < 0 && eta[1] > -Infinity,
  statistics: ([x]) => Float64Array.of(Math.log(x), 1 / x),
  logBase: () => 0,
  logNormaliser: (eta) => lgamma(shapeOf(eta)) - shapeOf(eta) * Math.log(-eta[1]),
  mean: (eta) => Float64Array.of(Math.log(-eta[1]) - digamma(shapeOf(eta)), shapeOf(eta) / -eta[1]),
  expectedLogBase: () => 0,
  sample: (eta, _, rng) =>
    Float64Array.of(Math.exp(Math.log(-eta[1]) - rng.logGamma(shapeOf(eta)))),
};
