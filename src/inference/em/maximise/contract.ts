/**
 * The M-step of one parameter: Q is linear in the parameter's statistics, Q(v) = ⟨η, T(v)⟩ + const,
 * so its maximiser is a function of η alone. Arrays and tied structures are in η already, which is
 * a gradient in the statistics of the parameter's own scalars.
 */

import type { NodeForm, QuadraticSolve } from "./nodes.js";

/** What came of a maximisation; the parameter's scalars are changed in place where it was found. */
export type Outcome =
  | { readonly kind: "found" }
  /** Q grows without bound as this scalar goes to the edge of its support (or to infinity). */
  | { readonly kind: "singular"; readonly scalar: number }
  /** The closed form does not hold at this η: Q is to be climbed step by step. */
  | { readonly kind: "climb" };

export const FOUND: Outcome = { kind: "found" };
export const CLIMB: Outcome = { kind: "climb" };

export interface ClosedForm {
  /** In words, for plans. */
  readonly name: string;
  /** The same as nodes, for devices; absent where the maximiser is searched for. */
  readonly nodes?: NodeForm;
  /** `solve` as nodes. */
  readonly solveNodes?: QuadraticSolve;
  /** @param eta one array for each statistic, in their order */
  readonly maximise: (eta: readonly Float64Array[], v: Float64Array) => Outcome;
  /**
   * Of quadratic forms over all reals: the x at which the gradient of Q has changed by −`right`,
   * H x = right with H = −∇²Q. Undefined where H is not positive definite.
   */
  readonly solve?: (eta: readonly Float64Array[], right: Float64Array) => Float64Array | undefined;
}
