import { identity } from "./matmul.js";
import { triangularSolve } from "./triangular.js";

/**
 * The lower Cholesky factor L of a symmetric n × n matrix: A = L Lᵀ, zeros above the diagonal.
 * Reads the lower triangle of A only. Returns undefined where a pivot is not a positive finite
 * number, that is where A is not positive definite in floating point. Source: Golub and Van Loan,
 * Matrix Computations (4th ed.), algorithm 4.2.2 by rows.
 */
export function cholesky(a: Float64Array, n: number): Float64Array | undefined {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      if (i !== j) {
        l[i * n + j] = sum / l[j * n + j];
        // The comparison is written so that NaN fails it.
      } else if (sum > 0 && sum < Infinity) {
        l[i * n + i] = Math.sqrt(sum);
      } else {
        return undefined;
      }
    }
  }
  return l;
}

/** Solves A X = B given the lower factor L of A = L Lᵀ; B and the result are n × columns. */
export function choleskySolve(
  l: Float64Array,
  b: Float64Array,
  n: number,
  columns = 1,
): Float64Array {
  const y = triangularSolve(l, b, n, columns, "lower");
  return triangularSolve(l, y, n, columns, "lower-transposed");
}

/** A⁻¹ (symmetric n × n) given the lower factor L of A = L Lᵀ. */
export function choleskyInverse(l: Float64Array, n: number): Float64Array {
  const inverse = choleskySolve(l, identity(n), n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const mean = (inverse[i * n + j] + inverse[j * n + i]) / 2;
      inverse[i * n + j] = mean;
      inverse[j * n + i] = mean;
    }
  }
  return inverse;
}

/** log det(A) given the lower factor L of A = L Lᵀ: twice the sum of log Lᵢᵢ. */
export function choleskyLogDeterminant(l: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.log(l[i * n + i]);
  return 2 * sum;
}
