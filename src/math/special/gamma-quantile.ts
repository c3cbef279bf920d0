import { lgamma, lgamma1p } from "./gamma.js";
import { gammaP, gammaQ } from "./incomplete-gamma.js";
import { normalQuantile } from "./normal.js";
import { logPoissonMass } from "./saddle.js";

const MAX_STEPS = 100;

/**
 * The quantile of the gamma distribution of shape a > 0 and rate 1: the x with P(a, x) = p. Newton
 * on log P (log Q above the median) in log x, kept inside a shrinking bracket. Relative error
 * 1e-13 or what the conditioning of p leaves; 0 where the quantile underflows, 0 and ∞ at p = 0
 * and 1, NaN outside.
 */
export function gammaQuantile(a: number, p: number): number {
  if (!(a > 0 && a < Infinity && p >= 0 && p <= 1)) return NaN;
  if (p === 0) return 0;
  if (p === 1) return Infinity;
  const lower = p < 0.5;
  const target = lower ? Math.log(p) : Math.log1p(-p);
  // Where P = xᵃ / Γ(a + 1) is exact to double precision, so is its inverse.
  const small = (Math.log(p) + (a < 0.5 ? lgamma1p(a) : lgamma(a + 1))) / a;
  if (small < -700) return Math.exp(small);
  let t = start(a, p, small);
  let [left, right] = [-Infinity, Infinity];
  for (let i = 0; i < MAX_STEPS; i++) {
    const x = Math.exp(t);
    const tail = lower ? gammaP(a, x) : gammaQ(a, x);
    const error = Math.log(tail) - target;
    if (error === 0) return x;
    if (error < 0 === lower) left = t;
    else right = t;
    // d log P / d log x = x · density / P, the density from the Poisson mass at a.
    const slope = (Math.exp(logPoissonMass(a, x)) * a) / tail;
    let next = t - (lower ? error : -error) / slope;
    if (!(next > left && next < right)) {
      if (left === -Infinity) next = t - 1;
      else if (right === Infinity) next = t + 1;
      else next = left + (right - left) / 2;
    }
    if (Math.abs(next - t) <= 4e-16 * Math.max(1, Math.abs(t))) return Math.exp(next);
    t = next;
  }
  return Math.exp(t);
}

/** log of a first guess: Wilson and Hilferty (1931) for large a, else the power-law head. */
function start(a: number, p: number, small: number): number {
  if (a < 1) return Math.min(small, Math.log(a + 3));
  const z = normalQuantile(p);
  const root = 1 - 1 / (9 * a) + z / (3 * Math.sqrt(a));
  return root > 0.1 ? Math.log(a) + 3 * Math.log(root) : small;
}
