/** What a run leaves behind: draws of the latent scalars, statistics, timing. Plain data. */
import type { Diagnostic } from "../../base/diagnostic.js";
import type { LatentVariable } from "../../inference/logjoint/index.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { Exchangeable } from "../labels/exchangeable.js";
import type { ProcessFit } from "../process-fit.js";

/** One chain's kept draws. */
export interface ChainDraws {
  /** Kept draws × latent scalars, row-major, in the layout of the latents' offsets. */
  readonly values: Float64Array;
  readonly draws: number;
  /** Per kept draw; a method without a statistic leaves it out. */
  readonly statistics: Readonly<Partial<Record<DrawStatistic, Float64Array>>>;
  readonly stepSize?: number;
  /** Of the unconstrained position: its length, and the variances, or the whole matrix row by row. */
  readonly dimension?: number;
  readonly inverseMetric?: readonly number[];
  /** Transitions to a draw. */
  readonly thin?: number;
  /** Where the draws lie in a file: pieces of them; `values` and `statistics` read all at once. */
  readonly pages?: DrawPages;
}

/** Draws `first` to `first + draws`, row-major. */
export interface DrawPage {
  readonly first: number;
  readonly draws: number;
  readonly values: Float64Array;
}
export interface DrawPages {
  /** The number of the file in the fit's folder. */
  readonly file: number;
  /** The piece that holds a draw; the next call uses its room again. */
  readonly page: (draw: number) => DrawPage;
  /** Scalars `from` to `to` of all draws, `[scalars, draws]`; the next call may use its room again. */
  readonly columns: (from: number, to: number) => Float64Array;
  /** Where all chains of the fit share one file. */
  readonly together?: {
    /** Scalars `from` to `to` of all chains, `[scalars, chains, draws]`, into `out`. */
    readonly columns: (from: number, to: number, out: Float64Array) => void;
  };
}

export type DrawStatistic =
  | "lp"
  | "accept_stat"
  | "stepsize"
  | "treedepth"
  | "n_leapfrog"
  | "divergent"
  | "energy";

export interface Timing {
  readonly compileSeconds: number;
  readonly warmupSeconds: number;
  readonly sampleSeconds: number;
  /** Evaluations of the gradient, over all chains and phases. */
  readonly gradients: number;
}

export type MethodName =
  | "nuts"
  | "hmc"
  | "map"
  | "laplace"
  | "prior"
  | "enumerate"
  | "gibbs"
  | "exact"
  | "vi"
  | "cavi"
  | "em"
  | "svi"
  | "nce";

/**
 * Params as a tree of names: those of the model at the root, those of guides and of other programs
 * under the program's name, those of modules under the path to them. Leaves are nested lists.
 */
export interface ParamTree {
  readonly [name: string]: ParamTree | ParamValue;
}
export type ParamValue = number | readonly ParamValue[];

/** What `summary.json` can hold under `diagnostics`: numbers, histories, tables of them. */
export type Figure =
  | number
  | boolean
  | string
  | readonly Figure[]
  | { readonly [key: string]: Figure };

/** The values that each element of a discrete site can take: `low`, …, `low + count − 1`. */
export interface DiscreteRange {
  readonly low: number;
  readonly count: number;
}

/** A point estimate of a variable, which stands in every draw alike. */
export interface PointFigures {
  /** Standard errors, scalar by scalar. */
  readonly se?: Float64Array;
}

export interface FitData {
  readonly conditioned: Conditioned;
  readonly method: MethodName;
  /** What the draws hold: continuous sites and params, then the discrete sites that were drawn. */
  readonly latents: readonly LatentVariable[];
  readonly chains: readonly ChainDraws[];
  /** Of many short chains: how many groups of equal size, one after another, began at one point. */
  readonly superchains?: number;
  readonly timing: Timing;
  readonly seed: number;
  /** One point instead of draws: summaries have a mean and nothing else. */
  readonly isPoint: boolean;
  /** Stopped before all draws were made. */
  readonly interrupted: boolean;
  readonly warmup: number;
  readonly targetAccept?: number;
  readonly maxTreeDepth?: number;
  /** Draws of whole variables where the method makes those, as the prior does. */
  readonly whole?: ReadonlyMap<string, VariableDraws>;
  /** The discrete sites among the latents. */
  readonly ranges?: ReadonlyMap<string, DiscreteRange>;
  /** Latents that are point estimates beside sites that are drawn. */
  readonly points?: ReadonlyMap<string, PointFigures>;
  /** Exact figures by scalar (`z[0]`), which summaries give instead of those of the draws. */
  readonly exact?: ReadonlyMap<string, ExactFigures>;
  /** Of a Dirichlet-process mixture: its plan, chains and partitions. */
  readonly process?: ProcessFit;
  /** Learned params of all programs by module path; see `ParamTree`. */
  readonly params?: ParamTree;
  /** Groups of components whose draws were relabelled to a pivot. */
  readonly relabellings?: readonly Relabelling[];
  /** The folder that holds record and draws already; an absolute path. */
  readonly stored?: string;
  /** What the method has to say about itself: more warnings, and figures for `summary.json`. */
  readonly warnings: readonly Diagnostic[];
  readonly figures: Readonly<Record<string, Figure>>;
}

/** How the draws of components that can change places were relabelled. */
export interface Relabelling {
  readonly group: Exchangeable;
  /** For each chain, the labelling most of its draws were in, against the pivot's. */
  readonly chains: readonly Int32Array[];
  /** The share of draws in another labelling than most of their chain. */
  readonly switched: number;
}

/**
 * What is known of one scalar without draws: its exact posterior, or that of an approximation in
 * closed form. Figures that have no closed form are left out, and so is `sd` of a point.
 */
export interface ExactFigures {
  readonly mean: number;
  readonly sd?: number;
  /** Of discrete scalars the smallest values with at least this probability up to them. */
  readonly q5?: number;
  readonly q50?: number;
  readonly q95?: number;
  /** Of discrete scalars. */
  readonly values?: readonly number[];
  /** One a value. */
  readonly probabilities?: readonly number[];
  /** In the most probable joint assignment of all discrete sites. */
  readonly mostProbable?: number;
}

/** Draws of one variable over all chains. */
export interface VariableDraws {
  /** `[chains, draws, …dims]`, row-major. */
  readonly data: Float64Array;
  readonly shape: readonly number[];
  /**
   * One draw, counted over all chains, where they are not in memory: `data` reads all at once.
   * Its room may be used again by the next call.
   */
  readonly row?: (row: number) => ArrayLike<number>;
}

/** Latent scalars per draw. */
export function latentLength(latents: readonly LatentVariable[]): number {
  return latents.reduce((n, v) => n + v.length, 0);
}

/**
 * Where a draw's latent scalars stand: in memory, or in the page of its file.
 * @param width latent scalars of a draw
 */
export function rowOf(
  chain: ChainDraws,
  draw: number,
  width: number,
): { readonly values: Float64Array; readonly start: number } {
  if (chain.pages === undefined) return { values: chain.values, start: draw * width };
  const { first, values } = chain.pages.page(draw);
  return { values, start: (draw - first) * width };
}
