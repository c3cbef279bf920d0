/** Sorting, average ranks and rank normalisation of one variable's draws. */
import { normalQuantile } from "../../math/special/normal.js";

/**
 * The permutation that sorts `values` ascending (NaN not allowed), by a radix sort of the bits of
 * the numbers: about four times as fast as a comparison sort with an index at 4000 draws.
 */
export function sortOrder(values: Float64Array): Uint32Array {
  const n = values.length;
  const bits = new Uint32Array(values.buffer.slice(values.byteOffset, values.byteOffset + 8 * n));
  // Map the sign-magnitude bits to an unsigned order: flip all bits of negatives, else the sign.
  for (let i = 0; i < n; i++) {
    if (values[i] === 0) bits[2 * i + 1] = 0; // -0 ties with +0
    if (bits[2 * i + 1] >>> 31 !== 0) {
      bits[2 * i] = ~bits[2 * i];
      bits[2 * i + 1] = ~bits[2 * i + 1];
    } else {
      bits[2 * i + 1] ^= 0x80000000;
    }
  }
  let from: Uint32Array = Uint32Array.from({ length: n }, (_, i) => i);
  let to: Uint32Array = new Uint32Array(n);
  const counts = new Uint32Array(2048);
  for (let word = 0; word < 2; word++) {
    for (let shift = 0; shift < 32; shift += 11) {
      counts.fill(0);
      for (let i = 0; i < n; i++) counts[(bits[2 * i + word] >>> shift) & 2047] += 1;
      if (counts[(bits[word] >>> shift) & 2047] === n) continue;
      for (let digit = 0, total = 0; digit < 2048; digit++) {
        const here = counts[digit];
        counts[digit] = total;
        total += here;
      }
      for (let i = 0; i < n; i++) {
        const item = from[i];
        to[counts[(bits[2 * item + word] >>> shift) & 2047]++] = item;
      }
      [from, to] = [to, from];
    }
  }
  return from;
}

/**
 * Normal scores by average rank: score of rank r (1-based, in steps of a half because of ties) is
 * `table[2·r]` = Φ⁻¹((r - 3/8) / (n + 1/4)), with Blom's offset (Vehtari et al. 2021, eq. 14).
 */
export function normalScores(n: number): Float64Array {
  const table = new Float64Array(2 * n + 1);
  // Rank and n + 1 - rank have opposite scores; 1 / 2 is the middle.
  for (let twice = 2; twice <= 2 * n; twice++) {
    table[twice] = normalQuantile((twice / 2 - 0.375) / (n + 0.25));
  }
  return table;
}

/** Writes `scores` of the average ranks of `values` into `out`, given their sorting `order`. */
export function rankNormalise(
  values: Float64Array,
  order: Uint32Array,
  scores: Float64Array,
  out: Float64Array,
): void {
  const n = values.length;
  for (let start = 0; start < n; ) {
    const value = values[order[start]];
    let end = start + 1;
    while (end < n && values[order[end]] === value) end++;
    // Ranks start + 1 .. end; twice their average is start + 1 + end.
    const score = scores[start + 1 + end];
    for (let i = start; i < end; i++) out[order[i]] = score;
    start = end;
  }
}

/**
 * The order of |x - median| from the order of x in linear time: distances grow outwards from the
 * median on both sides, so the two sides are merged. `folded` receives the distances.
 */
export function foldedOrder(
  values: Float64Array,
  order: Uint32Array,
  folded: Float64Array,
): Uint32Array {
  const n = values.length;
  const middle = quantileOfSorted(values, order, 0.5);
  for (let i = 0; i < n; i++) folded[i] = Math.abs(values[i] - middle);
  const result = new Uint32Array(n);
  let above = 0;
  while (above < n && values[order[above]] < middle) above++;
  let below = above - 1;
  for (let i = 0; i < n; i++) {
    const takeBelow = above >= n || (below >= 0 && folded[order[below]] <= folded[order[above]]);
    result[i] = takeBelow ? order[below--] : order[above++];
  }
  return result;
}

/** Quantile `p` with linear interpolation between order statistics (Hyndman and Fan's type 7). */
export function quantileOfSorted(values: Float64Array, order: Uint32Array, p: number): number {
  const at = p * (order.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, order.length - 1);
  const a = values[order[low]];
  const b = values[order[high]];
  // Equal infinities have no difference; adding 0 turns -0 into 0.
  return a === b ? a + 0 : a + (at - low) * (b - a);
}
