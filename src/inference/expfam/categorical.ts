/**
 * Categorical(p): T = the indicators of the K values, η = log p. One more number than needed: η
 * plus a constant is the same distribution.
 */
import { logsumexp } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { vec } from "./read.js";

/** exp η / Σ exp η. */
export function softmax(eta: Float64Array): Float64Array {
  const total = logsumexp(eta);
  return eta.map((e) => Math.exp(e - total));
}

export const categorical: ExpFamily = {
  name: "Categorical",
  setting: (p) => ({ size: vec(p, "p").length }),
  toNatural: (p) => vec(p, "p").map(Math.log),
  fromNatural: (eta) => ({ p: softmax(eta) }),
  isValid: (eta) => Number.isFinite(logsumexp(eta)),
  statistics: ([x], { size }) => Float64Array.from({ length: size }, (_, k) => (k === x ? 1 : 0)),
  logBase: () => 0,
  logNormaliser: (eta) => logsumexp(eta),
  mean: (eta) => softmax(eta),
  expectedLogBase: () => 0,
  sample: (eta, _, rng) => Float64Array.of(rng.categoricalLog(eta)),
};
