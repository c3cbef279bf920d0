/** Batched gathers and scatters. Where the indices differ too, items are laid end to end. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import type { BatchContext } from "./context.js";

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => from + k);

/** Indices into items of `length` elements that are laid end to end. */
function endToEnd(g: GraphBuilder, indices: Node, size: number, length: number): Node {
  const starts = g.constant(
    Float64Array.from({ length: size }, (_, k) => k * length),
    [size],
    "int",
  );
  return g.add(indices, g.broadcast(starts, indices.shape, [0]));
}

export function batchedGather(cx: BatchContext, n: NodeOf<"gather">): Node {
  const { g, size, at, isBatched } = cx;
  const { axis } = n;
  if (!isBatched(n.indices)) return g.gather(at(n.x), at(n.indices), axis + 1);
  const count = n.indices.shape.length;
  const rank = n.x.shape.length;
  if (!isBatched(n.x)) {
    // [before, items, indices, behind] with the items brought to the front.
    const made = g.gather(at(n.x), at(n.indices), axis);
    return g.transpose(made, [
      axis,
      ...range(0, axis),
      ...range(axis + 1, count + rank - 1 - axis),
    ]);
  }
  const length = n.x.shape[axis];
  const others = n.x.shape.filter((_, k) => k !== axis);
  const front = g.transpose(at(n.x), [
    0,
    axis + 1,
    ...range(1, axis),
    ...range(axis + 2, rank - 1 - axis),
  ]);
  const flat = g.reshape(front, [size * length, ...others]);
  // [items, indices, before, behind]
  const made = g.gather(flat, endToEnd(g, at(n.indices), size, length), 0);
  return g.transpose(made, [
    0,
    ...range(1 + count, axis),
    ...range(1, count),
    ...range(1 + count + axis, rank - 1 - axis),
  ]);
}

export function batchedScatter(cx: BatchContext, n: NodeOf<"scatter_add">): Node {
  const { g, size, at, all, isBatched } = cx;
  const { axis, shape } = n;
  if (!isBatched(n.indices))
    return g.scatterAdd(all(n.x), at(n.indices), axis + 1, [size, ...shape]);
  const count = n.indices.shape.length;
  const rank = shape.length;
  const length = shape[axis];
  const others = shape.filter((_, k) => k !== axis);
  // [items, before, indices, behind] to [items, indices, before, behind]
  const front = g.transpose(all(n.x), [
    0,
    ...range(1 + axis, count),
    ...range(1, axis),
    ...range(1 + axis + count, rank - 1 - axis),
  ]);
  const indices = endToEnd(g, at(n.indices), size, length);
  const flat = g.scatterAdd(front, indices, 0, [size * length, ...others]);
  const made = g.reshape(flat, [size, length, ...others]);
  return g.transpose(made, [0, ...range(2, axis), 1, ...range(2 + axis, rank - 1 - axis)]);
}
