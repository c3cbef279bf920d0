import { internalError } from "../../base/internal.js";
import { identity } from "./matmul.js";

/** Eigenvalues and eigenvectors of a symmetric matrix. */
export interface SymmetricEigen {
  /** Ascending, length n. */
  readonly values: Float64Array;
  /** n × n; column j is the unit eigenvector of `values[j]`, its largest entry positive. */
  readonly vectors: Float64Array;
}

const MAX_SWEEPS = 60;

/**
 * All eigenvalues and eigenvectors of a symmetric n × n matrix, by cyclic Jacobi rotations (Golub
 * and Van Loan, 4th ed., section 8.5; the stable rotation of Rutishauser 1966). Reads the lower
 * triangle. Jacobi is slower than QL for large n but simple, and accurate to the last digits for
 * the small matrices of this program. Entries must be finite.
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      if (!Number.isFinite(matrix[i * n + j])) internalError("eigenvalues of a non-finite matrix");
      a[i * n + j] = matrix[i * n + j];
      a[j * n + i] = matrix[i * n + j];
    }
  }
  const v = identity(n);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) rotated = rotate(a, v, n, p, q) || rotated;
    }
    if (!rotated) return sorted(a, v, n);
  }
  return internalError(`Jacobi eigenvalues did not converge in ${MAX_SWEEPS} sweeps`);
}

/** One rotation that zeroes a[p, q]; false where that entry is already negligible. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): boolean {
  const apq = a[p * n + q];
  const app = a[p * n + p];
  const aqq = a[q * n + q];
  // Negligible next to both diagonal entries keeps small eigenvalues accurate in relative terms
  // for positive definite matrices (Demmel and Veselic 1992).
  const threshold = Number.EPSILON * 0.25 * Math.sqrt(Math.abs(app)) * Math.sqrt(Math.abs(aqq));
  if (Math.abs(apq) <= threshold || apq === 0) {
    a[p * n + q] = 0;
    a[q * n + p] = 0;
    return false;
  }
  const theta = (aqq - app) / (2 * apq);
  const t =
    Math.abs(theta) > 1e150
      ? 0.5 / theta
      : (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const vkp = v[k * n + p];
    const vkq = v[k * n + q];
    v[k * n + p] = c * vkp - s * vkq;
    v[k * n + q] = s * vkp + c * vkq;
    if (k === p || k === q) continue;
    const akp = a[k * n + p];
    const akq = a[k * n + q];
    const newP = c * akp - s * akq;
    const newQ = s * akp + c * akq;
    a[k * n + p] = newP;
    a[p * n + k] = newP;
    a[k * n + q] = newQ;
    a[q * n + k] = newQ;
  }
  a[p * n + p] = app - t * apq;
  a[q * n + q] = aqq + t * apq;
  a[p * n + q] = 0;
  a[q * n + p] = 0;
  // A rotation too small to change either diagonal entry has done its work: no further sweep.
  return a[p * n + p] !== app || a[q * n + q] !== aqq;
}

function sorted(a: Float64Array, v: Float64Array, n: number): SymmetricEigen {
  const order = Array.from({ length: n }, (_, i) => i);
  order.sort((i, j) => a[i * n + i] - a[j * n + j]);
  const values = new Float64Array(n);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    values[to] = a[from * n + from];
    let largest = 0;
    for (let k = 0; k < n; k++) {
      if (Math.abs(v[k * n + from]) > Math.abs(v[largest * n + from])) largest = k;
    }
    const sign = v[largest * n + from] < 0 ? -1 : 1;
    for (let k = 0; k < n; k++) vectors[k * n + to] = sign * v[k * n + from];
  });
  return { values, vectors };
}
