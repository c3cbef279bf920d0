/** Monte Carlo standard errors, given effective sample sizes (Vehtari et al. 2021, section 4). */
import { lbeta } from "../../math/special/beta.js";
import { quantileOfSorted } from "./ranks.js";

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
 * Standard error of the quantile `p` of `x` (sorted by `order`): half the distance between the
 * order statistics at the one-sigma ends of Beta(ess·p + 1, ess·(1-p) + 1), the distribution of
 * the probability below the estimate; `ess` is the effective size of the indicator x ≤ quantile.
 */
export function mcseOfQuantile(
  x: Float64Array,
  order: Uint32Array,
  p: number,
  ess: number,
): number {
  if (!Number.isFinite(ess)) return Number.NaN;
  const n = x.length;
  const [low, high] = ONE_SIGMA.map((q) => betaQuantile(q, ess * p + 1, ess * (1 - p) + 1));
  const from = Math.floor(Math.max(low * n - 1, 0));
  const to = Math.ceil(Math.min(high * n - 1, n - 1));
  return (x[order[to]] - x[order[from]]) / 2;
}

/** Quantile of Beta(a, b), a, b ≥ 1, to about 1e-12 absolute: bisection on the distribution. */
export function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  // 2^-45 < 1e-13; the position among at most 10⁸ draws needs no more.
  for (let i = 0; i < 45; i++) {
    const middle = (low + high) / 2;
    if (betaCdf(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Regularised incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22), with
 * the symmetry I_x(a, b) = 1 - I_{1-x}(b, a) where that converges faster.
 */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - lbeta(a, b));
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** The fraction of DLMF 8.17.22 by the modified Lentz method. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const nudged = (v: number): number => (Math.abs(v) < tiny ? tiny : v);
  let c = 1;
  let d = 1 / nudged(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  // The number of terms grows as √max(a, b); 10⁵ suffice for effective sizes beyond 10⁹.
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nudged(1 + even * d);
    c = nudged(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nudged(1 + odd * d);
    c = nudged(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return fraction;
}

/** Effective-size input of a quantile: 1 where x ≤ the quantile `p`, else 0. */
export function belowQuantile(
  x: Float64Array,
  order: Uint32Array,
  p: number,
  out: Float64Array,
): void {
  const quantile = quantileOfSorted(x, order, p);
  for (let i = 0; i < x.length; i++) out[i] = x[i] <= quantile ? 1 : 0;
}
