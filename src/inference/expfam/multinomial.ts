/** Multinomial(n, p) with n fixed: T = x, η = log p (up to a constant), h(x) = n! / Π x[k]!. */
import { lgamma, logsumexp } from "../../math/special/index.js";
import { binomialMean } from "./binomial.js";
import { softmax } from "./categorical.js";
import type { ExpFamily, Setting } from "./contract.js";
import { num, vec } from "./read.js";

const trials = (s: Setting): number => s.trials ?? 0;

export const multinomial: ExpFamily = {
  name: "Multinomial",
  setting: (p) => ({ size: vec(p, "p").length, trials: num(p, "n") }),
  toNatural: (p) => vec(p, "p").map(Math.log),
  fromNatural: (eta, s) => ({ n: trials(s), p: softmax(eta) }),
  isValid: (eta) => Number.isFinite(logsumexp(eta)),
  statistics: (x) => x.slice(),
  logBase: (x, s) => x.reduce((sum, k) => sum - lgamma(k + 1), lgamma(trials(s) + 1)),
  logNormaliser: (eta, s) => trials(s) * logsumexp(eta),
  mean: (eta, s) => softmax(eta).map((p) => trials(s) * p),
  // Each count by itself is binomial.
  expectedLogBase: (eta, s) =>
    softmax(eta).reduce(
      (sum, p) => sum - binomialMean(trials(s), p, (k) => lgamma(k + 1)),
      lgamma(trials(s) + 1),
    ),
  sample: (eta, s, rng) => {
    let left = trials(s);
    let rest = 1;
    const p = softmax(eta);
    return p.map((share, k) => {
      if (k === p.length - 1) return left;
      const hits = rest > 0 ? rng.binomial(left, Math.min(1, share / rest)) : 0;
      left -= hits;
      rest -= share;
      return hits;
    });
  },
};
