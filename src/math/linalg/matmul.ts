/**
 * Products and transposes of dense matrices. Everywhere in this folder a matrix of m rows and n
 * columns is a row-major `Float64Array` of length m·n: element (i, j) sits at i·n + j.
 */

/** C = A B for A of m × k and B of k × n; returns a new m × n matrix. */
export function matmul(
  a: Float64Array,
  b: Float64Array,
  m: number,
  k: number,
  n: number,
): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const ail = a[i * k + l];
      for (let j = 0; j < n; j++) c[i * n + j] += ail * b[l * n + j];
    }
  }
  return c;
}

/** y = A x for A of m × n and x of length n; returns a new vector of length m. */
export function matvec(a: Float64Array, x: Float64Array, m: number, n: number): Float64Array {
  return matmul(a, x, m, n, 1);
}

/** Aᵀ (n × m) of A (m × n), as a new matrix. */
export function transpose(a: Float64Array, m: number, n: number): Float64Array {
  const t = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) t[j * m + i] = a[i * n + j];
  return t;
}

/** The n × n identity. */
export function identity(n: number): Float64Array {
  const e = new Float64Array(n * n);
  for (let i = 0; i < n; i++) e[i * n + i] = 1;
  return e;
}
