/**
 * Matrix products, factors and solutions. TensorFlow ends the whole run at a matrix that is not
 * invertible; here such a matrix is replaced by the unit matrix, and its result by NaN.
 */
import type { Node, Op } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { cast, typed } from "../graph/maths.js";
import type { Tensor } from "../graph/scope.js";
import { boolAttr, typeAttr } from "../graph/types.js";
import type { Block, NodeRule } from "./block.js";
import { reshape } from "./value.js";

/** A matrix operand, read across where it is a transpose that no one else needs. */
interface Operand {
  readonly tensor: Tensor;
  readonly isAcross: boolean;
}

function operand(b: Block, x: Node): Operand {
  if (x.op === "transpose") {
    const rank = x.perm.length;
    const swapsLast = x.perm.every(
      (k, i) => k === (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i),
    );
    if (swapsLast) return { tensor: b.full(x.x), isAcross: true };
  }
  return { tensor: b.full(x), isAcross: false };
}

/** The unit matrix of a size. */
function unit(b: Block, size: number): Tensor {
  const data = Float64Array.from({ length: size * size }, (_, k) => (k % (size + 1) === 0 ? 1 : 0));
  return b.scope.constant(b.type, data, [size, size]);
}

/** `[…b]` as `[…b, 1, 1]`. */
function overMatrices(t: Tensor, batch: readonly number[]): Tensor {
  return reshape(t, [...batch, 1, 1]);
}

/** Whether all of the diagonal of `[…b, n, n]` is finite and not 0: `[…b]`. */
function hasUsableDiagonal(b: Block, matrix: Tensor, rank: number): Tensor {
  const diagonal = b.op("MatrixDiagPart", [matrix], b.type, { attrs: typed(b.type) });
  const finite = b.op("IsFinite", [diagonal], "bool", { attrs: typed(b.type) });
  const isSome = b.maths.compare("NotEqual", diagonal, 0);
  const each = b.maths.logical("LogicalAnd", finite, isSome);
  return b.op("All", [each, b.scope.ints([rank - 2])], "bool", {
    attrs: { Tidx: typeAttr("int32"), keep_dims: boolAttr(false) },
  });
}

/** `solve(matrix)` where `ok` of `[…b]`, else NaN. */
function guarded(
  b: Block,
  matrix: Tensor,
  ok: Tensor,
  batch: readonly number[],
  size: number,
  solve: (matrix: Tensor) => Tensor,
): Tensor {
  const where = overMatrices(ok, batch);
  const safe = b.maths.call2("SelectV2", [where, matrix, unit(b, size)]);
  return b.maths.call2("SelectV2", [where, solve(safe), b.maths.lift(Number.NaN)]);
}

export const linalgRules: {
  readonly [K in Extract<
    Op,
    "matmul" | "cholesky" | "triangular_solve" | "solve" | "log_abs_det"
  >]: NodeRule<K>;
} = {
  matmul: (b, n) => {
    // In single precision if asked: what no loop changes is rounded before it, sums go on in single.
    const type = b.products;
    const [x, y] = [operand(b, n.x), operand(b, n.y)];
    const [left, right] = [cast(x.tensor, type), cast(y.tensor, type)];
    if (n.y.shape.length > 2) {
      const attrs = { ...typed(type), adj_x: boolAttr(x.isAcross), adj_y: boolAttr(y.isAcross) };
      return b.value(n, cast(b.op("BatchMatMulV2", [left, right], type, { attrs }), b.type));
    }
    // One product of all rows where the right operand has no batch.
    const isBatched = n.x.shape.length > 2;
    const k = n.x.shape[n.x.shape.length - 1];
    const rows = sizeOf(n.x.shape.slice(0, -1));
    const all = isBatched ? reshape(b.scope.bring(cast(b.full(n.x), type)), [rows, k]) : left;
    const attrs = {
      ...typed(type),
      transpose_a: boolAttr(!isBatched && x.isAcross),
      transpose_b: boolAttr(y.isAcross),
    };
    const product = cast(b.op("MatMul", [all, right], type, { attrs }), b.type);
    return b.value(n, isBatched ? reshape(product, n.shape) : product);
  },
  cholesky: (b, n) => {
    const l = b.op("Cholesky", [b.full(n.x)], b.type, { attrs: typed(b.type) });
    // Where there is no factor, what lies above the diagonal was never written.
    const where = overMatrices(hasUsableDiagonal(b, l, n.shape.length), n.shape.slice(0, -2));
    return b.value(n, b.maths.call2("SelectV2", [where, l, b.maths.lift(Number.NaN)]));
  },
  triangular_solve: (b, n) => {
    const [size] = n.l.shape.slice(-1);
    const batch = n.l.shape.slice(0, -2);
    const l = b.full(n.l);
    const ok = hasUsableDiagonal(b, l, n.l.shape.length);
    const rhs = b.full(n.b);
    const solution = guarded(b, l, ok, batch, size, (safe) =>
      b.op("MatrixTriangularSolve", [safe, rhs], b.type, {
        attrs: { ...typed(b.type), lower: boolAttr(true), adjoint: boolAttr(n.transposed) },
      }),
    );
    return b.value(n, solution);
  },
  solve: (b, n) => {
    const [size] = n.a.shape.slice(-1);
    const batch = n.a.shape.slice(0, -2);
    const a = b.full(n.a);
    const determinant = b.scope.ops("LogMatrixDeterminant", [a], [b.type, b.type], {
      attrs: typed(b.type),
    })[1];
    const ok = b.op("IsFinite", [determinant], "bool", { attrs: typed(b.type) });
    const rhs = b.full(n.b);
    const solution = guarded(b, a, ok, batch, size, (safe) =>
      b.op("MatrixSolve", [safe, rhs], b.type, {
        attrs: { ...typed(b.type), adjoint: boolAttr(false) },
      }),
    );
    return b.value(n, solution);
  },
  log_abs_det: (b, n) => {
    const results = b.scope.ops("LogMatrixDeterminant", [b.full(n.x)], [b.type, b.type], {
      attrs: typed(b.type),
    });
    return b.value(n, results[1]);
  },
};
