/** All partitions of a few items and their exact posterior probabilities. */
import { expect } from "vitest";
import type { ClusterModel } from "../../../src/inference/dp/contract.js";
import { logPartitionPrior } from "../../../src/inference/dp/samplers/concentration.js";
import {
  DP_DEFAULTS,
  type DpDraws,
  type DpOptions,
  runDp,
} from "../../../src/inference/dp/samplers/run.js";
import { logsumexp } from "../../../src/math/special/index.js";

/** Labels in the order of appearance: Bell(n) rows. */
export function allPartitions(n: number): Int32Array[] {
  const found: Int32Array[] = [];
  const labels = new Int32Array(n);
  const extend = (i: number, used: number): void => {
    if (i === n) {
      found.push(labels.slice());
      return;
    }
    for (let c = 0; c <= used; c++) {
      labels[i] = c;
      extend(i + 1, Math.max(used, c + 1));
    }
  };
  extend(0, 0);
  return found;
}

/** Sizes of the clusters of canonical labels. */
export function sizesOf(labels: Int32Array): Int32Array {
  const sizes = new Int32Array(labels.reduce((m, c) => Math.max(m, c), 0) + 1);
  for (const c of labels) sizes[c]++;
  return sizes;
}

/**
 * log ∫ Π K dP₀ of the members of one cluster, for every subset: by differences of the
 * log-normaliser where conjugate.
 */
export function subsetMarginal(model: ClusterModel): (members: readonly number[]) => number {
  const c = model.conjugate;
  if (c === undefined) throw new Error("the model is not conjugate");
  const [prior, s, b] = [c.prior(), c.contributions(), c.offsets()];
  return (members) => {
    const eta = prior.map((e, k) => members.reduce((sum, i) => sum + s[i * prior.length + k], e));
    const normaliser = c.family.logNormaliser(eta, c.setting);
    const offset = members.reduce((sum, i) => sum + b[i], 0);
    return normaliser - c.family.logNormaliser(prior, c.setting) + offset;
  };
}

/** Posterior of each partition given α, in the order of `allPartitions`; and the log evidence. */
export function exactPosterior(
  n: number,
  alpha: number,
  marginal: (members: readonly number[]) => number,
) {
  const partitions = allPartitions(n);
  const joint = Float64Array.from(partitions, (labels) => {
    const sizes = sizesOf(labels);
    let sum = logPartitionPrior(sizes, sizes.length, alpha);
    for (let c = 0; c < sizes.length; c++) {
      sum += marginal([...labels.keys()].filter((i) => labels[i] === c));
    }
    return sum;
  });
  const evidence = logsumexp(joint);
  return { partitions, joint, evidence, masses: joint.map((v) => Math.exp(v - evidence)) };
}

export function chain(model: ClusterModel, options: Partial<DpOptions>, seed = 1): DpDraws {
  return runDp(model, { ...DP_DEFAULTS, ...options }, { seed, chain: 0 });
}

/** Mean of a series with its standard error by batch means: batches outlast the correlations. */
export function batchMean(series: ArrayLike<number>, batches = 50) {
  const size = Math.floor(series.length / batches);
  const means = Array.from({ length: batches }, (_, b) => {
    let sum = 0;
    for (let t = b * size; t < (b + 1) * size; t++) sum += series[t];
    return sum / size;
  });
  const mean = means.reduce((s, m) => s + m, 0) / batches;
  const variance = means.reduce((s, m) => s + (m - mean) ** 2, 0) / (batches - 1);
  return { mean, error: Math.sqrt(variance / batches) };
}

/** Frequencies of partitions agree with exact masses, each within five standard errors. */
export function expectFrequencies(
  draws: DpDraws,
  partitions: readonly Int32Array[],
  masses: Float64Array,
): void {
  const key = (labels: Int32Array) => labels.join(" ");
  const index = new Map(partitions.map((p, k) => [key(p), k]));
  const n = draws.items;
  const states = Array.from({ length: draws.draws }, (_, t) => {
    const k = index.get(key(draws.labels.subarray(t * n, (t + 1) * n)));
    if (k === undefined) throw new Error("labels are not canonical");
    return k;
  });
  masses.forEach((mass, k) => {
    // Rarer partitions are seen too seldom for their batches to tell an error.
    if (mass < 0.004) return;
    const { mean, error } = batchMean(states.map((s) => (s === k ? 1 : 0)));
    const least = Math.sqrt((mass * (1 - mass)) / draws.draws);
    expect(Math.abs(mean - mass), `partition ${key(partitions[k])}`).toBeLessThan(
      5 * Math.max(error, least),
    );
  });
  const counts = partitions.map((p) => sizesOf(p).length);
  const exact = counts.reduce((s, c, k) => s + c * masses[k], 0);
  const { mean, error } = batchMean(draws.clusters.subarray(0, draws.draws));
  expect(Math.abs(mean - exact)).toBeLessThan(5 * error);
}
