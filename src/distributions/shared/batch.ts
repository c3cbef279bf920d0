/**
 * Vectors and matrices of a batch. An argument of own rank r has shape `own` (shared by the batch)
 * or `batch ++ own`; shared ones stay small for as long as possible.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, Shape } from "../../tensor/ops.js";

/** Whether every copy of the batch sees the same argument. */
export function isShared(x: Node, ownRank: number): boolean {
  return x.shape.length === ownRank;
}

/** `batch ++ own`: a shared argument is repeated. */
export function spread(g: GraphBuilder, x: Node, ownRank: number, batch: Shape): Node {
  if (!isShared(x, ownRank) || batch.length === 0) return x;
  const own = x.shape.map((_, k) => batch.length + k);
  return g.broadcast(x, [...batch, ...x.shape], own);
}

/** One number a copy (shape `batch`) or one for all, repeated along new trailing axes `own`. */
export function alongEvent(g: GraphBuilder, x: Node, own: Shape): Node {
  const axes = x.shape.map((_, k) => k);
  return g.broadcast(x, [...x.shape, ...own], axes);
}

/** Sum over the last `rank` axes. */
export function sumEvent(g: GraphBuilder, x: Node, rank: number): Node {
  const first = x.shape.length - rank;
  return g.sum(
    x,
    Array.from({ length: rank }, (_, k) => first + k),
  );
}

/** The diagonals of `[…b, n, n]`, shape `[…b, n]`. */
export function diagonal(g: GraphBuilder, m: Node): Node {
  const n = m.shape[m.shape.length - 1];
  const outer = m.shape.slice(0, -2);
  const flat = g.reshape(m, [...outer, n * n]);
  const indices = g.constant(
    Float64Array.from({ length: n }, (_, i) => i * (n + 1)),
    [n],
    "int",
  );
  return g.gather(flat, indices, outer.length);
}

/** Σ log Lᵢᵢ of `[…b, n, n]`: half the log determinant of L Lᵀ. Shape `[…b]`. */
export function sumLogDiagonal(g: GraphBuilder, l: Node): Node {
  return sumEvent(g, g.log(diagonal(g, l)), 1);
}

/** Number of copies in the batch. */
export function batchSize(batch: Shape): number {
  return batch.reduce((n, s) => n * s, 1);
}

/**
 * |L⁻¹ d|² for each row d of shape `batch ++ [n]`; result of shape `batch`. One triangular solve
 * with all rows as right-hand sides where L is shared.
 */
export function squaredSolve(g: GraphBuilder, l: Node, d: Node, batch: Shape): Node {
  const n = d.shape[d.shape.length - 1];
  if (isShared(l, 2)) {
    const count = batchSize(batch);
    const columns = g.transpose(g.reshape(d, [count, n]));
    const z = g.triangularSolve(l, columns);
    return g.reshape(g.sum(g.square(z), [0]), batch);
  }
  const z = g.triangularSolve(l, g.reshape(d, [...d.shape, 1]));
  return sumEvent(g, g.square(z), 2);
}

/** |Lᵀ d|² for each row d of shape `batch ++ [n]`; result of shape `batch`. */
export function squaredProduct(g: GraphBuilder, l: Node, d: Node, batch: Shape): Node {
  const n = d.shape[d.shape.length - 1];
  if (isShared(l, 2)) {
    const rows = g.matmul(g.reshape(d, [batchSize(batch), n]), l);
    return g.reshape(g.sum(g.square(rows), [1]), batch);
  }
  const z = g.matmul(g.reshape(d, [...batch, 1, n]), l);
  return sumEvent(g, g.square(z), 2);
}

/** Values at one index a copy: `x` of shape `[K]` or `batch ++ [K]`, `index` of shape `batch`. */
export function pick(g: GraphBuilder, x: Node, index: Node, batch: Shape): Node {
  if (isShared(x, 1)) return g.gather(x, index, 0);
  const k = x.shape[x.shape.length - 1];
  const count = batchSize(batch);
  const offsets = g.constant(
    Float64Array.from({ length: count }, (_, i) => i * k),
    batch,
    "int",
  );
  return g.gather(g.reshape(x, [count * k]), g.add(offsets, index), 0);
}
