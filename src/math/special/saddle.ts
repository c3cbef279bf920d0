import { HALF_LOG_2PI, stirlingCorrection } from "./gamma.js";

/**
 * Probability masses in the saddle-point form of Loader, "Fast and accurate computation of
 * binomial probabilities" (2000): every term is small where the mass is large, so nothing cancels
 * for big counts. Arguments are real, which the incomplete gamma and beta functions use.
 */

/**
 * log(1 + u) - u without cancellation, u > -1. Near 0 it sums the series of atanh in
 * r = u / (2 + u), since log(1 + u) = 2 atanh(r) and 2 r - u = -u r.
 */
export function log1pmx(u: number): number {
  if (!(u > -0.4 && u < 0.7)) return Math.log1p(u) - u;
  const r = u / (2 + u);
  const r2 = r * r;
  let sum = 0;
  let power = 1;
  for (let k = 3; ; k += 2) {
    const next = sum + power / k;
    if (next === sum) break;
    sum = next;
    power *= r2;
  }
  return r * (2 * r2 * sum - u);
}

/**
 * The Poisson half-deviance x log(x / mean) + mean - x ≥ 0 for x ≥ 0, mean > 0: Loader's bd0.
 */
export function deviance(x: number, mean: number): number {
  if (x === 0) return mean;
  const u = (mean - x) / x;
  if (u > -0.4 && u < 0.7) return -x * log1pmx(u);
  const ratio = x / mean;
  const logRatio = ratio > 0 && ratio < Infinity ? Math.log(ratio) : Math.log(x) - Math.log(mean);
  return x * logRatio + (mean - x);
}

/** log(rateˣ e^(-rate) / Γ(x + 1)) for real x ≥ 0 and rate ≥ 0. */
export function logPoissonMass(x: number, rate: number): number {
  if (rate === 0) return x === 0 ? 0 : -Infinity;
  if (x === 0) return -rate;
  return -stirlingCorrection(x) - deviance(x, rate) - HALF_LOG_2PI - 0.5 * Math.log(x);
}

/**
 * log(Γ(n + 1) / (Γ(x + 1) Γ(n - x + 1)) pˣ (1 - p)ⁿ⁻ˣ) for real 0 ≤ x ≤ n and p in [0, 1]. `q` is
 * 1 - p, given apart where the caller has it more precisely.
 */
export function logBinomialMass(x: number, n: number, p: number, q = 1 - p): number {
  return logSplitMass(x, n - x, p, q);
}

/**
 * The same for x successes and y failures, n = x + y: for the beta functions, whose y is known
 * while x + y is rounded.
 */
export function logSplitMass(x: number, y: number, p: number, q: number): number {
  const n = x + y;
  if (p === 0) return x === 0 ? 0 : -Infinity;
  if (q === 0) return y === 0 ? 0 : -Infinity;
  if (x === 0) return y * (p < q ? Math.log1p(-p) : Math.log(q));
  if (y === 0) return x * (q < p ? Math.log1p(-q) : Math.log(p));
  return (
    stirlingCorrection(n) -
    stirlingCorrection(x) -
    stirlingCorrection(y) -
    deviance(x, n * p) -
    deviance(y, n * q) -
    HALF_LOG_2PI -
    0.5 * (Math.log(x) + Math.log(y) - Math.log(n))
  );
}
