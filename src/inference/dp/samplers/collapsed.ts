/**
 * Collapsed Gibbs sampling of the labels, θ integrated out: algorithm 3 of Neal, "Markov chain
 * sampling methods for Dirichlet process mixture models" (2000).
 */
import type { RandomStream } from "../../../math/rng/random.js";
import type { ClusterModel, ConjugateComponents } from "../contract.js";
import { logPartitionPrior, updateConcentration } from "./concentration.js";
import type { DpKernel } from "./kernel.js";
import { Partition } from "./partition.js";
import { pick } from "./pick.js";
import { fillRow, posteriorDraw } from "./posterior.js";
import { splitMergeCollapsed } from "./split-merge.js";
import { type ClusterTable, clusterTable } from "./tables/index.js";

/** Rows beside the clusters that split–merge moves work in. */
const SCRATCH = 4;

export class CollapsedState {
  readonly partition: Partition;
  readonly table: ClusterTable;
  readonly #logs: Float64Array;
  #weights: Float64Array = new Float64Array(16);

  /** Seats the items one after another in random order by their predictives. */
  constructor(
    items: number,
    components: ConjugateComponents,
    alpha: number,
    rng: RandomStream,
    make: (components: ConjugateComponents, items: number) => ClusterTable = clusterTable,
  ) {
    this.partition = new Partition(items);
    this.table = make(components, items);
    this.#logs = Float64Array.from({ length: items + 1 }, (_, n) => Math.log(n));
    this.reserve(SCRATCH);
    this.table.clear(0);
    const fresh = this.table.fresh();
    const logAlpha = Math.log(alpha);
    for (const item of rng.permutation(items)) this.#place(item, logAlpha, fresh, rng.uniform());
  }

  /** One systematic scan over the items. */
  sweep(alpha: number, rng: RandomStream): void {
    const { partition, table } = this;
    this.refresh();
    const fresh = table.fresh();
    const logAlpha = Math.log(alpha);
    const { slots } = partition;
    for (let i = 0; i < partition.items; i++) {
      const row = partition.rowOf[slots[i]];
      if (partition.counts[row] === 1) {
        partition.unseat(i);
        const last = partition.close(row);
        if (last !== row) table.copy(last, row);
        this.#place(i, logAlpha, fresh, rng.uniform());
        continue;
      }
      table.save(row);
      partition.counts[row]--;
      if (!table.remove(row, i)) this.#refill(row, i);
      const chosen = this.#choose(i, logAlpha, fresh[i], rng.uniform());
      if (chosen === row) {
        // Most items stay: the row is as it was, to the last bit.
        table.restore(row);
        partition.counts[row]++;
      } else if (chosen < partition.count) {
        table.add(chosen, i);
        partition.seat(i, chosen);
      } else {
        this.open(i);
      }
    }
  }

  /** Rows anew from their items: adding and taking out loses digits in the long run. */
  refresh(): void {
    const { partition, table } = this;
    for (let c = 0; c < partition.count; c++) table.clear(c);
    for (let i = 0; i < partition.items; i++) table.add(partition.row(i), i);
  }

  /** A cluster of its own for an item that sits nowhere. */
  open(item: number): void {
    const row = this.partition.open();
    this.reserve(row + 1 + SCRATCH);
    this.table.clear(row);
    this.table.add(row, item);
    this.partition.seat(item, row);
  }

  reserve(rows: number): void {
    this.table.reserve(rows);
    if (this.#weights.length <= rows) this.#weights = new Float64Array(2 * rows);
  }

  /** Σ_c A(η_c) − A(prior). */
  logMarginal(): number {
    let sum = 0;
    for (let c = 0; c < this.partition.count; c++) sum += this.table.logMarginal(c);
    return sum;
  }

  #place(item: number, logAlpha: number, fresh: Float64Array, u: number): void {
    const chosen = this.#choose(item, logAlpha, fresh[item], u);
    if (chosen === this.partition.count) {
      this.open(item);
      return;
    }
    this.table.add(chosen, item);
    this.partition.seat(item, chosen);
  }

  /** Neal's equation 3.7, on the log scale; the item is in no row. */
  #choose(item: number, logAlpha: number, fresh: number, u: number): number {
    const { count, counts } = this.partition;
    const weights = this.#weights;
    const logs = this.#logs;
    for (let c = 0; c < count; c++) weights[c] = logs[counts[c]];
    this.table.addScores(item, count, weights);
    weights[count] = logAlpha + fresh;
    return pick(weights, count + 1, u);
  }

  #refill(row: number, without: number): void {
    fillRow(this.table, this.partition, row, without);
  }
}

/** Algorithm 3 as a kernel. */
export function collapsedKernel(
  model: ClusterModel,
  components: ConjugateComponents,
  alpha: number,
  scans: number,
  rng: RandomStream,
): DpKernel {
  const { items } = model;
  const state = new CollapsedState(items, components, alpha, rng);
  const { partition, table } = state;
  const labels = new Int32Array(items);
  const draw = posteriorDraw(model, components);
  let thetas = new Float64Array(0);
  return {
    needsThetas: false,
    updateLabels: (a, r) => state.sweep(a, r),
    splitMerge: (a, r) => splitMergeCollapsed(state, a, scans, r),
    updateThetas: (r) => {
      if (thetas.length < partition.count * model.width) {
        thetas = new Float64Array(2 * partition.count * model.width);
      }
      draw(thetas, partition.count, partition.rows(labels), r);
    },
    updateGlobals: (r) => {
      model.updateGlobals?.(thetas, partition.count, partition.rows(labels), r);
      table.reread();
      state.refresh();
    },
    updateAlpha: (a, r) => updateConcentration(model.concentration, a, partition.count, items, r),
    // θ is drawn anew from the labels whenever it is asked for, and so are the tables' rows.
    save: () => Float64Array.from(partition.rows(labels)),
    restore: (saved) => {
      partition.reset(saved);
      state.reserve(partition.count + SCRATCH);
      table.reread();
      state.refresh();
    },
    clusters: () => partition.count,
    rows: (out) => void partition.rows(out),
    thetas: () => thetas,
    logJoint: (a) => {
      const prior = logPartitionPrior(partition.counts, partition.count, a);
      return prior + state.logMarginal() + components.offsets().reduce((s, b) => s + b, 0);
    },
  };
}
