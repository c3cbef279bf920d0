/** What a rule of reverse differentiation is given. */
import { fail } from "../../base/diagnostic.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf, Op } from "../../tensor/ops.js";

export interface Adjoints {
  readonly g: GraphBuilder;
  /** Whether the gradient with respect to `x` is asked for: rules skip the others. */
  wants(x: Node): boolean;
  /** Adds to the adjoint of `x`; the contribution has the shape of `x`. */
  add(x: Node, contribution: Node): void;
}

/** Sends the adjoint `dy` of node `n` on to its operands. */
export type VjpRule<K extends Op> = (a: Adjoints, n: NodeOf<K>, dy: Node) => void;

/** The derivative of an operation which has none here: a diagnostic at the place of the model. */
export function unsupportedGradient(n: Node, what: string, why: string): never {
  return fail("gradient_unsupported", n.origin?.span, { what, why });
}
