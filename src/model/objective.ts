/**
 * Objectives: programs whose expected value learning by gradients maximises. An objective draws from
 * models and guides, evaluates densities at the draws, and returns a number. Also guides: programs
 * that draw the latent sites of a model.
 */
import type { Span } from "../base/span.js";
import type { Binder, Expr, Model, Type } from "./ir.js";

/** `guide NAME(inputs) for MODEL`: a program of its own whose sites are sites of the model. */
export interface Guide {
  readonly program: Model;
  /** The name of its model, or of the guide whose auxiliary sites it proposes. */
  readonly model: string;
  /** Sites of its own that sites of the model follow from: `marginal` integrates over them. */
  readonly auxiliary?: readonly string[];
}

export const estimateKinds = ["marginal", "normalize"] as const;
/**
 * `marginal`: what a program says of the sites that are kept. `normalize`: a program's latent sites,
 * given the data, as far as importance resampling reaches them.
 */
export type EstimateKind = (typeof estimateKinds)[number];

/**
 * `marginal(q, keep: [x], proposal: r, particles: M)`: a program that can be drawn from, and whose
 * density is estimated by importance sampling.
 */
export interface Estimate {
  /** The name that draws and evaluations have for it: that of its `let`, or its text. */
  readonly name: string;
  readonly span: Span;
  readonly kind: EstimateKind;
  /** The argument of the objective that stands for the program. */
  readonly program: string;
  /** Sites that are kept; where the text says none, those of a guide's model. */
  readonly keep?: readonly { readonly name: string; readonly span: Span }[];
  /** The argument that draws the other sites; without one the program does itself. */
  readonly proposal?: string;
  readonly particles: Expr;
}

/** `z ~ q`, or `z[k] ~ q` in loops: values for all sites of a program. */
export interface Draw {
  readonly name: string;
  readonly span: Span;
  /** The objective's argument, or the estimate made of it, that is drawn from. */
  readonly program: string;
  /** `z ~ stop_gradient(q)`: no gradient passes through the draw. */
  readonly frozen: boolean;
  /** The loops around it, outermost first; each starts at 0 and is an index of the draw. */
  readonly loops: readonly Binder[];
}

export const evaluationKinds = [
  "log_joint",
  "log_prob",
  "log_probs",
  "score",
  "laplacian",
] as const;
/**
 * `log_joint(p, z)` and `log_prob(q, z)`: the log density of all statements of a program, its sites
 * taken from the draw or the data. `log_probs`: the same for each element of the program's plate.
 * `score`: the gradient of the log density in the values of the draw, as one vector. `laplacian`: an
 * unbiased estimate of its divergence, the trace of the Hessian.
 */
export type EvaluationKind = (typeof evaluationKinds)[number];

/** A density at a draw, or the value of one of its sites. In the body it is a variable with the draw's axes. */
export interface Evaluation {
  /** The variable, named by its text: `log_joint(p, z)`. */
  readonly name: string;
  readonly span: Span;
  readonly kind: EvaluationKind | "value";
  /** The argument that is evaluated; empty for values. */
  readonly program: string;
  /** `log_prob(stop_gradient(q), z)`: the program's params are constants here. */
  readonly frozen: boolean;
  /** The draw's name; undefined where the data alone are evaluated (`log_prob(p, data)`). */
  readonly draw: string | undefined;
  /** Of a value, `let x: real[n, d] = y.x`: the site, and the type that the text says. */
  readonly reading?: { readonly site: string; readonly type: Type };
}

/** `return e for p, f(steps: 5)`: params that maximise one number, in turn with other players. */
export interface Player {
  /** As the text names them: `p, f`. */
  readonly name: string;
  readonly span: Span;
  /** Arguments of the objective whose params these are. */
  readonly programs: readonly string[];
  /** Params and modules of the objective itself. */
  readonly params: readonly string[];
  readonly result: Expr;
  /** Steps of its own in a round; 1 where the text does not say. */
  readonly steps?: Expr;
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
  /** Programs made of the arguments, whose densities are estimated. */
  readonly estimates?: readonly Estimate[];
  /** What all params maximise; with players what the first ones do. */
  readonly result: Expr;
  readonly players?: readonly Player[];
}

/** The size of an evaluation's own axis: the elements of a plate, the scalars of a draw. */
export function evaluationSize(e: Pick<Evaluation, "kind" | "program" | "draw">): string {
  return e.kind === "score" ? `#${e.draw ?? "data"}` : `#${e.program}`;
}
