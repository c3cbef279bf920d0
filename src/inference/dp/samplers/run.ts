/**
 * One chain of a sampler of a Dirichlet-process mixture. Random numbers are keyed by seed, chain,
 * block and sweep: the same key gives the same draws.
 */
import { assertNever, internalError } from "../../../base/internal.js";
import { stream } from "../../../math/rng/random.js";
import type { ChainKey } from "../../contract.js";
import type { ClusterModel } from "../contract.js";
import { blockedKernel, defaultTruncation, truncationError } from "./blocked.js";
import { collapsedKernel } from "./collapsed.js";
import { startingConcentration } from "./concentration.js";
import { instantiatedKernel } from "./instantiated.js";
import type { DpKernel } from "./kernel.js";
import { canonical } from "./partition.js";

/**
 * `collapsed` and `instantiated` want a conjugate model; `auto` is `collapsed` there and
 * `auxiliary` (algorithm 8) elsewhere.
 */
export type DpAlgorithm = "auto" | "collapsed" | "auxiliary" | "instantiated" | "blocked";

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

export const DP_DEFAULTS: DpOptions = {
  algorithm: "auto",
  warmup: 500,
  draws: 1000,
  thin: 1,
  splitMerge: 1,
  splitScans: 3,
  auxiliaries: 3,
};

/** Draws of one chain. `draws` rows of each array count. */
export interface DpDraws {
  readonly kind: "finished" | "stopped";
  readonly algorithm: Exclude<DpAlgorithm, "auto">;
  readonly draws: number;
  readonly items: number;
  readonly width: number;
  /** `[draws · items]`: clusters in the order of their first items. */
  readonly labels: Int32Array;
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

/**
 * Runs a chain. Options are checked by the caller; an algorithm that the model does not allow is an
 * internal error. `model` is this chain's own where it has globals, which are its state.
 */
export function runDp(
  model: ClusterModel,
  options: DpOptions,
  key: ChainKey,
  shouldStop: () => boolean = () => false,
  onProgress: (progress: DpProgress) => void = () => {},
): DpDraws {
  const { warmup, draws, thin } = options;
  const algorithm = chosenAlgorithm(model, options.algorithm);
  const rng = (block: number, sweep: number) => stream(key.seed, key.chain, block, sweep);
  let alpha = startingConcentration(model.concentration);
  const kernel = kernelOf(model, { ...options, algorithm }, alpha, rng(STREAMS.start, 0));
  const store = new DrawStore(model, draws);
  const globals = model.updateGlobals !== undefined;
  let [proposed, accepted] = [0, 0];
  const total = warmup + draws * thin;
  let kind: "finished" | "stopped" = "finished";
  for (let t = 1; t <= total; t++) {
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
    onProgress({
      phase: t <= warmup ? "warmup" : "sampling",
      done: t <= warmup ? t : t - warmup,
      total: t <= warmup ? warmup : total - warmup,
      clusters: kernel.clusters(),
    });
  }
  const truncation = kernel.truncation;
  return {
    kind,
    algorithm,
    ...store.result(),
    splitMerge: { proposed, accepted },
    ...(truncation !== undefined && {
      truncation: {
        components: truncation,
        error: truncationError(model.items, store.largestAlpha(alpha), truncation),
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
  readonly #labels: Int32Array;
  readonly #clusters: Int32Array;
  readonly #alpha: Float64Array;
  readonly #offsets: Int32Array;
  readonly #lp: Float64Array;
  readonly #rows: Int32Array;
  readonly #order: Int32Array;
  #thetas: Float64Array;
  #kept = 0;

  constructor(model: Pick<ClusterModel, "items" | "width">, draws: number) {
    this.#model = model;
    this.#labels = new Int32Array(draws * model.items);
    this.#clusters = new Int32Array(draws);
    this.#alpha = new Float64Array(draws);
    this.#offsets = new Int32Array(draws + 1);
    this.#lp = new Float64Array(draws);
    this.#rows = new Int32Array(model.items);
    this.#order = new Int32Array(model.items);
    this.#thetas = new Float64Array(8 * draws * model.width);
  }

  keep(kernel: Pick<DpKernel, "rows" | "logJoint" | "thetas">, alpha: number): void {
    const { items, width } = this.#model;
    const t = this.#kept++;
    kernel.rows(this.#rows);
    const labels = this.#labels.subarray(t * items, (t + 1) * items);
    const clusters = canonical(this.#rows, labels, this.#order);
    this.#clusters[t] = clusters;
    this.#alpha[t] = alpha;
    this.#lp[t] = kernel.logJoint(alpha);
    const at = this.#offsets[t];
    this.#offsets[t + 1] = at + clusters;
    if ((at + clusters) * width > this.#thetas.length) {
      const wider = new Float64Array(2 * (at + clusters) * width);
      wider.set(this.#thetas);
      this.#thetas = wider;
    }
    const thetas = kernel.thetas();
    for (let c = 0; c < clusters; c++) {
      const from = this.#order[c] * width;
      this.#thetas.set(thetas.subarray(from, from + width), (at + c) * width);
    }
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
      labels: this.#labels,
      clusters: this.#clusters,
      alpha: this.#alpha,
      offsets: this.#offsets,
      thetas: this.#thetas.slice(0, this.#offsets[draws] * width),
      lp: this.#lp,
    };
  }
}
