/**
 * A point partition of least expected loss: the best draw and partitions built item by item, each
 * improved by moving single items while the loss falls, in the manner of Dahl, Johnson and Müller,
 * "Search algorithms and loss functions for Bayesian clustering" (2022). The search works on the
 * co-clustering matrix: exact for Binder's loss; for the variation of information on the bound of
 * Wade and Ghahramani (2018), equation 6. The partition returned is the best of all by the mean
 * distance to the draws.
 */
import { type RandomStream, stream } from "../../../math/rng/random.js";
import { canonical } from "../samplers/partition.js";
import { expectedLoss, type PartitionLoss } from "./losses.js";
import { coClustering, type Partitions } from "./similarity.js";

export interface PointPartition {
  /** Clusters in the order of their first items. */
  readonly labels: Int32Array;
  readonly clusters: number;
  /** Mean distance to the draws: pairs in error over all pairs, or bits. */
  readonly loss: number;
}

export interface PointOptions {
  /** Partitions built from nothing. */
  readonly builds: number;
  /** Different draws that the search begins from, best first. */
  readonly starts: number;
  readonly seed: number | bigint;
  /** Draws that expected losses are averaged over, at most, evenly spaced. */
  readonly averaged: number;
}

export const POINT_DEFAULTS: PointOptions = { builds: 8, starts: 4, seed: 0, averaged: 1000 };
const SWEEPS = 100;

export function pointPartition(
  partitions: Partitions,
  loss: PartitionLoss,
  options: PointOptions = POINT_DEFAULTS,
  similarity: Float64Array = coClustering(partitions),
): PointPartition {
  const thinned = evenly(partitions, options.averaged);
  const { items } = partitions;
  const candidates: Int32Array[] = [];
  const drawn = distinct(thinned)
    .map((labels) => ({ labels, loss: matrixLoss(loss, labels, similarity) }))
    .sort((a, b) => a.loss - b.loss)
    .slice(0, options.starts);
  drawn.forEach(({ labels }, k) => {
    candidates.push(labels);
    candidates.push(new Search(loss, similarity, items).improve(labels, rngOf(options, k)));
  });
  for (let k = 0; k < options.builds; k++) {
    const search = new Search(loss, similarity, items);
    candidates.push(search.improve(undefined, rngOf(options, options.starts + k)));
  }
  const scored = candidates.map((labels) => ({
    labels,
    loss: expectedLoss(loss, labels, thinned),
  }));
  const best = scored.reduce((a, b) => (b.loss < a.loss ? b : a));
  const labels = new Int32Array(items);
  const clusters = canonical(best.labels, labels, new Int32Array(items));
  return { labels, clusters, loss: best.loss };
}

const rngOf = (options: PointOptions, k: number) => stream(options.seed, 0, 0, k);

function evenly(p: Partitions, most: number): Partitions {
  if (p.draws <= most) return p;
  const labels = new Int32Array(most * p.items);
  for (let k = 0; k < most; k++) {
    const t = Math.floor((k * p.draws) / most);
    labels.set(p.labels.subarray(t * p.items, (t + 1) * p.items), k * p.items);
  }
  return { items: p.items, draws: most, labels };
}

function distinct(p: Partitions): Int32Array[] {
  const found = new Map<string, Int32Array>();
  const order = new Int32Array(p.items);
  for (let t = 0; t < p.draws; t++) {
    const labels = new Int32Array(p.items);
    canonical(p.labels.subarray(t * p.items, (t + 1) * p.items), labels, order);
    const key = labels.join(" ");
    if (!found.has(key)) found.set(key, labels);
  }
  return [...found.values()];
}

/** The loss by the co-clustering matrix, up to a constant and a factor. */
function matrixLoss(loss: PartitionLoss, labels: Int32Array, similarity: Float64Array): number {
  const n = labels.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let size = 0;
    let shared = 0;
    for (let j = 0; j < n; j++) {
      if (labels[j] !== labels[i]) continue;
      size++;
      shared += similarity[i * n + j];
    }
    sum += loss === "binder" ? size - 2 * shared : Math.log2(size) - 2 * Math.log2(shared);
  }
  return sum;
}

/** Single-item moves. A cluster's members are kept in a list; empty clusters vanish at the end. */
class Search {
  readonly #loss: PartitionLoss;
  readonly #similarity: Float64Array;
  readonly #n: number;
  readonly #labels: Int32Array;
  /** Σ similarity of each item to its cluster, itself included. */
  readonly #shared: Float64Array;
  readonly #members: Set<number>[] = [];

  constructor(loss: PartitionLoss, similarity: Float64Array, items: number) {
    this.#loss = loss;
    this.#similarity = similarity;
    this.#n = items;
    this.#labels = new Int32Array(items).fill(-1);
    this.#shared = new Float64Array(items);
  }

  /** From `start`, or from nothing by seating the items in random order where they cost least. */
  improve(start: Int32Array | undefined, rng: RandomStream): Int32Array {
    if (start !== undefined) {
      start.forEach((c, i) => {
        this.#seat(i, c);
      });
    }
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      let moved = false;
      for (const i of rng.permutation(this.#n)) {
        const before = this.#labels[i];
        if (before >= 0) this.#unseat(i);
        const after = this.#cheapest(i, before);
        this.#seat(i, after);
        if (after !== before) moved = true;
      }
      if (!moved) break;
    }
    return this.#labels.slice();
  }

  /** The cluster that the item adds least to; staying wins ties, so that the search ends. */
  #cheapest(item: number, before: number): number {
    let empty = this.#members.findIndex((m) => m.size === 0);
    if (empty < 0) empty = this.#members.length;
    // An item alone adds 1 − 2 = −1 pair with itself to Binder's sum, and no bits.
    let best = before >= 0 ? before : empty;
    let least = this.#cost(item, best);
    for (let c = 0; c <= this.#members.length; c++) {
      const isEmpty = c === this.#members.length || this.#members[c].size === 0;
      if (isEmpty && c !== empty) continue;
      const cost = this.#cost(item, c);
      if (cost < least - 1e-12) {
        best = c;
        least = cost;
      }
    }
    return best;
  }

  /** What `matrixLoss` grows by when the item, now nowhere, joins a cluster. */
  #cost(item: number, cluster: number): number {
    const members = this.#members[cluster];
    if (members === undefined || members.size === 0) return this.#loss === "binder" ? -1 : 0;
    const base = item * this.#n;
    const size = members.size;
    let own = 1;
    if (this.#loss === "binder") {
      for (const j of members) own += this.#similarity[base + j];
      return 2 * size + 1 - 2 * (2 * own - 1);
    }
    let sum = (size + 1) * Math.log2(size + 1) - size * Math.log2(size);
    for (const j of members) {
      const p = this.#similarity[base + j];
      own += p;
      if (p > 0) sum -= 2 * Math.log2(1 + p / this.#shared[j]);
    }
    return sum - 2 * Math.log2(own);
  }

  #seat(item: number, cluster: number): void {
    while (this.#members.length <= cluster) this.#members.push(new Set());
    const base = item * this.#n;
    let own = 1;
    for (const j of this.#members[cluster]) {
      this.#shared[j] += this.#similarity[base + j];
      own += this.#similarity[base + j];
    }
    this.#shared[item] = own;
    this.#members[cluster].add(item);
    this.#labels[item] = cluster;
  }
  #unseat(item: number): void {
    const members = this.#members[this.#labels[item]];
    members.delete(item);
    const base = item * this.#n;
    for (const j of members) this.#shared[j] -= this.#similarity[base + j];
    this.#labels[item] = -1;
  }
}
