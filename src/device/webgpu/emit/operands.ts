/** How the factors of a product are read. */
import type { MatmulNode, Node } from "../../../tensor/ops.js";
import type { Coordinates, Ix } from "./indices.js";

/** Whether a matrix is a transposed view, so that neighbours in memory are in one column. */
export function runsAlongRows(x: Node): boolean {
  if (x.op === "transpose") return x.perm[x.perm.length - 1] !== x.perm.length - 1;
  if (x.op === "unary" || x.op === "binary") return runsAlongRows(x.x);
  return false;
}

/** Coordinates of the factors of one term of a product. */
export function matrixOperands(
  node: MatmulNode,
  batch: Coordinates,
  row: Ix,
  k: Ix,
  column: Ix,
): readonly [Coordinates, Coordinates] {
  const own = (x: Node): Coordinates => (x.shape.length === 2 ? [] : batch);
  return [
    [...own(node.x), row, k],
    [...own(node.y), k, column],
  ];
}
