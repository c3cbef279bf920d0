/**
 * Adjoints of the matrix operations. Sources: Giles, "Collected matrix derivative results for
 * forward and reverse mode algorithmic differentiation" (2008); for the Cholesky factor Murray,
 * "Differentiation of the Cholesky decomposition" (2016), equations 8 to 10.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { VjpRule } from "./contract.js";

export const linalgVjps: {
  readonly [K in "matmul" | "cholesky" | "triangular_solve" | "solve" | "log_abs_det"]: VjpRule<K>;
} = {
  matmul: (a, n, dy) => {
    const { g } = a;
    if (a.wants(n.x)) a.add(n.x, unbatch(g, g.matmul(dy, g.transpose(n.y)), n.x));
    if (a.wants(n.y)) a.add(n.y, unbatch(g, g.matmul(g.transpose(n.x), dy), n.y));
  },
  cholesky: (a, n, dy) => {
    const { g } = a;
    // S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹. Only the lower triangle of A is read, so the adjoint is Φ(S + Sᵀ), Φ
    // the lower triangle with the diagonal halved.
    const inner = lowerPart(g, g.matmul(g.transpose(n), dy), 0.5);
    const left = g.triangularSolve(n, inner, true);
    const s = g.transpose(g.triangularSolve(n, g.transpose(left), true));
    a.add(n.x, lowerPart(g, g.add(s, g.transpose(s)), 0.5));
  },
  triangular_solve: (a, n, dy) => {
    const { g } = a;
    const db = g.triangularSolve(n.l, dy, !n.transposed);
    if (a.wants(n.b)) a.add(n.b, db);
    if (!a.wants(n.l)) return;
    const outer = n.transposed ? g.matmul(n, g.transpose(db)) : g.matmul(db, g.transpose(n));
    a.add(n.l, unbatch(g, lowerPart(g, g.neg(outer), 1), n.l));
  },
  solve: (a, n, dy) => {
    const { g } = a;
    const db = g.solve(g.transpose(n.a), dy);
    if (a.wants(n.b)) a.add(n.b, db);
    if (a.wants(n.a)) a.add(n.a, g.neg(g.matmul(db, g.transpose(n))));
  },
  log_abs_det: (a, n, dy) => {
    const { g } = a;
    const rank = n.x.shape.length;
    const size = n.x.shape[rank - 1];
    const identity = g.broadcast(triangle(g, size, 1, false), n.x.shape, [rank - 2, rank - 1]);
    const inverse = g.solve(g.transpose(n.x), identity);
    a.add(n.x, g.mul(inverse, g.unreduce(dy, n.x, [rank - 2, rank - 1])));
  },
};

/** Sums over the batch axes that the operand does not have. */
function unbatch(g: GraphBuilder, adjoint: Node, operand: Node): Node {
  const extra = adjoint.shape.length - operand.shape.length;
  return g.sum(
    adjoint,
    Array.from({ length: extra }, (_, k) => k),
  );
}

/** The n × n mask of the diagonal (value `diagonal`) and of what is below it (1, or 0). */
function triangle(g: GraphBuilder, n: number, diagonal: number, below: boolean): Node {
  const mask = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    if (below) mask.fill(1, i * n, i * n + i);
    mask[i * n + i] = diagonal;
  }
  return g.constant(mask, [n, n]);
}

/**
 * The lower triangle with its diagonal scaled. By select, not by a product: what is above the
 * diagonal may be infinite or NaN.
 */
function lowerPart(g: GraphBuilder, x: Node, diagonal: number): Node {
  const rank = x.shape.length;
  const axes = [rank - 2, rank - 1];
  const mask = g.broadcast(triangle(g, x.shape[rank - 1], diagonal, true), x.shape, axes);
  const scaled = diagonal === 1 ? x : g.mul(x, mask);
  return g.select(g.gt(mask, 0), scaled, 0);
}
