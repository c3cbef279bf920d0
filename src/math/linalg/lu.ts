import { identity } from "./matmul.js";

/** P A = L U of an n × n matrix, L (unit diagonal) and U packed in `factors`. */
export interface LuFactors {
  /** U on and above the diagonal, L below it, row-major. */
  readonly factors: Float64Array;
  /** Row `rows[i]` of A is row i of P A. */
  readonly rows: Int32Array;
  /** +1 or -1: the determinant of P. */
  readonly sign: number;
  /** True where a pivot is zero or not finite: A has no inverse in floating point. */
  readonly singular: boolean;
}

/**
 * LU factors with partial pivoting (Golub and Van Loan, 4th ed., algorithm 3.4.1). Never fails;
 * `singular` says whether the factors can solve.
 */
export function luFactor(a: Float64Array, n: number): LuFactors {
  const u = Float64Array.from(a);
  const rows = Int32Array.from({ length: n }, (_, i) => i);
  let sign = 1;
  let singular = false;
  for (let k = 0; k < n; k++) {
    let pivotRow = k;
    for (let i = k + 1; i < n; i++) {
      if (Math.abs(u[i * n + k]) > Math.abs(u[pivotRow * n + k])) pivotRow = i;
    }
    if (pivotRow !== k) {
      for (let j = 0; j < n; j++) {
        const swap = u[k * n + j];
        u[k * n + j] = u[pivotRow * n + j];
        u[pivotRow * n + j] = swap;
      }
      const swap = rows[k];
      rows[k] = rows[pivotRow];
      rows[pivotRow] = swap;
      sign = -sign;
    }
    const pivot = u[k * n + k];
    if (pivot === 0 || !Number.isFinite(pivot)) {
      singular = true;
      continue;
    }
    for (let i = k + 1; i < n; i++) {
      const factor = u[i * n + k] / pivot;
      u[i * n + k] = factor;
      for (let j = k + 1; j < n; j++) u[i * n + j] -= factor * u[k * n + j];
    }
  }
  return { factors: u, rows, sign, singular };
}

/** Solves A X = B from the factors of A; B and the result are n × columns. */
export function luSolve(lu: LuFactors, b: Float64Array, n: number, columns = 1): Float64Array {
  const { factors, rows } = lu;
  const x = new Float64Array(n * columns);
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < n; i++) {
      let sum = b[rows[i] * columns + c];
      for (let j = 0; j < i; j++) sum -= factors[i * n + j] * x[j * columns + c];
      x[i * columns + c] = sum;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = x[i * columns + c];
      for (let j = i + 1; j < n; j++) sum -= factors[i * n + j] * x[j * columns + c];
      x[i * columns + c] = sum / factors[i * n + i];
    }
  }
  return x;
}

/**
 * X with A X = B for a general n × n matrix A; B and X are n × columns. Undefined where A is
 * singular in floating point.
 */
export function solve(
  a: Float64Array,
  b: Float64Array,
  n: number,
  columns = 1,
): Float64Array | undefined {
  const lu = luFactor(a, n);
  return lu.singular ? undefined : luSolve(lu, b, n, columns);
}

/** A⁻¹ of a general n × n matrix, or undefined where A is singular in floating point. */
export function inverse(a: Float64Array, n: number): Float64Array | undefined {
  return solve(a, identity(n), n, n);
}

/**
 * log |det A| and the sign of det A for a general n × n matrix. A singular matrix gives
 * `{ sign: 0, logAbs: -Infinity }`; the empty matrix has determinant 1.
 */
export function logDeterminant(
  a: Float64Array,
  n: number,
): { readonly sign: number; readonly logAbs: number } {
  const lu = luFactor(a, n);
  let sign = lu.sign;
  let logAbs = 0;
  for (let i = 0; i < n; i++) {
    const pivot = lu.factors[i * n + i];
    if (pivot === 0) return { sign: 0, logAbs: -Infinity };
    sign *= Math.sign(pivot);
    logAbs += Math.log(Math.abs(pivot));
  }
  return { sign, logAbs };
}
