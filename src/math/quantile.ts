/**
 * The quantile of probability `p` in [0, 1] of *ascending* numbers: type 7 of Hyndman and Fan
 * (1996), linear between order statistics at h = (n - 1) p, which is the default of R, numpy and
 * the posterior package. NaN for no numbers or p outside [0, 1].
 */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  if (!(p >= 0 && p <= 1) || sorted.length === 0) return NaN;
  const h = (sorted.length - 1) * p;
  const below = Math.floor(h);
  const low = sorted[below];
  const fraction = h - below;
  if (fraction === 0) return low;
  const high = sorted[below + 1];
  // Equal neighbours, infinite ones above all, need no interpolation.
  return low === high ? low : low + fraction * (high - low);
}

/** Type-7 quantiles of unsorted numbers; every one is NaN if any number is. */
export function quantiles(x: ArrayLike<number>, probabilities: readonly number[]): number[] {
  const sorted = Float64Array.from(x).sort();
  // A typed array sorts NaN to the end.
  if (Number.isNaN(sorted[sorted.length - 1])) return probabilities.map(() => NaN);
  return probabilities.map((p) => quantileOfSorted(sorted, p));
}

/** The median, `quantiles(x, [0.5])`. */
export function median(x: ArrayLike<number>): number {
  return quantiles(x, [0.5])[0];
}

/** The indices that put `x` in ascending order; equal numbers keep their order, NaN comes last. */
export function sortOrder(x: ArrayLike<number>): Int32Array {
  const order = Int32Array.from({ length: x.length }, (_, i) => i);
  const key = (v: number) => (Number.isNaN(v) ? 1 : 0);
  return order.sort((i, j) => {
    const [a, b] = [x[i], x[j]];
    if (a < b) return -1;
    if (a > b) return 1;
    return key(a) - key(b) || i - j;
  });
}

/**
 * Ranks from 1 to n, ties given the average of the ranks they span (as `scipy.stats.rankdata` and
 * the rank-normalised R-hat of Vehtari et al. 2021 do). Numbers must not be NaN.
 */
export function averageRanks(x: ArrayLike<number>): Float64Array {
  const order = sortOrder(x);
  const ranks = new Float64Array(x.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && x[order[end]] === x[order[start]]) end += 1;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}
