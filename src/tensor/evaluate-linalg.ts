/** Reference values of the matrix operations: the host's linear algebra, one batch at a time. */
import { cholesky, logDeterminant, matmul, solve, triangularSolve } from "../math/linalg/index.js";
import type { Node, Shape } from "./ops.js";
import { sizeOf } from "./shape-rules.js";
import type { ValueRule, Values } from "./values.js";

/** Matrix b of the values of `n`; the only one where `n` has no batch axes. */
function matrix(n: Node, values: Values, b: number): Values {
  const [rows, columns] = n.shape.slice(-2);
  const start = n.shape.length === 2 ? 0 : b * rows * columns;
  return values.subarray(start, start + rows * columns);
}

/** Fills `[…batch, size]` with the results of `f`, one block of `size` values per batch index. */
function batched(batch: Shape, size: number, f: (b: number) => ArrayLike<number>): Values {
  const count = sizeOf(batch);
  const out = new Float64Array(count * size);
  for (let b = 0; b < count; b++) out.set(f(b), b * size);
  return out;
}

function filled(size: number, value: number): Values {
  return new Float64Array(size).fill(value);
}

export const linalgValueRules: {
  readonly [K in
    | "matmul"
    | "cholesky"
    | "triangular_solve"
    | "solve"
    | "log_abs_det"]: ValueRule<K>;
} = {
  matmul: (n, at) => {
    const [m, k] = n.x.shape.slice(-2);
    const p = n.shape[n.shape.length - 1];
    const x = at(n.x);
    const y = at(n.y);
    return batched(n.shape.slice(0, -2), m * p, (b) =>
      matmul(matrix(n.x, x, b), matrix(n.y, y, b), m, k, p),
    );
  },
  cholesky: (n, at) => {
    const size = n.shape[n.shape.length - 1];
    const x = at(n.x);
    return batched(
      n.shape.slice(0, -2),
      size * size,
      (b) => cholesky(matrix(n.x, x, b), size) ?? filled(size * size, NaN),
    );
  },
  triangular_solve: (n, at) => {
    const [size, columns] = n.shape.slice(-2);
    const l = at(n.l);
    const rhs = at(n.b);
    const triangle = n.transposed ? "lower-transposed" : "lower";
    return batched(n.shape.slice(0, -2), size * columns, (b) =>
      triangularSolve(matrix(n.l, l, b), matrix(n.b, rhs, b), size, columns, triangle),
    );
  },
  solve: (n, at) => {
    const [size, columns] = n.shape.slice(-2);
    const a = at(n.a);
    const rhs = at(n.b);
    return batched(
      n.shape.slice(0, -2),
      size * columns,
      (b) =>
        solve(matrix(n.a, a, b), matrix(n.b, rhs, b), size, columns) ?? filled(size * columns, NaN),
    );
  },
  log_abs_det: (n, at) => {
    const size = n.x.shape[n.x.shape.length - 1];
    const x = at(n.x);
    return batched(n.shape, 1, (b) => [logDeterminant(matrix(n.x, x, b), size).logAbs]);
  },
};
