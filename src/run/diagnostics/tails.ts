/**
 * Effective size of an indicator that few draws have, such as that of a tail: autocovariances from
 * the places of its ones, which at 5 % of the draws costs a twentieth of sums over all of them.
 */
import { type EssScratch, sizeFrom, variance } from "./ess.js";
import { summedAutocovariance } from "./spectrum.js";

/** Up to lags that cost as much as so many sums over all draws the transforms are not worth it. */
const DIRECT_SUMS = 16;

/** Working storage for indicators of `chains` · `draws` values. */
export interface TailScratch {
  /** 1 where the indicator is. */
  readonly marks: Uint8Array;
  /** Where it is 1, in order. */
  readonly places: Uint32Array;
}

/** Scratch for `tailSize`. */
export function tailScratch({ chains, draws }: EssScratch): TailScratch {
  return { marks: new Uint8Array(chains * draws), places: new Uint32Array(chains * draws) };
}

/**
 * Effective size of the mean of the indicator x ≤ `limit` (the same as that of x > `limit`, of which
 * the rarer one is counted), for `scratch.chains` (already split) chains of `scratch.draws` finite
 * values; as `effectiveSize` gives it of zeros and ones.
 */
export function tailSize(
  x: Float64Array,
  limit: number,
  scratch: EssScratch,
  { marks, places }: TailScratch,
): number {
  const { chains, draws } = scratch;
  const total = chains * draws;
  let below = 0;
  for (let i = 0; i < total; i++) {
    const isBelow = x[i] <= limit ? 1 : 0;
    marks[i] = isBelow;
    below += isBelow;
  }
  if (below === 0 || below === total) return total;
  if (draws < 2) return Number.NaN;
  const rare = 2 * below <= total ? 1 : 0;
  let count = 0;
  if (rare === 0) for (let i = 0; i < total; i++) marks[i] ^= 1;
  for (let i = 0; i < total; i++) {
    places[count] = i;
    count += marks[i];
  }
  const starts = new Uint32Array(chains + 1);
  let at = 0;
  for (let c = 1; c <= chains; c++) {
    while (at < count && places[at] < c * draws) at++;
    starts[c] = at;
  }
  const means = Float64Array.from(
    { length: chains },
    (_, c) => (starts[c + 1] - starts[c]) / draws,
  );
  const mostDirect = Math.floor((DIRECT_SUMS * total) / count);
  // Ones among the first and the last `lag` draws of each chain.
  const head = new Uint32Array(chains);
  const foot = new Uint32Array(chains);
  let edges = 0;
  let haveSpectrum = false;
  return sizeFrom(scratch, variance(means), (lag) => {
    if (lag >= mostDirect) {
      if (!haveSpectrum) {
        const { centred, covariance, plan } = scratch;
        for (let i = 0; i < total; i++) centred[i] = marks[i] - means[Math.floor(i / draws)];
        summedAutocovariance(plan(), centred, chains, draws, covariance);
        haveSpectrum = true;
      }
      return scratch.covariance[lag] / total;
    }
    for (; edges < lag; edges++) {
      for (let c = 0; c < chains; c++) {
        head[c] += marks[c * draws + edges];
        foot[c] += marks[(c + 1) * draws - 1 - edges];
      }
    }
    let sum = 0;
    for (let c = 0; c < chains; c++) {
      const end = (c + 1) * draws - lag;
      let pairs = 0;
      for (let k = starts[c]; k < starts[c + 1] && places[k] < end; k++) {
        pairs += marks[places[k] + lag];
      }
      // Σ (b_i − m)(b_{i + lag} − m).
      const own = starts[c + 1] - starts[c];
      const m = means[c];
      sum += pairs - m * (2 * own - head[c] - foot[c]) + (draws - lag) * m * m;
    }
    return sum / total;
  });
}
