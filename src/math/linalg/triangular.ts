/**
 * Which triangular system to solve with the stored matrix T. "lower" and "upper" name the triangle
 * that is read; the transposed ones solve with Tᵀ.
 */
export type Triangle = "lower" | "lower-transposed" | "upper" | "upper-transposed";

/**
 * Solves op(T) X = B by substitution for an n × n triangular T; B and the result (new) are
 * n × columns. The other triangle of T is never read. A zero on the diagonal gives infinities or
 * NaN, as division does: callers that may meet one test the diagonal first.
 */
export function triangularSolve(
  t: Float64Array,
  b: Float64Array,
  n: number,
  columns: number,
  triangle: Triangle,
): Float64Array {
  const x = Float64Array.from(b);
  const transposed = triangle === "lower-transposed" || triangle === "upper-transposed";
  const forward = triangle === "lower" || triangle === "upper-transposed";
  const rowStride = transposed ? 1 : n;
  const columnStride = transposed ? n : 1;
  for (let step = 0; step < n; step++) {
    const i = forward ? step : n - 1 - step;
    for (let done = 0; done < step; done++) {
      const j = forward ? done : n - 1 - done;
      const tij = t[i * rowStride + j * columnStride];
      for (let c = 0; c < columns; c++) x[i * columns + c] -= tij * x[j * columns + c];
    }
    const pivot = t[i * n + i];
    for (let c = 0; c < columns; c++) x[i * columns + c] /= pivot;
  }
  return x;
}
