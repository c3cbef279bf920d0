/** Dirichlet(alpha): T = log x, η = α − 1. */
import { digamma, lgamma } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { vec } from "./read.js";

const total = (eta: Float64Array): number => eta.reduce((sum, e) => sum + e + 1, 0);

export const dirichlet: ExpFamily = {
  name: "Dirichlet",
  setting: (p) => ({ size: vec(p, "alpha").length }),
  toNatural: (p) => vec(p, "alpha").map((a) => a - 1),
  fromNatural: (eta) => ({ alpha: eta.map((e) => e + 1) }),
  isValid: (eta) => eta.every((e) => e > -1 && e < Infinity),
  statistics: (x) => x.map(Math.log),
  logBase: () => 0,
  logNormaliser: (eta) => eta.reduce((sum, e) => sum + lgamma(e + 1), 0) - lgamma(total(eta)),
  mean: (eta) => {
    const whole = digamma(total(eta));
    return eta.map((e) => digamma(e + 1) - whole);
  },
  expectedLogBase: () => 0,
  sample: (eta, _, rng) => rng.dirichlet(eta.map((e) => e + 1)),
};
