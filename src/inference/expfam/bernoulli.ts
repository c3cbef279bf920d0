/** Bernoulli(p): T = x, η = log(p / (1 − p)). */
import { log1pexp, logistic, logit } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { num } from "./read.js";

export const bernoulli: ExpFamily = {
  name: "Bernoulli",
  setting: () => ({ size: 1 }),
  toNatural: (p) => Float64Array.of(logit(num(p, "p"))),
  fromNatural: (eta) => ({ p: logistic(eta[0]) }),
  isValid: (eta) => !Number.isNaN(eta[0]),
  statistics: ([x]) => Float64Array.of(x),
  logBase: () => 0,
  logNormaliser: (eta) => log1pexp(eta[0]),
  mean: (eta) => Float64Array.of(logistic(eta[0])),
  expectedLogBase: () => 0,
  sample: (eta, _, rng) => Float64Array.of(rng.bernoulli(logistic(eta[0]))),
};
