/**
 * Objectives: programs whose expected value learning by gradients maximises. An objective draws from
 * models and guides, evaluates densities at the draws, and returns a number. Also guides: programs
 * that draw the latent sites of a model.
 */
import type { Span } from "../base/span.js";
import type { Binder, Expr, Model } from "./ir.js";

/** `guide NAME(inputs) for MODEL`: a program of its own whose sites are sites of the model. */
export interface Guide {
  readonly program: Model;
  /** The name of its model. */
  readonly model: string;
}

/** `z ~ q`, or `z[k] ~ q` in loops: values for all sites of a program. */
export interface Draw {
  readonly name: string;
  readonly span: Span;
  /** The objective's argument that is drawn from. */
  readonly program: string;
  /** `z ~ stop_gradient(q)`: no gradient passes through the draw. */
  readonly frozen: boolean;
  /** The loops around it, outermost first; each starts at 0 and is an index of the draw. */
  readonly loops: readonly Binder[];
}

export const evaluationKinds = ["log_joint", "log_prob", "log_probs", "score"] as const;
/**
 * `log_joint(p, z)` and `log_prob(q, z)`: the log density of all statements of a program, its sites
 * taken from the draw or the data. `log_probs`: the same for each element of the program's plate.
 * `score`: the gradient of the log density in the values of the draw, as one vector.
 */
export type EvaluationKind = (typeof evaluationKinds)[number];

/** A density at a draw. In the body it is a variable with the draw's axes. */
export interface Evaluation {
  /** The variable, named by its text: `log_joint(p, z)`. */
  readonly name: string;
  readonly span: Span;
  readonly kind: EvaluationKind;
  readonly program: string;
  /** `log_prob(stop_gradient(q), z)`: the program's params are constants here. */
  readonly frozen: boolean;
  /** The draw's name; undefined where the data alone are evaluated (`log_prob(p, data)`). */
  readonly draw: string | undefined;
}

export interface Objective {
  readonly name: string;
  readonly span: Span;
  readonly doc?: string;
  /** Arguments that stand for models and guides. */
  readonly programs: readonly string[];
  /**
   * Inputs are the arguments with types; variables the definitions and params, and the evaluations
   * as sites without statements.
   */
  readonly body: Model;
  readonly draws: readonly Draw[];
  readonly evaluations: readonly Evaluation[];
  readonly result: Expr;
}

/** The size of an evaluation's own axis: the elements of a plate, the scalars of a draw. */
export function evaluationSize(e: Pick<Evaluation, "kind" | "program" | "draw">): string {
  return e.kind === "score" ? `#${e.draw ?? "data"}` : `#${e.program}`;
}
