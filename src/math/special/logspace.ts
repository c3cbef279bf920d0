/** Elementary functions of log probabilities that neither overflow nor cancel. */

/** log(1 + eˣ) (softplus), relative error a few ε. */
export function log1pexp(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/**
 * log(1 - eˣ) for x ≤ 0; -∞ at 0, NaN above. Source: Mächler, "Accurately computing
 * log(1 - exp(-|a|))" (2012), equation 7.
 */
export function log1mexp(x: number): number {
  return x > -Math.LN2 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x));
}

/** log(eᵃ + eᵇ); -∞ where both are. */
export function logaddexp(a: number, b: number): number {
  const high = Math.max(a, b);
  if (high === -Infinity || high === Infinity) return high;
  return high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/** log(eᵃ - eᵇ) for a ≥ b; -∞ at a = b, NaN for a < b. */
export function logsubexp(a: number, b: number): number {
  if (b === -Infinity || (a === Infinity && b < a)) return a;
  return a === b ? -Infinity : a + log1mexp(b - a);
}

/** log Σ exp(xᵢ); -∞ for no terms, +∞ if any term is, NaN if any is. */
export function logsumexp(x: ArrayLike<number>): number {
  let high = -Infinity;
  for (let i = 0; i < x.length; i++) high = Math.max(high, x[i]);
  if (!Number.isFinite(high)) return high;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i] - high);
  return high + Math.log(sum);
}

/** The logistic function 1 / (1 + e⁻ˣ), relative error a few ε in the lower tail too. */
export function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log of the logistic function, -log(1 + e⁻ˣ). */
export function logLogistic(x: number): number {
  return -log1pexp(-x);
}

/** log(p / (1 - p)); ∓∞ at 0 and 1, NaN outside. Full relative accuracy near 1/2. */
export function logit(p: number): number {
  if (p > 0.25 && p < 0.75) return Math.log1p((p - 0.5 + (p - 0.5)) / (1 - p));
  return Math.log(p) - Math.log1p(-p);
}
