/** Bringing operands to one shape: loops by name, event dims by the rule that only scalars repeat. */
import { fail } from "../../base/diagnostic.js";
import type { Node } from "../../tensor/ops.js";
import {
  type Axis,
  type Context,
  eventRank,
  eventShape,
  expand,
  type Lowered,
  unionAxes,
} from "./context.js";
import type { Lowerer } from "./lowerer.js";

export interface Aligned {
  readonly nodes: readonly Node[];
  readonly axes: readonly Axis[];
  readonly event: readonly number[];
}

/**
 * Operands of an elementwise operation: each has the union's shape, or is a rank-0 scalar, which
 * the builder repeats.
 */
export function align(l: Lowerer, context: Context, values: readonly Lowered[]): Aligned {
  const axes = unionAxes(context, values);
  let event: readonly number[] = [];
  for (const v of values) {
    const own = eventShape(v);
    if (own.length === 0) continue;
    if (event.length === 0) event = own;
    else if (own.length !== event.length || own.some((d, k) => d !== event[k])) {
      fail("size_mismatch_at_run", undefined, {
        left: `[${event.join(", ")}]`,
        right: `[${own.join(", ")}]`,
      });
    }
  }
  const isScalar = (v: Lowered) => v.node.shape.length === 0;
  const nodes = values.map((v) =>
    isScalar(v) ? v.node : expand(l.g, v, axes, eventRank(v) < event.length ? event : []),
  );
  return { nodes, axes, event };
}

/** An elementwise operation of any number of operands. */
export function elementwise(
  l: Lowerer,
  context: Context,
  values: readonly Lowered[],
  f: (...nodes: Node[]) => Node,
): Lowered {
  const { nodes, axes } = align(l, context, values);
  return { node: f(...nodes), axes };
}
