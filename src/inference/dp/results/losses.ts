/**
 * Distances of partitions and their posterior expectations. Sources: Binder, "Bayesian cluster
 * analysis" (1978); Wade and Ghahramani, "Bayesian cluster analysis: point estimation and credible
 * balls" (2018), sections 2 and 3.
 */
import type { Partitions } from "./similarity.js";

export type PartitionLoss = "binder" | "variation-of-information";

/** The number of pairs on which two labellings disagree, over all pairs. */
export function binderDistance(a: Int32Array, b: Int32Array): number {
  const { joint, first, second } = contingency(a, b);
  const squares = (v: Iterable<number>): number => {
    let sum = 0;
    for (const n of v) sum += n * n;
    return sum;
  };
  const n = a.length;
  if (n < 2) return 0;
  const apart = squares(first.values()) + squares(second.values()) - 2 * squares(joint.values());
  return apart / (n * (n - 1));
}

/** H(a) + H(b) − 2 I(a, b), in bits: Meilă, "Comparing clusterings" (2007). */
export function variationOfInformation(a: Int32Array, b: Int32Array): number {
  const { joint, first, second } = contingency(a, b);
  const n = a.length;
  const sum = (v: Iterable<number>): number => {
    let total = 0;
    for (const k of v) total += (k / n) * Math.log2(k);
    return total;
  };
  const value = sum(first.values()) + sum(second.values()) - 2 * sum(joint.values());
  return Math.max(0, value);
}

function contingency(a: Int32Array, b: Int32Array) {
  const joint = new Map<number, number>();
  const first = new Map<number, number>();
  const second = new Map<number, number>();
  const bump = (map: Map<number, number>, key: number): void => {
    map.set(key, (map.get(key) ?? 0) + 1);
  };
  for (let i = 0; i < a.length; i++) {
    // Labels are below the number of items.
    bump(joint, a[i] * (a.length + 1) + b[i]);
    bump(first, a[i]);
    bump(second, b[i]);
  }
  return { joint, first, second };
}

const distances = {
  binder: binderDistance,
  "variation-of-information": variationOfInformation,
} as const satisfies Record<PartitionLoss, (a: Int32Array, b: Int32Array) => number>;

/** The mean distance of `labels` to the draws: its expected loss. */
export function expectedLoss(loss: PartitionLoss, labels: Int32Array, p: Partitions): number {
  let sum = 0;
  for (let t = 0; t < p.draws; t++) {
    sum += distances[loss](labels, p.labels.subarray(t * p.items, (t + 1) * p.items));
  }
  return sum / p.draws;
}
