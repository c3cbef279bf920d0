/**
 * One chain of a sampler of a Dirichlet-process mixture. Random numbers are keyed by seed, chain,
 * block and sweep: the same key gives the same draws.
 */

import { assertNever, internalError } from "../../../base/internal.js";
import { stream } from "../../../math/rng/random.js";
import type { ChainKey } from "../../contract.js";
import { pack } from "../../state.js";
import type { ClusterModel } from "../contract.js";
import type { LabelRows } from "../results/similarity.js";
import { blockedKernel, defaultTruncation, truncationError } from "./blocked.js";
import { collapsedKernel } from "./collapsed.js";
import { startingConcentration } from "./concentration.js";
import type { DpAlgorithm } from "./defaults.js";
import { instantiatedKernel } from "./instantiated.js";
import type { DpKernel } from "./kernel.js";
import { canonical } from "./partition.js";

export { DP_DEFAULTS, type DpAlgorithm } from "./defaults.js";

export interface DpOptions {
  readonly algorithm: DpAlgorithm;
  /** Sweeps before the draws. */
  readonly warmup: number;
  readonly draws: number;
  /** Sweeps per kept draw. */
  readonly thin: number;
  /** Split–merge proposals per sweep; the blocked sampler makes none. */
  readonly splitMerge: number;
  /** Restricted Gibbs scans to the launch state of such a proposal, where collapsed. */
  readonly splitScans: number;
  /** Auxiliary components of algorithm 8. */
  readonly auxiliaries: number;
  /** Components of the blocked sampler; absent: the least within `TRUNCATION_ERROR`. */
  readonly truncation?: number;
}

/** Draws of one chain. `draws` rows of each array count. */
export interface DpDraws {
  readonly kind: "finished" | "stopped";
  readonly algorithm: Exclude<DpAlgorithm, "auto">;
  readonly draws: number;
  readonly items: number;
  readonly width: number;
  /** `[draws · items]`: clusters in the order of their first items. */
  readonly labels: LabelRows;
  readonly clusters: Int32Array;
  readonly alpha: Float64Array;
  /** Row c of draw t is row `offsets[t] + c` of `thetas`, `width` numbers each. */
  readonly offsets: Int32Array;
  readonly thetas: Float64Array;
  /** See `DpKernel.logJoint`; without the prior of α. */
  readonly lp: Float64Array;
  /** Of the sweeps after warmup. */
  readonly splitMerge: { readonly proposed: number; readonly accepted: number };
  /** The blocked sampler: components, and the error's bound at the largest α drawn. */
  readonly truncation?: { readonly components: number; readonly error: number };
}

export interface DpProgress {
  readonly phase: "warmup" | "sampling";
  readonly done: number;
  readonly total: number;
  readonly clusters: number;
}

/** Streams of a sweep's blocks. */
const STREAMS = { start: 0, labels: 1, splitMerge: 2, thetas: 3, globals: 4, alpha: 5 } as const;

/** What `auto` stands for. */
export function chosenAlgorithm(model: ClusterModel, algorithm: DpAlgorithm) {
  if (algorithm !== "auto") return algorithm;
  return model.conjugate === undefined ? "auxiliary" : "collapsed";
}

/** A chain behind a sweep. */
export interface DpStep extends DpProgress {
  /** Draws kept so far. */
  readonly kept: number;
  /** The draws from `from` on as numbers, for `DpPast`. */
  readonly rows: (from: number) => Float64Array;
  /** Their log joint densities. */
  readonly lp: (from: number) => Float64Array;
  /** What the chain needs to go on from here. */
  readonly save: () => Float64Array;
  /** Lets the labels go that `rows` gave, of a chain whose labels are kept outside. */
  readonly forget: () => void;
}

/** A chain that was left: `save` of its last step, and the rows of its draws, in order. */
export interface DpPast {
  readonly state: Float64Array;
  readonly rows: Iterable<Float64Array>;
}

const ALGORITHMS = ["collapsed", "auxiliary", "instantiated", "blocked"] as const;
/** Numbers of a state before the kernel's. */
const HEAD = 7;

/** The state of a blocked chain that another sampler made, as `pastDraws` reads it. */
export function blockedState(
  sweep: number,
  alpha: number,
  components: number,
  own: Float64Array,
): Float64Array {
  const code = ALGORITHMS.indexOf("blocked");
  return pack([[sweep, alpha, 0, 0, code, components, own.length], own]);
}

/** What `blockedState` was given. */
export function blockedPast(state: Float64Array): {
  readonly sweep: number;
  readonly own: Float64Array;
} {
  return { sweep: state[0], own: state.subarray(HEAD) };
}

/** Runs a chain to its end; see `dpSteps`. */
export function runDp(
  model: ClusterModel,
  options: DpOptions,
  key: ChainKey,
  shouldStop: () => boolean = () => false,
  onProgress: (progress: DpProgress) => void = () => {},
): DpDraws {
  const steps = dpSteps(model, options, key, shouldStop);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    onProgress(step.value);
  }
}

/**
 * Runs a chain, a step to each sweep. Options are checked by the caller; an algorithm that the model
 * does not allow is an internal error. `model` is this chain's own where it has globals, which are
 * its state.
 * @param past where the chain goes on: its draws are those of a chain that was never left
 * @param outside where all labels are read from in the end, if the rows are written there as they
 *   come: memory has none but those that were not written yet
 */
export function* dpSteps(
  model: ClusterModel,
  options: DpOptions,
  key: ChainKey,
  shouldStop: () => boolean,
  past?: DpPast,
  outside?: LabelRows,
): Generator<DpStep, DpDraws> {
  const { warmup, draws, thin } = options;
  const algorithm = chosenAlgorithm(model, options.algorithm);
  const rng = (block: number, sweep: number) => stream(key.seed, key.chain, block, sweep);
  let alpha = startingConcentration(model.concentration);
  const kernel = kernelOf(model, { ...options, algorithm }, alpha, rng(STREAMS.start, 0));
  const store = new DrawStore(model, draws, outside);
  const globals = model.updateGlobals !== undefined;
  let [proposed, accepted] = [0, 0];
  const total = warmup + draws * thin;
  let kind: "finished" | "stopped" = "finished";
  const { truncation } = kernel;
  let t = 1;
  if (past !== undefined) {
    const { state, rows } = past;
    t = state[0] + 1;
    [alpha, proposed, accepted] = state.subarray(1, 4);
    const outside = HEAD + state[6];
    model.restore?.(state.subarray(outside));
    kernel.restore(state.subarray(HEAD, outside));
    for (const block of rows) store.append(block);
  }
  for (; t <= total; t++) {
    if (shouldStop()) {
      kind = "stopped";
      break;
    }
    const isKept = t > warmup && (t - warmup) % thin === 0;
    kernel.updateLabels(alpha, rng(STREAMS.labels, t));
    if (options.splitMerge > 0 && algorithm !== "blocked") {
      const r = rng(STREAMS.splitMerge, t);
      for (let k = 0; k < options.splitMerge; k++) {
        const isAccepted = kernel.splitMerge(alpha, r);
        if (t > warmup) proposed++;
        if (t > warmup && isAccepted) accepted++;
      }
    }
    if (kernel.needsThetas || globals || isKept) kernel.updateThetas(rng(STREAMS.thetas, t));
    if (globals) kernel.updateGlobals(rng(STREAMS.globals, t));
    alpha = kernel.updateAlpha(alpha, rng(STREAMS.alpha, t));
    if (isKept) store.keep(kernel, alpha);
    const sweep = t;
    yield {
      phase: t <= warmup ? "warmup" : "sampling",
      done: t <= warmup ? t : t - warmup,
      total: t <= warmup ? warmup : total - warmup,
      clusters: kernel.clusters(),
      kept: store.kept,
      rows: (from) => store.packed(from),
      lp: (from) => store.lpFrom(from),
      forget: () => store.forget(),
      save: () => {
        const own = kernel.save();
        const code = ALGORITHMS.indexOf(algorithm);
        const head = [sweep, alpha, proposed, accepted, code, truncation ?? 0, own.length];
        return pack([head, own, model.save?.() ?? []]);
      },
    };
  }
  return drawsOf(store, { kind, algorithm, proposed, accepted, truncation }, model.items, alpha);
}

/**
 * The draws of a chain that was left, without going on.
 * @param draws how many the chain was to have
 * @param outside where the labels can be read, so that they need not be in memory
 */
export function pastDraws(
  size: Pick<ClusterModel, "items" | "width">,
  draws: number,
  { state, rows }: DpPast,
  outside?: LabelRows,
): DpDraws {
  const store = new DrawStore(size, draws, outside);
  for (const block of rows) store.append(block);
  const [, alpha, proposed, accepted, code, components] = state;
  const kind = store.kept === draws ? "finished" : "stopped";
  const algorithm = ALGORITHMS[code];
  const truncation = components === 0 ? undefined : components;
  return drawsOf(store, { kind, algorithm, proposed, accepted, truncation }, size.items, alpha);
}

interface Ended extends Pick<DpDraws, "kind" | "algorithm"> {
  readonly proposed: number;
  readonly accepted: number;
  readonly truncation: number | undefined;
}

function drawsOf(
  store: DrawStore,
  { kind, algorithm, proposed, accepted, truncation }: Ended,
  items: number,
  alpha: number,
): DpDraws {
  return {
    kind,
    algorithm,
    ...store.result(),
    splitMerge: { proposed, accepted },
    ...(truncation !== undefined && {
      truncation: {
        components: truncation,
        error: truncationError(items, store.largestAlpha(alpha), truncation),
      },
    }),
  };
}

type ChosenOptions = Omit<DpOptions, "algorithm"> & {
  readonly algorithm: Exclude<DpAlgorithm, "auto">;
};

function kernelOf(
  model: ClusterModel,
  options: ChosenOptions,
  alpha: number,
  rng: ReturnType<typeof stream>,
): DpKernel {
  const { algorithm } = options;
  const components = () =>
    model.conjugate ?? internalError(`${algorithm} sampling of a base that is not conjugate`);
  switch (algorithm) {
    case "collapsed":
      return collapsedKernel(model, components(), alpha, options.splitScans, rng);
    case "auxiliary":
      return instantiatedKernel(
        model,
        { kind: "auxiliary", count: options.auxiliaries },
        alpha,
        rng,
      );
    case "instantiated":
      return instantiatedKernel(model, { kind: "integral", components: components() }, alpha, rng);
    case "blocked":
      return blockedKernel(model, options.truncation ?? defaultTruncation(model), rng);
    default:
      return assertNever(algorithm, "algorithm");
  }
}

/** Kept draws; the table of parameters grows as needed. */
export class DrawStore {
  readonly #model: Pick<ClusterModel, "items" | "width">;
  /** Of the draws from `#first` on. */
  #labels: Int32Array;
  #first = 0;
  readonly #outside: LabelRows | undefined;
  readonly #clusters: Int32Array;
  readonly #alpha: Float64Array;
  readonly #offsets: Int32Array;
  readonly #lp: Float64Array;
  readonly #rows: Int32Array;
  readonly #order: Int32Array;
  #thetas: Float64Array;
  #kept = 0;

  /** @param outside where labels are kept instead, once they were written there */
  constructor(model: Pick<ClusterModel, "items" | "width">, draws: number, outside?: LabelRows) {
    this.#model = model;
    this.#outside = outside;
    this.#labels = new Int32Array((outside === undefined ? draws : 1) * model.items);
    this.#clusters = new Int32Array(draws);
    this.#alpha = new Float64Array(draws);
    this.#offsets = new Int32Array(draws + 1);
    this.#lp = new Float64Array(draws);
    this.#rows = new Int32Array(model.items);
    this.#order = new Int32Array(model.items);
    this.#thetas = new Float64Array(8 * draws * model.width);
  }

  keep(kernel: Pick<DpKernel, "rows" | "logJoint" | "thetas">, alpha: number): void {
    const { width } = this.#model;
    const t = this.#kept++;
    kernel.rows(this.#rows);
    const labels = this.#room(t);
    const clusters = canonical(this.#rows, labels, this.#order);
    this.#clusters[t] = clusters;
    this.#alpha[t] = alpha;
    this.#lp[t] = kernel.logJoint(alpha);
    const at = this.#open(t, clusters);
    const thetas = kernel.thetas();
    for (let c = 0; c < clusters; c++) {
      const from = this.#order[c] * width;
      this.#thetas.set(thetas.subarray(from, from + width), (at + c) * width);
    }
  }

  get kept(): number {
    return this.#kept;
  }

  lpFrom(from: number): Float64Array {
    return this.#lp.slice(from, this.#kept);
  }

  /** The draws from `from` on: of each its clusters, α, log joint, labels and θ. */
  packed(from: number): Float64Array {
    const { items, width } = this.#model;
    const parts: ArrayLike<number>[] = [];
    for (let t = from; t < this.#kept; t++) {
      parts.push([this.#clusters[t], this.#alpha[t], this.#lp[t]]);
      const at = (t - this.#first) * items;
      parts.push(this.#labels.subarray(at, at + items));
      parts.push(this.#thetas.subarray(this.#offsets[t] * width, this.#offsets[t + 1] * width));
    }
    return pack(parts);
  }

  /** Draws that `packed` gave. */
  append(rows: Float64Array): void {
    const { items, width } = this.#model;
    for (let at = 0; at < rows.length; ) {
      const t = this.#kept++;
      const clusters = rows[at];
      this.#clusters[t] = clusters;
      this.#alpha[t] = rows[at + 1];
      this.#lp[t] = rows[at + 2];
      if (this.#outside === undefined) this.#room(t).set(rows.subarray(at + 3, at + 3 + items));
      else this.#first = this.#kept;
      const first = this.#open(t, clusters);
      at += 3 + items;
      this.#thetas.set(rows.subarray(at, at + clusters * width), first * width);
      at += clusters * width;
    }
  }

  /** Labels of the draws so far stand elsewhere. */
  forget(): void {
    if (this.#outside !== undefined) this.#first = this.#kept;
  }

  /** Room for the labels of draw t. */
  #room(t: number): Int32Array {
    const { items } = this.#model;
    const at = (t - this.#first) * items;
    if (at + items > this.#labels.length) {
      const wider = new Int32Array(2 * (at + items));
      wider.set(this.#labels);
      this.#labels = wider;
    }
    return this.#labels.subarray(at, at + items);
  }

  /** Room for the components of draw t; gives the row of the first. */
  #open(t: number, clusters: number): number {
    const { width } = this.#model;
    const at = this.#offsets[t];
    this.#offsets[t + 1] = at + clusters;
    if ((at + clusters) * width > this.#thetas.length) {
      const wider = new Float64Array(2 * (at + clusters) * width);
      wider.set(this.#thetas);
      this.#thetas = wider;
    }
    return at;
  }

  /** The largest α kept, or the one given where none was. */
  largestAlpha(otherwise: number): number {
    const kept = this.#alpha.subarray(0, this.#kept);
    return this.#kept === 0 ? otherwise : kept.reduce((m, a) => Math.max(m, a), 0);
  }

  result() {
    const { items, width } = this.#model;
    const draws = this.#kept;
    return {
      draws,
      items,
      width,
      labels: this.#outside ?? this.#labels,
      clusters: this.#clusters,
      alpha: this.#alpha,
      offsets: this.#offsets,
      thetas: this.#thetas.slice(0, this.#offsets[draws] * width),
      lp: this.#lp,
    };
  }
}
