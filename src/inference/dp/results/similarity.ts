/** What draws of partitions say that does not depend on labels. */
import { internalError } from "../../../base/internal.js";

/** Labels of draws, `[draws · items]`: an array, or rows that are read from a file. */
export interface LabelRows {
  readonly length: number;
  /** Whole rows from one on. Its room may be used again by the next call. */
  readonly subarray: (from: number, to: number) => Int32Array;
}

/** Draws of partitions of the same items, of one or more chains. */
export interface Partitions {
  readonly items: number;
  /** How many draws. */
  readonly draws: number;
  /** `[draws · items]`: labels ≥ 0 of each draw. */
  readonly labels: LabelRows;
}

/** Chains one after another; their labels stay where they are. */
export function pooled(chains: readonly Partitions[]): Partitions {
  const items = chains[0]?.items ?? internalError("no chains");
  if (chains.some((c) => c.items !== items)) internalError("chains of different items");
  const draws = chains.reduce((n, c) => n + c.draws, 0);
  const read = (from: number, to: number): Int32Array => {
    let before = 0;
    for (const chain of chains) {
      const own = chain.draws * items;
      if (to <= before + own && from >= before) {
        return chain.labels.subarray(from - before, to - before);
      }
      before += own;
    }
    return gathered(from, to);
  };
  /** Rows of several chains. */
  const gathered = (from: number, to: number): Int32Array => {
    const out = new Int32Array(to - from);
    for (let at = from; at < to; at += items) out.set(read(at, at + items), at - from);
    return out;
  };
  return { items, draws, labels: { length: draws * items, subarray: read } };
}

/** The co-clustering matrix `[items · items]`: how often two items are in one cluster; 1 on the diagonal. */
export function coClustering({ items, draws, labels }: Partitions): Float64Array {
  const counts = new Float64Array(items * items);
  const order = new Int32Array(items);
  for (let t = 0; t < draws; t++) {
    const row = labels.subarray(t * items, (t + 1) * items);
    const { starts, count } = byLabel(row, order);
    for (let c = 0; c < count; c++) {
      for (let a = starts[c]; a < starts[c + 1]; a++) {
        const base = order[a] * items;
        for (let b = starts[c]; b < a; b++) counts[base + order[b]]++;
      }
    }
  }
  for (let i = 0; i < items; i++) {
    counts[i * items + i] = 1;
    for (let j = 0; j < i; j++) {
      const share = counts[i * items + j] / draws;
      counts[i * items + j] = share;
      counts[j * items + i] = share;
    }
  }
  return counts;
}

/** Items in the order of their labels (each label's in their own), and where each label begins. */
function byLabel(labels: Int32Array, order: Int32Array) {
  let count = 0;
  for (const c of labels) count = Math.max(count, c + 1);
  const starts = new Int32Array(count + 1);
  for (const c of labels) starts[c + 1]++;
  for (let c = 0; c < count; c++) starts[c + 1] += starts[c];
  const next = starts.slice();
  labels.forEach((c, i) => {
    order[next[c]++] = i;
  });
  return { starts, count };
}

/** Posterior masses of the number of clusters: element k is that of k clusters. */
export function clusterCounts(counts: Int32Array, draws = counts.length): Float64Array {
  const most = counts.subarray(0, draws).reduce((m, k) => Math.max(m, k), 0);
  const masses = new Float64Array(most + 1);
  for (let t = 0; t < draws; t++) masses[counts[t]] += 1 / draws;
  return masses;
}
