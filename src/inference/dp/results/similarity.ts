/** What draws of partitions say that does not depend on labels. */
import { internalError } from "../../../base/internal.js";

/** Draws of partitions of the same items, of one or more chains. */
export interface Partitions {
  readonly items: number;
  /** How many draws. */
  readonly draws: number;
  /** `[draws · items]`: labels ≥ 0 of each draw. */
  readonly labels: Int32Array;
}

/** Chains one after another. */
export function pooled(chains: readonly Partitions[]): Partitions {
  const items = chains[0]?.items ?? internalError("no chains");
  const draws = chains.reduce((n, c) => n + c.draws, 0);
  const labels = new Int32Array(draws * items);
  let at = 0;
  for (const chain of chains) {
    if (chain.items !== items) internalError("chains of different items");
    labels.set(chain.labels.subarray(0, chain.draws * items), at);
    at += chain.draws * items;
  }
  return { items, draws, labels };
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
