/**
 * The four forms of `@`. Rows that vary over loops become one matrix product: `x[i] @ beta` for
 * all i is `X @ beta`.
 */
import type { Node } from "../../tensor/ops.js";
import {
  type Axis,
  axisSizes,
  type Context,
  eventRank,
  eventShape,
  expand,
  type Lowered,
  unionAxes,
} from "./context.js";
import type { Lowerer } from "./lowerer.js";

const product = (sizes: readonly number[]): number => sizes.reduce((n, d) => n * d, 1);

/** `a @ b` with event ranks 1 or 2 on each side; two vectors give their dot product. */
export function lowerMatmul(l: Lowerer, a: Lowered, b: Lowered, context: Context): Lowered {
  const left = eventRank(a);
  const right = eventRank(b);
  const axes = unionAxes(context, [a, b]);
  if (a.axes.length > 0 && b.axes.length === 0) return foldLeft(l, a, b);
  if (b.axes.length > 0 && a.axes.length === 0) {
    if (right === 1) return foldRight(l, a, b);
    if (left === 1) return foldRight(l, transposed(l, b), a, true);
  }
  const x = expand(l.g, a, axes);
  const y = expand(l.g, b, axes);
  if (left === 1 && right === 1) return dotProducts(l, x, y, axes);
  const batch = axisSizes(axes);
  const [k] = eventShape(b);
  const rows = left === 1 ? l.g.reshape(x, [...batch, 1, k]) : x;
  const columns = right === 1 ? l.g.reshape(y, [...batch, k, 1]) : y;
  const out = l.g.matmul(rows, columns);
  const event = [
    ...(left === 1 ? [] : [eventShape(a)[0]]),
    ...(right === 1 ? [] : [eventShape(b)[1]]),
  ];
  return { node: l.g.reshape(out, [...batch, ...event]), axes };
}

function dotProducts(l: Lowerer, x: Node, y: Node, axes: readonly Axis[]): Lowered {
  if (axes.length === 0) return { node: l.g.dot(x, y), axes };
  return { node: l.g.reduce("sum", l.g.mul(x, y), [axes.length]), axes };
}

/** Only `a` varies over loops: its loops and rows together are the rows of one product. */
function foldLeft(l: Lowerer, a: Lowered, b: Lowered): Lowered {
  const [k] = eventShape(b);
  const outer = a.node.shape.slice(0, -1);
  const rows = l.g.reshape(a.node, [product(outer), k]);
  const columns = eventRank(b) === 1 ? l.g.reshape(b.node, [k, 1]) : b.node;
  const out = l.g.matmul(rows, columns);
  return { node: l.g.reshape(out, [...outer, ...eventShape(b).slice(1)]), axes: a.axes };
}

/**
 * Only the vector `b` varies over loops (`W @ z[i]`): rows of `B Wᵀ`. With `flipped`, `a` is the
 * looped matrix already transposed and `b` the fixed vector: `v @ M[i]` is `M[i]ᵀ v`.
 */
function foldRight(l: Lowerer, a: Lowered, b: Lowered, flipped = false): Lowered {
  if (flipped) return foldLeft(l, a, b);
  const [k] = eventShape(b);
  const outer = b.node.shape.slice(0, -1);
  const rows = l.g.reshape(b.node, [product(outer), k]);
  const isVector = eventRank(a) === 1;
  const columns = isVector ? l.g.reshape(a.node, [k, 1]) : l.g.transpose(a.node, [1, 0]);
  const out = l.g.matmul(rows, columns);
  return { node: l.g.reshape(out, isVector ? outer : [...outer, eventShape(a)[0]]), axes: b.axes };
}

function transposed(l: Lowerer, v: Lowered): Lowered {
  const lead = v.axes.map((_, k) => k);
  const n = v.axes.length;
  return { node: l.g.transpose(v.node, [...lead, n + 1, n]), axes: v.axes };
}
