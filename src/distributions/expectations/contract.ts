/**
 * Expectations in closed form under one distribution: what is asked of the other. All nodes are
 * elementwise over independent copies; arguments have shape `batch ++ own` for one batch.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { NodeArgs } from "../contract.js";

/** A distribution of the table in one of its parameterisations, with arguments. */
export interface Law {
  /** Its name in the table. */
  readonly name: string;
  /** Of shape `batch ++ own`. */
  readonly args: NodeArgs;
}

/** Where all draws lie, from large to small: a set lies in those that stand before it in a chain. */
export type Range = "real" | "positive" | "unit" | "count";

/** Expectations under a law, each of shape `batch`; what is absent has no closed form here. */
export interface Moments {
  readonly range: Range;
  readonly mean?: () => Node;
  readonly variance?: () => Node;
  /** E log x and the variance of log x. */
  readonly log?: () => Node;
  readonly logVariance?: () => Node;
  /** E log(1 − x) */
  readonly logComplement?: () => Node;
  /** E (x/c)^k */
  readonly power?: (k: Node | number, c: Node | number) => Node;
  /** E |x − c| */
  readonly deviation?: (c: Node) => Node;
  /** E exp(t (x − c)) */
  readonly exponential?: (t: Node, c: Node) => Node;
  /** The ends of the support, where parameters say them. */
  readonly lower?: () => Node;
  readonly upper?: () => Node;
}

export type MomentRule = (g: GraphBuilder, args: NodeArgs) => Moments;
/** E log p(x) for a density p with the given arguments, from the moments of x. */
export type DensityRule = (g: GraphBuilder, args: NodeArgs, m: Moments) => Node | undefined;
/** −E log q(x), x ~ q. */
export type EntropyRule = (g: GraphBuilder, args: NodeArgs) => Node;
/** E log q(x) − E log p(x) for x ~ q; undefined where these two arguments have no closed form. */
export type DivergenceRule = (g: GraphBuilder, q: NodeArgs, p: NodeArgs) => Node | undefined;
