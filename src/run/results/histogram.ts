/** Small histograms of draws for tables. */

export const HISTOGRAM_BINS = 12;

/**
 * A normal's 0.5 % quantile is about 0.57 times farther out than its 5 % quantile, as seen from the
 * median. Bins reach a little beyond that, so that long tails do not flatten the picture.
 */
const REACH = 0.6;

/**
 * Counts in bins of equal width over the bulk of `x`: from 60 % beyond the 5 % quantile (as seen
 * from the median) to 60 % beyond the 95 % quantile, within the range of `x`. Draws outside are not
 * counted. Undefined where the quantiles are not finite; one bin where all draws are equal.
 */
export function histogramOf(
  x: Float64Array,
  quantiles: { readonly q5: number; readonly q50: number; readonly q95: number },
  bins = HISTOGRAM_BINS,
): readonly number[] | undefined {
  const { q5, q50, q95 } = quantiles;
  if (!Number.isFinite(q5 + q50 + q95)) return undefined;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) {
    if (x[i] < least) least = x[i];
    if (x[i] > most) most = x[i];
  }
  const low = Math.max(least, q5 - REACH * (q50 - q5));
  const high = Math.min(most, q95 + REACH * (q95 - q50));
  if (!(high > low)) return [x.length];
  const counts = new Array<number>(bins).fill(0);
  const scale = bins / (high - low);
  for (let i = 0; i < x.length; i++) {
    const value = x[i];
    if (value >= low && value <= high) {
      counts[Math.min(bins - 1, Math.floor((value - low) * scale))] += 1;
    }
  }
  return counts;
}

/** The same of ascending values, without a look at each of them. */
export function histogramOfSorted(
  sorted: Float64Array,
  quantiles: { readonly q5: number; readonly q50: number; readonly q95: number },
  bins = HISTOGRAM_BINS,
): readonly number[] | undefined {
  const { q5, q50, q95 } = quantiles;
  if (!Number.isFinite(q5 + q50 + q95)) return undefined;
  const low = Math.max(sorted[0], q5 - REACH * (q50 - q5));
  const high = Math.min(sorted[sorted.length - 1], q95 + REACH * (q95 - q50));
  if (!(high > low)) return [sorted.length];
  const scale = bins / (high - low);
  const binOf = (value: number): number => Math.min(bins - 1, Math.floor((value - low) * scale));
  const ends = Array.from({ length: bins }, (_, bin) =>
    firstWhere(sorted, (v) => v > high || (v >= low && binOf(v) > bin)),
  );
  const start = firstWhere(sorted, (v) => v >= low);
  return ends.map((end, bin) => end - (bin === 0 ? start : ends[bin - 1]));
}

/** The place of the first value of which something holds that holds of all above it. */
function firstWhere(sorted: Float64Array, holds: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(sorted[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
