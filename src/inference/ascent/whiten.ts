/**
 * Data statistics in single precision. Tables are L · R with a known row of L for each item; where
 * columns of L nearly depend on each other (x² and x of data far from 0 beside their spread), the
 * product is a small difference of large numbers. With L = L′ T and orthonormal columns of L′ it is
 * L′ · (T R), whose large numbers meet in T R, on the host in f64; sums Lᵀ c are Tᵀ (L′ᵀ c) likewise.
 * T is the triangular factor of some of the rows (modified Gram–Schmidt with a second pass: Golub and
 * Van Loan, Matrix Computations, 4th ed., § 5.2.9).
 */

export interface Whitened {
  /** L′, `[rows, width]`. */
  readonly data: Float64Array;
  /** T, upper triangular `[width, width]`. */
  readonly factor: Float64Array;
}

/** Rows that T is taken from, at least. */
const SAMPLE = 512;
/** Columns of which at least this part is new need no change. */
const INDEPENDENT = 0.03;
/** What is left of a column that depends on others is rounding. */
const DEPENDENT = 1e-11;

/** Undefined where the columns are far enough apart as they are. */
export function whitened(data: Float64Array, rows: number, width: number): Whitened | undefined {
  const found = triangularFactor(data, rows, width);
  if (found === undefined) return undefined;
  const t = found;
  const out = new Float64Array(rows * width);
  // L′ T = L, row by row.
  for (let i = 0; i < rows; i++) {
    const at = i * width;
    for (let j = 0; j < width; j++) {
      let sum = data[at + j];
      for (let k = 0; k < j; k++) sum -= out[at + k] * t[k * width + j];
      out[at + j] = sum / t[j * width + j];
    }
  }
  return { data: out, factor: t };
}

function triangularFactor(
  data: Float64Array,
  rows: number,
  width: number,
): Float64Array | undefined {
  const count = Math.min(rows, Math.max(SAMPLE, 4 * width));
  const factor = new Float64Array(width * width);
  /** Orthonormal columns so far; undefined where a column added nothing. */
  const basis: (Float64Array | undefined)[] = [];
  let least = 1;
  for (let j = 0; j < width; j++) {
    const own = Float64Array.from({ length: count }, (_, s) => {
      return data[Math.floor((s * rows) / count) * width + j];
    });
    const size = norm(own);
    const row = new Float64Array(j);
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < j; k++) {
        const q = basis[k];
        if (q === undefined) continue;
        let dot = 0;
        for (let s = 0; s < count; s++) dot += q[s] * own[s];
        for (let s = 0; s < count; s++) own[s] -= dot * q[s];
        row[k] += dot;
      }
    }
    const left = norm(own);
    const scale = Math.sqrt(count);
    if (left > DEPENDENT * size) {
      least = Math.min(least, left / size);
      for (let k = 0; k < j; k++) factor[k * width + j] = row[k] / scale;
      factor[j * width + j] = left / scale;
      basis.push(own.map((v) => v / left));
    } else {
      // It keeps its own values: other rows may tell it apart.
      factor[j * width + j] = size > 0 ? size / scale : 1;
      basis.push(undefined);
    }
  }
  return least < INDEPENDENT ? factor : undefined;
}

function norm(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
}
