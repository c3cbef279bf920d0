/** Sorting, average ranks and rank normalisation of one variable's draws. */
import { normalQuantile } from "../../math/special/normal.js";

/** Bits sorted in one pass. */
const DIGIT = 11;
const BUCKETS = 1 << DIGIT;

/**
 * The permutation that sorts `values` ascending (NaN not allowed; -0 ties with 0), by a radix sort:
 * about ten times as fast as a comparison sort with an index at 4000 draws. The high words of the
 * numbers are sorted first; they hold 20 bits of the fraction, which tells nearly all draws apart,
 * and an insertion sort settles the rest. Where too many agree, the low words are sorted as well.
 */
export function sortOrder(values: Float64Array): Uint32Array {
  const n = values.length;
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * n);
  const high = new Uint32Array(n);
  for (let i = 0; i < n; i++) high[i] = orderedHigh(words, i);
  // A loop: `Uint32Array.from` with a function takes longer than all of the sorting.
  let order: Uint32Array = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  order = sortByWord(high, order);
  if (settle(values, order)) return order;
  const low = new Uint32Array(n);
  for (let i = 0; i < n; i++) low[i] = orderedLow(words, i);
  for (let i = 0; i < n; i++) order[i] = i;
  order = sortByWord(low, order);
  return sortByWord(
    high.map((_, k) => high[order[k]]),
    order,
  );
}

/** Values in ascending order, and where each stood. */
export interface Sorted {
  readonly values: Float64Array;
  readonly order: Uint32Array;
}

/** Bits of a place on the line between the least value and the largest. */
const LINE = 2 * DIGIT;

/** Room for sorting `length` values, used again and again. */
export class Sorter {
  readonly #values: readonly [Float64Array, Float64Array];
  readonly #orders: readonly [Uint32Array, Uint32Array];
  readonly #low = new Uint32Array(BUCKETS);
  readonly #high = new Uint32Array(BUCKETS);

  constructor(readonly length: number) {
    this.#values = [new Float64Array(length), new Float64Array(length)];
    this.#orders = [new Uint32Array(length), new Uint32Array(length)];
  }

  /**
   * Sorts `values` with their places (NaN not allowed; −0 ties with 0); the next call uses the
   * result's room again. Values are put into 2²² equal parts of their range by two passes of a
   * radix sort, and an insertion sort settles the rest, all in the order of the memory. Where too
   * many share a part, for the sake of a few far out, the bits of the numbers are sorted instead.
   */
  sort(values: Float64Array): Sorted {
    const n = this.length;
    const [half, full] = this.#values;
    const [halfOrder, order] = this.#orders;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      if (values[i] < least) least = values[i];
      if (values[i] > most) most = values[i];
    }
    const scale = (2 ** LINE - 1) / (most - least);
    if (!(scale > 0 && Number.isFinite(scale) && Number.isFinite(most - least))) {
      return this.#byBits(values);
    }
    const low = this.#low.fill(0);
    const high = this.#high.fill(0);
    for (let i = 0; i < n; i++) {
      const key = ((values[i] - least) * scale) | 0;
      low[key & (BUCKETS - 1)]++;
      high[key >>> DIGIT]++;
    }
    toStarts(low);
    toStarts(high);
    for (let i = 0; i < n; i++) {
      const value = values[i];
      const place = low[(((value - least) * scale) | 0) & (BUCKETS - 1)]++;
      half[place] = value;
      halfOrder[place] = i;
    }
    for (let k = 0; k < n; k++) {
      const value = half[k];
      const place = high[(((value - least) * scale) | 0) >>> DIGIT]++;
      full[place] = value;
      order[place] = halfOrder[k];
    }
    let moves = 4 * n;
    for (let k = 1; k < n; k++) {
      const value = full[k];
      if (full[k - 1] <= value) continue;
      const item = order[k];
      let at = k;
      for (; at > 0 && full[at - 1] > value; at--) {
        full[at] = full[at - 1];
        order[at] = order[at - 1];
      }
      full[at] = value;
      order[at] = item;
      moves -= k - at;
      if (moves < 0) return this.#byBits(values);
    }
    return { values: full, order };
  }

  #byBits(values: Float64Array): Sorted {
    const [, full] = this.#values;
    const order = sortOrder(values);
    for (let k = 0; k < this.length; k++) full[k] = values[order[k]];
    return { values: full, order };
  }
}

/** Counts become the places where each bucket begins. */
function toStarts(counts: Uint32Array): void {
  let total = 0;
  for (let digit = 0; digit < BUCKETS; digit++) {
    const here = counts[digit];
    counts[digit] = total;
    total += here;
  }
}

/** The bits of a number in unsigned order: all flipped for negatives, else the sign alone. */
function orderedHigh(words: Uint32Array, i: number): number {
  const word = words[2 * i + 1];
  if (word >>> 31 === 0) return word ^ 0x80000000;
  return word === 0x80000000 && words[2 * i] === 0 ? 0x80000000 : ~word;
}
function orderedLow(words: Uint32Array, i: number): number {
  const word = words[2 * i];
  const sign = words[2 * i + 1];
  return sign >>> 31 === 0 || (sign === 0x80000000 && word === 0) ? word : ~word;
}

/** Sorts `order` stably by the keys that stand beside it (key k belongs to order[k]). */
function sortByWord(keys: Uint32Array, order: Uint32Array): Uint32Array {
  const n = keys.length;
  let fromKeys: Uint32Array = keys.slice();
  let toKeys: Uint32Array = new Uint32Array(n);
  let from: Uint32Array = order;
  let to: Uint32Array = new Uint32Array(n);
  const starts = new Uint32Array(BUCKETS);
  for (let shift = 0; shift < 32; shift += DIGIT) {
    starts.fill(0);
    for (let k = 0; k < n; k++) starts[(fromKeys[k] >>> shift) & (BUCKETS - 1)] += 1;
    let total = 0;
    for (let digit = 0; digit < BUCKETS; digit++) {
      const here = starts[digit];
      starts[digit] = total;
      total += here;
    }
    for (let k = 0; k < n; k++) {
      const key = fromKeys[k];
      const place = starts[(key >>> shift) & (BUCKETS - 1)]++;
      toKeys[place] = key;
      to[place] = from[k];
    }
    [fromKeys, toKeys] = [toKeys, fromKeys];
    [from, to] = [to, from];
  }
  return from;
}

/** Insertion sort of what is nearly sorted; false if it is not, and would take long. */
function settle(values: Float64Array, order: Uint32Array): boolean {
  let moves = 2 * order.length;
  for (let k = 1; k < order.length; k++) {
    const item = order[k];
    const value = values[item];
    let at = k;
    while (at > 0 && values[order[at - 1]] > value) {
      order[at] = order[at - 1];
      at -= 1;
      moves -= 1;
    }
    order[at] = item;
    if (moves < 0) return false;
  }
  return true;
}

/**
 * Normal scores by average rank: the score of rank r (1-based, in steps of a half because of ties) is
 * `at(2·r)` = Φ⁻¹((r - 3/8) / (n + 1/4)), with Blom's offset (Vehtari et al. 2021, eq. 14).
 */
export class NormalScores {
  /** Those of ranks that are whole numbers or, of ties, between two: NaN until one is asked for. */
  readonly table: Float64Array;

  constructor(readonly n: number) {
    this.table = new Float64Array(2 * n + 1).fill(Number.NaN);
    // Rank and n + 1 - rank have opposite scores.
    for (let rank = 1; 2 * rank <= n + 1; rank++) {
      const score = this.#score(2 * rank);
      this.table[2 * rank] = score;
      this.table[2 * (n + 1 - rank)] = -score;
    }
    if (n % 2 === 1) this.table[n + 1] = 0;
  }

  /** @param twice twice the rank */
  at(twice: number): number {
    const known = this.table[twice];
    if (!Number.isNaN(known)) return known;
    const score = this.#score(twice);
    this.table[twice] = score;
    return score;
  }

  #score(twice: number): number {
    return normalQuantile((twice / 2 - 0.375) / (this.n + 0.25));
  }
}

/** Writes the scores of the average ranks into `out`, in the order of the values before the sort. */
export function rankNormalise(
  { values, order }: Sorted,
  scores: NormalScores,
  out: Float64Array,
): void {
  const n = values.length;
  const { table } = scores;
  for (let start = 0; start < n; ) {
    const value = values[start];
    let end = start + 1;
    while (end < n && values[end] === value) end++;
    if (end === start + 1) {
      out[order[start]] = table[2 * end];
    } else {
      // Ranks start + 1 .. end; twice their average is start + 1 + end.
      const score = scores.at(start + 1 + end);
      for (let i = start; i < end; i++) out[order[i]] = score;
    }
    start = end;
  }
}

/**
 * Sums, and sums of squares, of the scores of each value's distance from the median, chain by chain:
 * `draws` values are a chain. Distances grow outwards from the median on both sides, so the two sides
 * are merged in linear time.
 */
export function foldedSums(
  { values, order }: Sorted,
  scores: NormalScores,
  draws: number,
  sums: Float64Array,
  squares: Float64Array,
): void {
  const n = values.length;
  const middle = quantileAt(values, 0.5);
  const add = (k: number, score: number): void => {
    const chain = (order[k] / draws) | 0;
    sums[chain] += score;
    squares[chain] += score * score;
  };
  const { table } = scores;
  let above = 0;
  for (let high = n; above < high; ) {
    const half = (above + high) >>> 1;
    if (values[half] < middle) above = half + 1;
    else high = half;
  }
  let below = above - 1;
  for (let start = 0; start < n; ) {
    const down = below >= 0 ? middle - values[below] : Number.POSITIVE_INFINITY;
    const up = above < n ? values[above] - middle : Number.POSITIVE_INFINITY;
    if (down < up && (below === 0 || middle - values[below - 1] > down)) {
      add(below--, table[2 * ++start]);
      continue;
    }
    if (up < down && (above === n - 1 || values[above + 1] - middle > up)) {
      add(above++, table[2 * ++start]);
      continue;
    }
    const distance = Math.min(down, up);
    let [first, last] = [below, above];
    while (first >= 0 && middle - values[first] === distance) first--;
    while (last < n && values[last] - middle === distance) last++;
    const end = start + (below - first) + (last - above);
    const score = scores.at(start + 1 + end);
    for (let k = first + 1; k <= below; k++) add(k, score);
    for (let k = above; k < last; k++) add(k, score);
    [below, above, start] = [first, last, end];
  }
}

/** Quantile `p` of ascending values with linear interpolation (Hyndman and Fan's type 7). */
export function quantileAt(values: Float64Array, p: number): number {
  const at = p * (values.length - 1);
  const low = Math.floor(at);
  const a = values[low];
  const b = values[Math.min(low + 1, values.length - 1)];
  // Equal infinities have no difference; adding 0 turns -0 into 0.
  return a === b ? a + 0 : a + (at - low) * (b - a);
}
