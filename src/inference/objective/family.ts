/** What is asked of exponential families of guides. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";

/** Arrays by the names of a distribution's arguments. */
export type Values = Readonly<Record<string, Node>>;

/** F u for a vector u over the arguments, at each draw. */
export type Fisher = (g: GraphBuilder, a: Values, u: Values) => Values;

/** A family whose steps in the arguments are along its natural parameters. */
export interface Family {
  readonly fisher: Fisher;
  /**
   * F⁻¹ ∇ of the arguments that gradients are given of; the others are constants.
   * @param gradient of the objective in the arguments, all of one shape but for trailing event axes
   */
  readonly direction: (g: GraphBuilder, a: Values, gradient: Values) => Values;
  /** The arguments after a step of the given size along `direction`. */
  readonly step: (g: GraphBuilder, a: Values, direction: Values, rate: Node) => Values;
}
