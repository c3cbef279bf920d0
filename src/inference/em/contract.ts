/** What is asked of EM and what it gives back. */
import type { Marginals } from "../ascent/contract.js";
import type { Checkpoints } from "../checkpoints.js";
import type { EmState } from "./kept.js";

export interface EmOptions {
  /** Sites whose posterior mode is wanted (given the other sites integrated out), beside params. */
  readonly maximise?: readonly string[];
  /** Starting points, of which the best three after a short run go on. Default 12; 1 where nothing is random. */
  readonly restarts?: number;
  /** Of the long run. Default 2000. */
  readonly maxIterations?: number;
  /** Relative change of the log likelihood at which a run has converged. Default 1e-9. */
  readonly tolerance?: number;
  readonly standardErrors?: boolean;
  /** Values to start from, in own coordinates, by name; whole arrays, row-major. */
  readonly start?: ReadonlyMap<string, Float64Array>;
}

/** Why EM cannot run on a model. */
export interface EmRefusal {
  readonly kind: "refused";
  readonly site: string;
  readonly reason: string;
}

/** Why a run ended without an estimate. */
export type EmFailure =
  /** The likelihood grows without bound as this scalar goes to the edge of its support. */
  | { readonly kind: "singular"; readonly name: string; readonly scalar: number }
  /** Every assignment of the discrete sites has probability 0. */
  | { readonly kind: "impossible" }
  /** A latent site's distribution given the parameters is no distribution. */
  | { readonly kind: "improper"; readonly name: string }
  /** The log likelihood is not finite. */
  | { readonly kind: "not_finite"; readonly value: number };

export interface EmEstimate {
  readonly name: string;
  readonly dims: readonly number[];
  /** Own coordinates, row-major. */
  readonly value: Float64Array;
  /** Standard errors in own coordinates, where they were asked for. */
  readonly standardError?: Float64Array;
}

/** A continuous latent site given the data at the estimates. */
export interface EmLatent {
  readonly name: string;
  readonly dims: readonly number[];
  /** Latent scalars; positions in the array where only some are latent. */
  readonly length: number;
  readonly elements?: Float64Array;
  readonly family: string;
  readonly mean: Float64Array;
  readonly sd: Float64Array;
  /** Of the site's own distribution, where it is no mixture over discrete sites. */
  readonly marginals?: Marginals;
}

/** Probabilities of a discrete site's values given the data at the estimates. */
export interface EmDiscrete {
  readonly name: string;
  readonly dims: readonly number[];
  /** The smallest value; value `low + k` has column k. */
  readonly low: number;
  /** `[elements, count]`. */
  readonly count: number;
  readonly probabilities: Float64Array;
}

export interface EmResult {
  readonly kind: "fitted";
  readonly params: readonly EmEstimate[];
  /** log p(data | params) + log prior of what was maximised; a lower bound where not `exact`. */
  readonly logLikelihood: number;
  readonly exact: boolean;
  /** Its values at the start and after each iteration of the run that was kept. */
  readonly history: Float64Array;
  readonly iterations: number;
  readonly converged: boolean;
  readonly stopped: boolean;
  readonly restarts: readonly EmRestart[];
  /** Iterations, of all restarts, that a device took whole. */
  readonly deviceIterations: number;
  readonly latents: readonly EmLatent[];
  readonly discrete: readonly EmDiscrete[];
  /** Where standard errors were asked for and the observed information is singular. */
  readonly informationSingular?: boolean;
}

export interface EmRestart {
  /** After its short run. */
  readonly logLikelihood: number;
  readonly failure?: EmFailure;
}

export interface EmFailed {
  readonly kind: "failed";
  readonly failure: EmFailure;
  readonly restarts: readonly EmRestart[];
}

export interface EmProgress {
  readonly phase: "restarts" | "run" | "standard errors";
  readonly done: number;
  readonly total: number;
  readonly logLikelihood: number;
}

export interface EmControls {
  readonly shouldStop?: () => boolean;
  readonly onProgress?: (progress: EmProgress) => void;
  readonly checkpoints?: Checkpoints<EmState>;
}
