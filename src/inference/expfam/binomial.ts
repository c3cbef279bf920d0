/** Binomial(n, p) with n fixed: T = x, η = log(p / (1 − p)), h(x) = (n over x). */
import { lchoose, log1pexp, logBinomialMass, logistic, logit } from "../../math/special/index.js";
import type { ExpFamily, Setting } from "./contract.js";
import { num } from "./read.js";

const trials = (s: Setting): number => s.trials ?? 0;

/** E f(x) of a binomial, summed over its values. */
export function binomialMean(n: number, p: number, f: (x: number) => number): number {
  let sum = 0;
  for (let x = 0; x <= n; x++) {
    const mass = Math.exp(logBinomialMass(x, n, p));
    if (mass > 0) sum += mass * f(x);
  }
  return sum;
}

export const binomial: ExpFamily = {
  name: "Binomial",
  setting: (p) => ({ size: 1, trials: num(p, "n") }),
  toNatural: (p) => Float64Array.of(logit(num(p, "p"))),
  fromNatural: (eta, s) => ({ n: trials(s), p: logistic(eta[0]) }),
  isValid: (eta) => !Number.isNaN(eta[0]),
  statistics: ([x]) => Float64Array.of(x),
  logBase: ([x], s) => lchoose(trials(s), x),
  logNormaliser: (eta, s) => trials(s) * log1pexp(eta[0]),
  mean: (eta, s) => Float64Array.of(trials(s) * logistic(eta[0])),
  expectedLogBase: (eta, s) =>
    binomialMean(trials(s), logistic(eta[0]), (x) => lchoose(trials(s), x)),
  sample: (eta, s, rng) => Float64Array.of(rng.binomial(trials(s), logistic(eta[0]))),
};
