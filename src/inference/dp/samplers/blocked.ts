/**
 * The blocked sampler of a truncated stick-breaking prior: all labels at once given weights and
 * parameters. Ishwaran and James, "Gibbs sampling methods for stick-breaking priors" (2001),
 * section 5; with the label switches of Papaspiliopoulos and Roberts, "Retrospective Markov chain
 * Monte Carlo methods for Dirichlet process hierarchical models" (2008), section 4, without which
 * the sticks' order keeps clusters where they are.
 */
import type { RandomStream } from "../../../math/rng/random.js";
import { pack } from "../../state.js";
import type { ClusterModel } from "../contract.js";
import {
  largeConcentration,
  logPartitionPrior,
  startingConcentration,
  updateStickConcentration,
} from "./concentration.js";
import type { DpKernel } from "./kernel.js";
import { pick } from "./pick.js";
import { logMarginalLikelihood } from "./posterior.js";

/** The truncation is the least whose error is within this at a large value of α. */
export const TRUNCATION_ERROR = 1e-3;
const LARGEST_TRUNCATION = 2000;

/**
 * A bound on the L1 distance between the data's marginal distributions under T components and
 * under the process: 4 (1 − E[(Σ_{k<T} p_k)^N]) (Ishwaran and James 2001, theorem 2), which is at
 * most 4 N E[1 − Σ_{k<T} p_k] = 4 N (α / (1 + α))^{T−1}. At most 2, as such distances are.
 */
export function truncationError(items: number, alpha: number, truncation: number): number {
  return Math.min(2, 4 * items * (alpha / (1 + alpha)) ** (truncation - 1));
}

/** Least truncation with `truncationError` ≤ `error` at α. */
export function truncationFor(items: number, alpha: number, error = TRUNCATION_ERROR): number {
  const steps = Math.log(error / (4 * items)) / Math.log(alpha / (1 + alpha));
  return Math.min(LARGEST_TRUNCATION, Math.max(2, 1 + Math.ceil(steps)));
}

/** The truncation of a model whose options name none. */
export function defaultTruncation(model: ClusterModel): number {
  return truncationFor(model.items, largeConcentration(model.concentration));
}

/** The sampler as a kernel with `truncation` components. */
export function blockedKernel(
  model: ClusterModel,
  truncation: number,
  rng: RandomStream,
): DpKernel {
  const { items, width, concentration } = model;
  const T = truncation;
  const labels = new Int32Array(items);
  const counts = new Int32Array(T);
  const thetas = new Float64Array(T * width);
  const breaks = new Float64Array(T);
  /** log(1 − V), which stays exact where V rounds to 1. */
  const rests = new Float64Array(T);
  const logWeights = new Float64Array(T);
  const densities = new Float64Array(items * T);
  const row = new Float64Array(T);
  // What the driver sees: the components in use, side by side.
  const used = new Int32Array(T);
  const place = new Int32Array(T);
  let packed = new Float64Array(0);
  let clusters = 0;

  const count = (): void => {
    counts.fill(0);
    for (const k of labels) counts[k]++;
    clusters = 0;
    for (let k = 0; k < T; k++) {
      if (counts[k] === 0) continue;
      place[k] = clusters;
      used[clusters++] = k;
    }
  };
  const drawSticks = (alpha: number, r: RandomStream): void => {
    let beyond = items;
    for (let k = 0; k < T - 1; k++) {
      beyond -= counts[k];
      const odds = r.logitBeta(1 + counts[k], alpha + beyond);
      rests[k] = odds > 0 ? -odds - Math.log1p(Math.exp(-odds)) : -Math.log1p(Math.exp(odds));
      breaks[k] = odds + rests[k];
    }
    breaks[T - 1] = 0;
    let rest = 0;
    for (let k = 0; k < T; k++) {
      logWeights[k] = rest + breaks[k];
      rest += rests[k];
    }
  };
  const drawLabels = (r: RandomStream): void => {
    model.table(thetas, T, densities);
    for (let i = 0; i < items; i++) {
      for (let k = 0; k < T; k++) row[k] = logWeights[k] + densities[i * T + k];
      labels[i] = pick(row, T, r.uniform());
    }
    count();
  };
  /** Exchanges two labels: their items and their θ. */
  const exchange = (j: number, l: number): void => {
    for (let i = 0; i < items; i++) {
      if (labels[i] === j) labels[i] = l;
      else if (labels[i] === l) labels[i] = j;
    }
    for (let k = 0; k < width; k++) {
      const theta = thetas[j * width + k];
      thetas[j * width + k] = thetas[l * width + k];
      thetas[l * width + k] = theta;
    }
    count();
  };
  const switchLabels = (r: RandomStream): void => {
    // Two components in use, weights staying: ratio (w_j / w_l)^(n_l − n_j).
    if (clusters > 1) {
      const a = r.int(clusters);
      const b = (a + 1 + r.int(clusters - 1)) % clusters;
      const [j, l] = [used[a], used[b]];
      const log = (counts[l] - counts[j]) * (logWeights[j] - logWeights[l]);
      if (Math.log(r.uniform()) < log) exchange(j, l);
    }
    // Neighbours with their breaks: ratio (1 − V_{j+1})^n_j / (1 − V_j)^n_{j+1}. Not with the last
    // one, whose break is 1 by truncation.
    if (T < 3) return;
    const j = r.int(T - 2);
    const log = counts[j] * rests[j + 1] - counts[j + 1] * rests[j];
    if (!(Math.log(r.uniform()) < log)) return;
    for (const v of [breaks, rests]) [v[j], v[j + 1]] = [v[j + 1], v[j]];
    let rest = 0;
    for (let k = 0; k < T; k++) {
      logWeights[k] = rest + breaks[k];
      rest += rests[k];
    }
    exchange(j, j + 1);
  };

  for (let k = 0; k < T; k++) model.drawBase(rng, thetas, k);
  drawSticks(startingConcentration(concentration), rng);
  drawLabels(rng);
  return {
    truncation: T,
    needsThetas: true,
    updateLabels: (alpha, r) => {
      drawSticks(alpha, r);
      drawLabels(r);
      switchLabels(r);
    },
    splitMerge: () => false,
    updateThetas: (r) => model.updateComponents(thetas, T, labels, r),
    updateGlobals: (r) => model.updateGlobals?.(thetas, T, labels, r),
    updateAlpha: (alpha, r) => {
      const logRest = rests.subarray(0, T - 1).reduce((s, v) => s + v, 0);
      return updateStickConcentration(concentration, alpha, T - 1, logRest, r);
    },
    // Sticks are drawn anew from the labels at the beginning of a sweep.
    save: () => pack([labels, thetas]),
    restore: (saved) => {
      labels.set(saved.subarray(0, items));
      thetas.set(saved.subarray(items));
      count();
    },
    clusters: () => clusters,
    rows: (out) => {
      for (let i = 0; i < items; i++) out[i] = place[labels[i]];
    },
    thetas: () => {
      if (packed.length < clusters * width) packed = new Float64Array(2 * clusters * width);
      for (let c = 0; c < clusters; c++) {
        packed.set(thetas.subarray(used[c] * width, (used[c] + 1) * width), c * width);
      }
      return packed;
    },
    logJoint: (alpha) => {
      const sizes = Int32Array.from({ length: clusters }, (_, c) => counts[used[c]]);
      let sum = logPartitionPrior(sizes, clusters, alpha);
      if (model.conjugate !== undefined) {
        const rows = labels.map((k) => place[k]);
        return sum + logMarginalLikelihood(model.conjugate, rows, clusters);
      }
      for (let i = 0; i < items; i++) sum += model.logLikelihood(i, thetas, labels[i]);
      return sum;
    },
  };
}
