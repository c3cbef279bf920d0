/**
 * What inference methods ask of a compiled model, and what they give back. Methods know neither
 * devices nor threads: a session hands them an instance of the model's kernels (one workspace) and
 * drives them step by step.
 */
import type { MetricKind } from "./hamiltonian/shape.js";

/** An instance of compiled kernels, as the CPU device makes it. Views are live. */
export interface KernelInstance {
  /** Calls an exported function; one without a result gives 0. */
  call(name: string, ...args: readonly number[]): number;
  fn(name: string): (...args: readonly number[]) => number;
  f64(buffer: string): Float64Array;
  i32(buffer: string): Int32Array;
}

/** Options of NUTS and HMC chains. All are checked by the caller. */
export interface SamplerOptions {
  readonly chains: number;
  /** Iterations of adaptation before the draws, which are not kept. */
  readonly warmup: number;
  /** Draws to keep in each chain. */
  readonly draws: number;
  /** Transitions per kept draw. */
  readonly thin: number;
  /** Acceptance statistic that the step size is adapted to, in (0, 1). */
  readonly targetAccept: number;
  readonly metric: MetricKind;
  /** Where the search for a step size begins; without warmup, the step size itself. */
  readonly stepSize?: number;
  /** Starting points are uniform on [-initRadius, initRadius] in unconstrained coordinates. */
  readonly initRadius: number;
}

export interface NutsOptions extends SamplerOptions {
  readonly method: "nuts";
  readonly maxTreeDepth: number;
}

export interface HmcOptions extends SamplerOptions {
  readonly method: "hmc";
  /** Step size times the mean number of leapfrog steps. */
  readonly integrationTime: number;
  /** The number of steps varies by up to this part of its mean, in [0, 1). */
  readonly jitter: number;
}

const SAMPLER_DEFAULTS: SamplerOptions = {
  chains: 4,
  warmup: 1000,
  draws: 1000,
  thin: 1,
  targetAccept: 0.8,
  metric: "diag",
  initRadius: 2,
};

export const NUTS_DEFAULTS: NutsOptions = { ...SAMPLER_DEFAULTS, method: "nuts", maxTreeDepth: 10 };

/** A quarter of a standard normal's period makes successive draws independent of each other. */
export const HMC_DEFAULTS: HmcOptions = {
  ...SAMPLER_DEFAULTS,
  method: "hmc",
  integrationTime: Math.PI / 2,
  jitter: 0.3,
};

/** What the random numbers of a chain depend on, beside the iteration. */
export interface ChainKey {
  readonly seed: number | bigint;
  /** From 0. */
  readonly chain: number;
}

/** No starting point had a finite log density and gradient. */
export interface StartFailure {
  readonly kind: "start";
  readonly tries: number;
  /** The last point tried, and the log density there. */
  readonly position: Float64Array;
  readonly lp: number;
  /** Indices of q where the last gradient was not finite. */
  readonly badGradient: readonly number[];
}

/** No usable step size: `unbounded` suggests an improper density, `vanishing` a broken gradient. */
export interface StepSizeFailure {
  readonly kind: "step_size";
  readonly search: "unbounded" | "vanishing";
}

export type ChainFailure = StartFailure | StepSizeFailure;

/** Where a chain stands; given out a few hundred times a second at most. */
export interface ChainProgress {
  readonly phase: "warmup" | "sampling";
  /** Iterations done and to do in this phase. */
  readonly done: number;
  readonly total: number;
  /** In this phase so far. */
  readonly divergences: number;
  readonly gradients: number;
  readonly stepSize: number;
}

/** Draws of one chain; the caller may lay them in shared memory. */
export interface ChainStorage {
  /** Row t is draw t in constrained coordinates. */
  readonly constrained: Float64Array;
  /** Row t is the statistics of draw t, in the order of `STATISTICS`. */
  readonly statistics: Float64Array;
}

export interface ChainResult {
  readonly kind: "finished" | "stopped";
  /** Rows of the storage that hold draws: all, unless the chain was stopped. */
  readonly draws: number;
  readonly storage: ChainStorage;
  readonly stepSize: number;
  readonly inverseMetric: Float64Array;
  /** Gradient evaluations. */
  readonly gradients: { readonly warmup: number; readonly sampling: number };
  readonly seconds: { readonly warmup: number; readonly sampling: number };
}

export type ChainOutcome =
  | ChainResult
  | { readonly kind: "failed"; readonly failure: ChainFailure };

/**
 * Takes draws and states out of a chain that is under way, so that another process can go on from
 * there to the very draws that this one would have made. States are numbers for the same method,
 * model and options alone.
 */
export interface ChainSink {
  /** Asked every few milliseconds: whether what there is should be taken now. */
  readonly isDue: () => boolean;
  /** The state in the warmup, and at its end. */
  readonly warmup: (state: Float64Array) => void;
  /** The first `count` rows of the storage are the draws from `first` on; `state` is that behind them. */
  readonly draws: (first: number, count: number, state: Float64Array) => void;
}

/** The last states that a sink took. */
export interface ChainPast {
  readonly warmup: Float64Array;
  /** Where draws were made. */
  readonly draws?: Float64Array;
}

export interface ChainControls {
  /** Asked now and then; true ends the chain with the draws so far. */
  readonly shouldStop?: () => boolean;
  /** Where the draws go; made here if absent. With a sink of as many rows as it takes at a time. */
  readonly storage?: ChainStorage;
  readonly sink?: ChainSink;
  /** Go on from here instead of starting. */
  readonly past?: ChainPast;
  /** A starting point in unconstrained coordinates instead of random ones. */
  readonly start?: Float64Array;
}
