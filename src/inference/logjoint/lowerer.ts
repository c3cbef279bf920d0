/**
 * The state of one lowering: the builder, the conditioned model, and how variables are read. Rooms
 * of the lowering (expressions, indexing, distributions, scans) are functions over it.
 */
import { internalError } from "../../base/internal.js";
import type { Expr } from "../../model/ir.js";
import type { Size } from "../../model/size.js";
import { type Conditioned, sizeValue } from "../../passes/condition/index.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import { evaluateNode } from "../../tensor/evaluate.js";
import type { Node } from "../../tensor/ops.js";
import { operandsOf } from "../../tensor/traverse.js";
import type { Axis, Context, Lowered, Mask } from "./context.js";
import type { HostValue } from "./host-value.js";

/** How the body of a scan answers reads; see `scan.ts`. */
export interface Recurrence {
  /** A value that does not depend on the recurrence: computed outside, seen one row at a time. */
  readonly outside: (e: Expr, context: Context) => Lowered | undefined;
  /** An element of a recurrent variable, at this step or an earlier one. */
  readonly inside: (e: Expr, context: Context) => Lowered | undefined;
  /** Reports that it cannot be run as a scan. */
  readonly refuse: (reason: string) => never;
  /** A value of data alone at every step, over the loops outside (the scanned one first). */
  readonly hostValue: (e: Expr, context: Context) => HostValue | undefined;
  /** What a mask over all steps lets through at this one, over loops of the body; a bool. */
  readonly maskAt: (mask: Mask) => Lowered;
}

export interface LowererState {
  readonly g: GraphBuilder;
  readonly conditioned: Conditioned;
  /** The whole array of a site, let or param. */
  readonly variable: (name: string, context: Context) => Node;
  readonly recurrence?: Recurrence;
  /** How a statement that reads latent discrete sites sees them: as axes of all their values. */
  readonly enumerated?: (e: Expr, context: Context) => Lowered | undefined;
  /** Values of local definitions, by the context that reads them. */
  readonly localValues: WeakMap<Context, Map<string, Lowered>>;
  /** Values of nodes that depend on data alone. */
  readonly constants: Map<Node, Float64Array | undefined>;
}

/** The state with its own recursion, so that rooms need not import each other. */
export interface Lowerer extends LowererState {
  /** The value of an expression for all index tuples of the context at once. */
  readonly lower: (e: Expr, context: Context) => Lowered;
  /** The same lowerer for a statement that reads latent discrete sites. */
  readonly withEnumerated: (read: NonNullable<LowererState["enumerated"]>) => Lowerer;
}

export function sizeOf(l: Lowerer, size: Size): number {
  return sizeValue(l.conditioned, size);
}

/**
 * The value of a node that depends on data alone, or undefined where it depends on an input of the
 * graph. Integer index arithmetic goes through here, so it is cached per node.
 */
export function constantData(l: Lowerer, node: Node): Float64Array | undefined {
  if (node.op === "const") return node.data;
  const known = l.constants.get(node);
  if (known !== undefined || l.constants.has(node)) return known;
  const value = dependsOnInput(node) ? undefined : evaluateNode(node);
  l.constants.set(node, value);
  return value;
}

function dependsOnInput(node: Node): boolean {
  const seen = new Set<Node>();
  const stack: Node[] = [node];
  while (stack.length > 0) {
    const n = stack.pop();
    if (n === undefined || seen.has(n)) continue;
    seen.add(n);
    if (n.op === "input") return true;
    stack.push(...operandsOf(n));
  }
  return false;
}

/** An index or a bound: its data over its axes. Data alone can be an index under gradients. */
export function hostInts(l: Lowerer, value: Lowered): Float64Array {
  return constantData(l, value.node) ?? internalError("an index depends on a random quantity");
}

/** The numbers of a loop's range, where its bounds are the same for every outer index. */
export function rangeValues(from: number, to: number): Float64Array {
  const numbers = new Float64Array(Math.max(0, to - from));
  for (let i = 0; i < numbers.length; i++) numbers[i] = from + i;
  return numbers;
}

export function scalarLowered(node: Node): Lowered {
  return { node, axes: [] as readonly Axis[] };
}
