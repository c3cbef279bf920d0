import { HALF_LOG_2PI, lgamma, stirlingCorrection } from "./gamma.js";

/**
 * log of the beta function, lgamma(a) + lgamma(b) - lgamma(a + b) for a, b > 0, without the
 * cancellation of large arguments. Source: Didonato and Morris, algorithm 708 (1992), `BETALN`.
 */
export function lbeta(a: number, b: number): number {
  const p = Math.min(a, b);
  const q = Math.max(a, b);
  if (!(p >= 0)) return NaN;
  if (p === 0) return Infinity;
  if (q === Infinity) return -Infinity;
  if (p >= 8) {
    const correction = stirlingCorrection(p) + (stirlingCorrection(q) - stirlingCorrection(p + q));
    const ratio = p / q;
    return (
      HALF_LOG_2PI -
      0.5 * Math.log(q) +
      correction +
      (p - 0.5) * Math.log(ratio / (1 + ratio)) -
      q * Math.log1p(ratio)
    );
  }
  if (q >= 8) return lgamma(p) + lgammaDifference(p, q);
  return lgamma(p) + (lgamma(q) - lgamma(p + q));
}

/** lgamma(q) - lgamma(p + q) for q ≥ 8 and p ≥ 0, by the difference of two Stirling formulas. */
function lgammaDifference(p: number, q: number): number {
  const correction = stirlingCorrection(q) - stirlingCorrection(p + q);
  return correction + p - p * Math.log(p + q) - (q - 0.5) * Math.log1p(p / q);
}

/**
 * log of the binomial coefficient for real 0 ≤ k ≤ n: -log(n + 1) - lbeta(n - k + 1, k + 1).
 * -∞ where k is outside [0, n].
 */
export function lchoose(n: number, k: number): number {
  if (k < 0 || k > n) return -Infinity;
  if (k === 0 || k === n) return 0;
  return -Math.log1p(n) - lbeta(n - k + 1, k + 1);
}
