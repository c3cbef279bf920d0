/** Batched matrix products and solves. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import type { BatchContext } from "./context.js";

/** `x` repeated along new axes of the sizes `batch`, put at axis `place`. */
export function withBatch(g: GraphBuilder, x: Node, batch: readonly number[], place: number): Node {
  const shape = [...x.shape.slice(0, place), ...batch, ...x.shape.slice(place)];
  const axes = x.shape.map((_, k) => (k < place ? k : k + batch.length));
  return batch.length === 0 ? x : g.broadcast(x, shape, axes);
}

/** The batch axes that a matrix operand has of its own. */
const ownBatch = (x: Node): readonly number[] => x.shape.slice(0, -2);

/**
 * A product with one operand for all items is one product of larger matrices where its own batch
 * axes are none; the rest is a product with one batch axis more.
 */
export function batchedMatmul(cx: BatchContext, n: NodeOf<"matmul">): Node {
  const { g, size, at, all, isBatched } = cx;
  const [m, k] = n.x.shape.slice(-2);
  const columns = n.y.shape[n.y.shape.length - 1];
  const [bx, by] = [ownBatch(n.x), ownBatch(n.y)];
  const isPlain = bx.length === 0 && by.length === 0;
  if (isPlain && !isBatched(n.y)) {
    const rows = g.reshape(at(n.x), [size * m, k]);
    return g.reshape(g.matmul(rows, at(n.y)), [size, m, columns]);
  }
  if (isPlain && !isBatched(n.x) && columns === 1) {
    const rows = g.reshape(at(n.y), [size, k]);
    return g.reshape(g.matmul(rows, g.transpose(at(n.x))), [size, m, 1]);
  }
  // Batch axes must be equal, or absent on one side.
  if (isPlain || (bx.length === 0 && !isBatched(n.x)) || (by.length === 0 && !isBatched(n.y))) {
    return g.matmul(at(n.x), at(n.y));
  }
  const joined = (operand: Node, own: readonly number[], other: readonly number[]): Node => {
    const x = all(operand);
    return own.length === 0 ? withBatch(g, x, other, 1) : x;
  };
  return g.matmul(joined(n.x, bx, by), joined(n.y, by, bx));
}

/** Only the factor may lack batch axes. */
export function batchedTriangularSolve(cx: BatchContext, n: NodeOf<"triangular_solve">): Node {
  const { g, at, all, isBatched } = cx;
  const [bl, bb] = [ownBatch(n.l), ownBatch(n.b)];
  if (!isBatched(n.l) && bl.length === 0) return g.triangularSolve(at(n.l), at(n.b), n.transposed);
  const l = bl.length === 0 ? withBatch(g, all(n.l), bb, 1) : all(n.l);
  return g.triangularSolve(l, all(n.b), n.transposed);
}
