/** The tail of importance weights, as a generalised Pareto distribution. */

/** The tail begins no lower than this, relative to the largest weight (the least normal number). */
const SMALLEST = 2 ** -1022;
/** Log weights whose tail is as narrow as this are alike: the approximation is exact. */
const ALIKE = 1e-6;

/**
 * Shape k of the tail of the weights exp(logRatios): that of a generalised Pareto distribution
 * fitted to the largest min(n / 5, 3√n) of them (Vehtari et al. 2024, section 2.4). NaN ratios
 * count as weight 0. With fewer than five tail weights, or a tail that is all alike, there is
 * nothing to fit: infinity and -infinity.
 */
export function paretoK(logRatios: Float64Array): number {
  const n = logRatios.length;
  const sorted = logRatios.map((r) => (Number.isNaN(r) ? -Infinity : r)).sort();
  const largest = sorted[n - 1];
  if (!Number.isFinite(largest)) return Infinity;
  const tail = Math.ceil(Math.min(n / 5, 3 * Math.sqrt(n)));
  if (tail < 5) return Infinity;
  if (largest - sorted[n - tail - 1] < ALIKE) return -Infinity;
  const cutoff = Math.max(Math.exp(sorted[n - tail - 1] - largest), SMALLEST);
  const excess = sorted
    .subarray(n - tail)
    .map((r) => Math.exp(r - largest) - cutoff)
    .filter((x) => x > 0);
  return excess.length < 5 ? Infinity : paretoShape(excess);
}

/**
 * Shape of a generalised Pareto distribution from positive, sorted excesses: the empirical Bayes
 * estimate of Zhang and Stephens, "A new and efficient estimation method for the generalized
 * Pareto distribution" (Technometrics 2009), with the weak prior towards 1/2 of Vehtari et al.
 * (2024), appendix C.
 */
export function paretoShape(x: Float64Array): number {
  return fitPareto(x).shape;
}

/** The same estimate with its scale: excesses have the density of GPD(shape, scale). */
export function fitPareto(x: Float64Array): { readonly shape: number; readonly scale: number } {
  const n = x.length;
  const grid = 30 + Math.floor(Math.sqrt(n));
  const quartile = x[Math.floor(n / 4 + 0.5) - 1];
  const theta = Float64Array.from({ length: grid }, (_, j) => {
    const spread = (1 - Math.sqrt(grid / (j + 0.5))) / (3 * quartile);
    return spread + 1 / x[n - 1];
  });
  const meanLog = (b: number): number => {
    let sum = 0;
    for (const value of x) sum += Math.log1p(-b * value);
    return sum / n;
  };
  const profile = theta.map((b) => {
    const k = meanLog(b);
    return n * (Math.log(-b / k) - k - 1);
  });
  const best = profile.reduce((a, b) => Math.max(a, b), -Infinity);
  let weight = 0;
  let mean = 0;
  for (let j = 0; j < grid; j++) {
    const w = Math.exp(profile[j] - best);
    weight += w;
    mean += w * theta[j];
  }
  const k = meanLog(mean / weight);
  return { shape: (n * k + 10 * 0.5) / (n + 10), scale: (-k * weight) / mean };
}
