/** Estimates of an objective, smoothed over windows of steps, and whether they still rise. */

/** Mean and standard error of independent estimates. */
export function meanOf(x: Float64Array): { readonly mean: number; readonly error: number } {
  let mean = 0;
  let squares = 0;
  x.forEach((v, k) => {
    const d = v - mean;
    mean += d / (k + 1);
    squares += d * (v - mean);
  });
  return { mean, error: Math.sqrt(squares / Math.max(1, x.length - 1) / x.length) };
}

/**
 * Whether the last half of the windows is no higher than the half before it, by more than
 * `tolerance` and two standard errors. Fewer than `least` windows say nothing.
 */
export function isFlat(
  means: readonly number[],
  errors: readonly number[],
  tolerance: number,
  least: number,
): boolean {
  const n = means.length;
  if (n < least) return false;
  const half = Math.min(8, n >> 1);
  const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
  const recent = mean(means.slice(n - half));
  const before = mean(means.slice(n - 2 * half, n - half));
  const error = Math.hypot(...errors.slice(n - 2 * half)) / half;
  return recent - before < Math.max(tolerance, 2 * error);
}
