/**
 * Gibbs sampling with the parameters of the clusters in use in the state, and no largest number of
 * clusters. Two ways to a new cluster:
 * - `integral`: the conditionals n_c K(y_i | θ_c) for a cluster in use and α ∫ K(y_i | θ) dP₀(θ)
 *   for a new one, whose θ is drawn from the posterior given y_i. Escobar and West (1995);
 *   algorithm 2 of Neal (2000). For conjugate models.
 * - `auxiliary`: m parameters drawn from P₀ stand for all clusters not in use. Algorithm 8 of Neal
 *   (2000). For any model.
 */
import type { RandomStream } from "../../../math/rng/random.js";
import { pack } from "../../state.js";
import type { ClusterModel, ConjugateComponents } from "../contract.js";
import { logPartitionPrior, updateConcentration } from "./concentration.js";
import type { DpKernel } from "./kernel.js";
import { Partition } from "./partition.js";
import { pick } from "./pick.js";
import { logMarginalLikelihood, writeRow } from "./posterior.js";
import { splitMergeThetas } from "./split-merge-thetas.js";

export type NewClusters =
  | { readonly kind: "integral"; readonly components: ConjugateComponents }
  | { readonly kind: "auxiliary"; readonly count: number };

/** Labels with one row of θ for each cluster in use, and room for more. */
export class ThetaState {
  readonly model: ClusterModel;
  readonly partition: Partition;
  thetas: Float64Array = new Float64Array(0);
  readonly logs: Float64Array;
  weights: Float64Array = new Float64Array(0);

  constructor(model: ClusterModel) {
    this.model = model;
    this.partition = new Partition(model.items);
    this.logs = Float64Array.from({ length: model.items + 1 }, (_, n) => Math.log(n));
  }

  /** Makes room for `rows` rows; what they hold stays. */
  reserve(rows: number): void {
    const length = rows * this.model.width;
    if (this.thetas.length < length) {
      const wider = new Float64Array(2 * length);
      wider.set(this.thetas);
      this.thetas = wider;
    }
    if (this.weights.length < rows) this.weights = new Float64Array(2 * rows);
  }

  copy(from: number, to: number): void {
    const { width } = this.model;
    this.thetas.copyWithin(to * width, from * width, (from + 1) * width);
  }

  /** Closes an empty cluster; its θ is lost. */
  close(row: number): void {
    const last = this.partition.close(row);
    if (last !== row) this.copy(last, row);
  }

  /** Weights n_c K(y_i | θ_c) of the clusters in use, in logs. */
  fillWeights(item: number): void {
    const { count, counts } = this.partition;
    for (let c = 0; c < count; c++) {
      this.weights[c] = this.logs[counts[c]] + this.model.logLikelihood(item, this.thetas, c);
    }
  }

  logLikelihood(): number {
    let sum = 0;
    for (let i = 0; i < this.partition.items; i++) {
      sum += this.model.logLikelihood(i, this.thetas, this.partition.row(i));
    }
    return sum;
  }
}

/** The sampler as a kernel. */
export function instantiatedKernel(
  model: ClusterModel,
  fresh: NewClusters,
  alpha: number,
  rng: RandomStream,
): DpKernel {
  const { items } = model;
  const state = new ThetaState(model);
  const { partition } = state;
  const labels = new Int32Array(items);
  const seat =
    fresh.kind === "integral" ? integral(state, fresh.components) : auxiliary(state, fresh.count);
  const start = seat.read();
  for (const item of rng.permutation(items)) seat.place(item, false, alpha, start, rng);
  return {
    needsThetas: true,
    updateLabels: (a, r) => {
      const scores = seat.read();
      for (let i = 0; i < items; i++) {
        const row = partition.unseat(i);
        const isAlone = partition.counts[row] === 0;
        if (isAlone) {
          // The θ that falls out of use is kept behind the last row: an auxiliary of algorithm 8.
          state.reserve(partition.count + 1);
          state.copy(row, partition.count);
          const last = partition.count;
          state.close(row);
          state.copy(last, partition.count);
        }
        seat.place(i, isAlone, a, scores, r);
      }
    },
    splitMerge: (a, r) => splitMergeThetas(state, a, r),
    updateThetas: (r) => {
      model.updateComponents(state.thetas, partition.count, partition.rows(labels), r);
    },
    updateGlobals: (r) => {
      model.updateGlobals?.(state.thetas, partition.count, partition.rows(labels), r);
    },
    updateAlpha: (a, r) => updateConcentration(model.concentration, a, partition.count, items, r),
    save: () => {
      const thetas = state.thetas.subarray(0, partition.count * model.width);
      return pack([partition.rows(labels), thetas]);
    },
    restore: (saved) => {
      partition.reset(saved.subarray(0, items));
      state.reserve(partition.count);
      state.thetas.set(saved.subarray(items));
    },
    clusters: () => partition.count,
    rows: (out) => void partition.rows(out),
    thetas: () => state.thetas,
    logJoint: (a) => {
      const prior = logPartitionPrior(partition.counts, partition.count, a);
      if (model.conjugate === undefined) return prior + state.logLikelihood();
      const { count } = partition;
      return prior + logMarginalLikelihood(model.conjugate, partition.rows(labels), count);
    },
  };
}

interface Seating {
  /** What a scan needs of the model, which globals may have changed. */
  readonly read: () => Float64Array;
  /** `isKept`: row `count` holds the θ that the item just left. */
  readonly place: (
    item: number,
    isKept: boolean,
    alpha: number,
    scores: Float64Array,
    rng: RandomStream,
  ) => void;
}

/** Neal's equations 3.3 and 3.4 with the integral in closed form. */
function integral(state: ThetaState, components: ConjugateComponents): Seating {
  const { model, partition } = state;
  const sumOf = (item: number): Float64Array => {
    const prior = components.prior();
    const s = components.contributions();
    return prior.map((e, k) => e + s[item * prior.length + k]);
  };
  return {
    read: () => {
      const { family, setting } = components;
      const normaliser = family.logNormaliser(components.prior(), setting);
      const offsets = components.offsets();
      return Float64Array.from(
        { length: model.items },
        (_, i) => family.logNormaliser(sumOf(i), setting) - normaliser + offsets[i],
      );
    },
    place: (item, _, alpha, scores, rng) => {
      const { count } = partition;
      state.reserve(count + 2);
      state.fillWeights(item);
      state.weights[count] = Math.log(alpha) + scores[item];
      const chosen = pick(state.weights, count + 1, rng.uniform());
      if (chosen === count) {
        partition.open();
        writeRow(model, components, sumOf(item), state.thetas, count, rng);
      }
      partition.seat(item, chosen);
    },
  };
}

/** Neal's figure 8: m components of weight α/m that hold no items. */
function auxiliary(state: ThetaState, m: number): Seating {
  const { model, partition } = state;
  return {
    read: () => new Float64Array(0),
    place: (item, isKept, alpha, _, rng) => {
      const { count } = partition;
      state.reserve(count + m + 1);
      const { thetas, weights } = state;
      for (let k = isKept ? 1 : 0; k < m; k++) model.drawBase(rng, thetas, count + k);
      state.fillWeights(item);
      const each = Math.log(alpha / m);
      for (let k = 0; k < m; k++) {
        weights[count + k] = each + model.logLikelihood(item, thetas, count + k);
      }
      const chosen = pick(weights, count + m, rng.uniform());
      if (chosen >= count) {
        partition.open();
        state.copy(chosen, count);
      }
      partition.seat(item, Math.min(chosen, count));
    },
  };
}
