/** What the rules of the reference evaluator give and take. */
import type { Node, NodeOf, Op } from "./ops.js";

/** Row-major values of a node. */
export type Values = Float64Array;

/** The values of the operands of the node at hand. */
export type ValueOf = (n: Node) => Values;

/** A scan has several results; all others one. */
export type ValueRule<K extends Op> = (n: NodeOf<K>, at: ValueOf) => Values;
