/** Monte Carlo standard errors, given effective sample sizes (Vehtari et al. 2021, section 4). */
import { betaI } from "../../math/special/incomplete-beta.js";

/** Φ(±1): the interval between these quantiles of a normal is two standard errors wide. */
const ONE_SIGMA: readonly [number, number] = [0.1586553, 0.8413447];

/** Standard error of the mean of draws with standard deviation `sd`: sd / √ess. */
export function mcseOfMean(sd: number, essMean: number): number {
  return sd / Math.sqrt(essMean);
}

/**
 * Standard error of the standard deviation of `x`, by the delta method from that of the second
 * central moment; `essOfSquares` is the effective size of (x - mean)².
 */
export function mcseOfSd(x: Float64Array, mean: number, essOfSquares: number): number {
  let second = 0;
  let fourth = 0;
  for (const value of x) {
    const square = (value - mean) ** 2;
    second += square / x.length;
    fourth += (square * square) / x.length;
  }
  const varianceOfVariance = (fourth - second * second) / essOfSquares;
  return Math.sqrt(varianceOfVariance / second / 4);
}

/**
 * Standard error of the quantile `p` of `sorted` (ascending) values: half the distance between the
 * order statistics at the one-sigma ends of Beta(ess·p + 1, ess·(1-p) + 1), the distribution of
 * the probability below the estimate; `ess` is the effective size of the indicator x ≤ quantile.
 */
export function mcseOfQuantile(sorted: Float64Array, p: number, ess: number): number {
  if (!Number.isFinite(ess)) return Number.NaN;
  const n = sorted.length;
  const [low, high] = ONE_SIGMA.map((q) => betaQuantile(q, ess * p + 1, ess * (1 - p) + 1));
  const from = Math.floor(Math.max(low * n - 1, 0));
  const to = Math.ceil(Math.min(high * n - 1, n - 1));
  return (sorted[to] - sorted[from]) / 2;
}

/** Quantile of Beta(a, b), a, b ≥ 1, to about 1e-12 absolute: bisection on the distribution. */
export function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  // 2^-45 < 1e-13; the position among at most 10⁸ draws needs no more.
  for (let i = 0; i < 45; i++) {
    const middle = (low + high) / 2;
    if (betaI(a, b, middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
