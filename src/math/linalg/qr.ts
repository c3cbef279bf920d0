/** The least-squares solution of an overdetermined system. */
export interface LeastSquares {
  /** n × columns. */
  readonly solution: Float64Array;
  /** ‖b - A x‖² of each column of the right-hand side. */
  readonly residualSumOfSquares: Float64Array;
}

/** R of A = Q R and QᵀB, both from one sweep of Householder reflections. */
export interface QrReduction {
  /** min(m, n) × n, upper triangular (trapezoidal for m < n), diagonal ≥ 0. */
  readonly r: Float64Array;
  /** m × columns: QᵀB. Rows from min(m, n) on hold the part of B outside the range of A. */
  readonly qtb: Float64Array;
}

/**
 * Reduces [A | B] by Householder reflections: A (m × n) to R, B (m × columns) to QᵀB, without
 * forming Q. Signs are fixed so that the diagonal of R is not negative, which makes R unique for
 * A of full rank. Source: Golub and Van Loan (4th ed.), algorithms 5.1.1 and 5.2.1.
 */
export function qrReduce(
  a: Float64Array,
  b: Float64Array,
  m: number,
  n: number,
  columns: number,
): QrReduction {
  const work = Float64Array.from(a);
  const qtb = Float64Array.from(b);
  const rank = Math.min(m, n);
  const v = new Float64Array(m);
  for (let k = 0; k < rank; k++) {
    let scale = 0;
    for (let i = k; i < m; i++) scale = Math.max(scale, Math.abs(work[i * n + k]));
    if (scale === 0) continue;
    let norm2 = 0;
    for (let i = k; i < m; i++) {
      v[i] = work[i * n + k] / scale;
      norm2 += v[i] * v[i];
    }
    const norm = Math.sqrt(norm2);
    // Adding with the sign of the pivot avoids cancellation.
    const head = v[k] + (v[k] >= 0 ? norm : -norm);
    const vtv = norm2 - v[k] * v[k] + head * head;
    v[k] = head;
    reflect(work, v, vtv, k, m, n, k);
    reflect(qtb, v, vtv, k, m, columns, 0);
    for (let i = k + 1; i < m; i++) work[i * n + k] = 0;
  }
  const r = work.slice(0, rank * n);
  for (let k = 0; k < rank; k++) {
    if (r[k * n + k] >= 0) continue;
    for (let j = k; j < n; j++) r[k * n + j] = -r[k * n + j];
    for (let c = 0; c < columns; c++) qtb[k * columns + c] = -qtb[k * columns + c];
  }
  return { r, qtb };
}

/** X ← (I - 2 v vᵀ / vᵀv) X on rows k.. and columns from.. of an m × n matrix. */
function reflect(
  x: Float64Array,
  v: Float64Array,
  vtv: number,
  k: number,
  m: number,
  n: number,
  from: number,
): void {
  for (let j = from; j < n; j++) {
    let dot = 0;
    for (let i = k; i < m; i++) dot += v[i] * x[i * n + j];
    const factor = (2 * dot) / vtv;
    for (let i = k; i < m; i++) x[i * n + j] -= factor * v[i];
  }
}

/** R (min(m, n) × n, diagonal ≥ 0) of the QR factorisation of A (m × n). */
export function qrR(a: Float64Array, m: number, n: number): Float64Array {
  return qrReduce(a, new Float64Array(0), m, n, 0).r;
}

/**
 * Minimises ‖B - A X‖ column by column for A of m × n, m ≥ n, B of m × columns. Undefined where A
 * is rank deficient: a diagonal entry of R below 2⁻⁵² · max(m, n) times the largest, the usual
 * threshold, or m < n.
 */
export function leastSquares(
  a: Float64Array,
  b: Float64Array,
  m: number,
  n: number,
  columns = 1,
): LeastSquares | undefined {
  if (m < n) return undefined;
  const { r, qtb } = qrReduce(a, b, m, n, columns);
  let largest = 0;
  for (let k = 0; k < n; k++) largest = Math.max(largest, r[k * n + k]);
  const threshold = largest * Number.EPSILON * Math.max(m, n);
  const solution = qtb.slice(0, n * columns);
  for (let i = n - 1; i >= 0; i--) {
    if (!(r[i * n + i] > threshold)) return undefined;
    for (let c = 0; c < columns; c++) {
      let sum = solution[i * columns + c];
      for (let j = i + 1; j < n; j++) sum -= r[i * n + j] * solution[j * columns + c];
      solution[i * columns + c] = sum / r[i * n + i];
    }
  }
  const residualSumOfSquares = new Float64Array(columns);
  for (let i = n; i < m; i++) {
    for (let c = 0; c < columns; c++) residualSumOfSquares[c] += qtb[i * columns + c] ** 2;
  }
  return { solution, residualSumOfSquares };
}
