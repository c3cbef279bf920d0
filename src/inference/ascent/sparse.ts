/**
 * Sparse Cholesky factors of one fixed pattern, and the entries of the inverse on that pattern: a
 * chain of T steps costs O(T), where it is the Kalman smoother in another order.
 */

/** The pattern of a factor L of P A Pᵀ, column by column, the diagonal first in each. */
export interface SparsePattern {
  readonly size: number;
  /** `order[k]`: the row of A that is eliminated k-th; and its inverse. */
  readonly order: Int32Array;
  readonly position: Int32Array;
  readonly columnStart: Int32Array;
  /** Increasing in each column. */
  readonly rows: Int32Array;
}

/**
 * An order by minimum degree with its fill (Tinney & Walker 1967, scheme 2; George & Liu 1981,
 * chapter 5). `first[k]`, `second[k]` are the positions of entries of A.
 * @param limit on the entries of L; undefined is given where there would be more
 */
export function sparsePattern(
  size: number,
  first: Int32Array,
  second: Int32Array,
  limit: number,
): SparsePattern | undefined {
  const neighbours = Array.from({ length: size }, () => new Set<number>());
  for (let k = 0; k < first.length; k++) {
    if (first[k] === second[k]) continue;
    neighbours[first[k]].add(second[k]);
    neighbours[second[k]].add(first[k]);
  }
  const buckets = new DegreeQueue(size, (v) => neighbours[v].size);
  const order = new Int32Array(size);
  const position = new Int32Array(size);
  const columns: number[][] = [];
  let entries = 0;
  for (let k = 0; k < size; k++) {
    const v = buckets.least();
    order[k] = v;
    position[v] = k;
    const others = [...neighbours[v]];
    columns.push(others);
    entries += others.length + 1;
    if (entries > limit) return undefined;
    for (const u of others) {
      neighbours[u].delete(v);
      for (const w of others) if (w !== u) neighbours[u].add(w);
    }
    for (const u of others) buckets.move(u);
  }
  const columnStart = new Int32Array(size + 1);
  const rows = new Int32Array(entries);
  let at = 0;
  columns.forEach((others, k) => {
    rows[at++] = k;
    const below = others.map((u) => position[u]).sort((a, b) => a - b);
    for (const r of below) rows[at++] = r;
    columnStart[k + 1] = at;
  });
  return { size, order, position, columnStart, rows };
}

/** Vertices by degree, the least first; of equal ones that which was put in last. */
class DegreeQueue {
  readonly #lists: number[][] = [];
  readonly #degree: (v: number) => number;
  readonly #done: Uint8Array;
  #least = 0;

  constructor(size: number, degree: (v: number) => number) {
    this.#degree = degree;
    this.#done = new Uint8Array(size);
    for (let v = size - 1; v >= 0; v--) this.move(v);
  }

  /** Enters a vertex under its present degree; older entries are skipped when they come up. */
  move(v: number): void {
    const d = this.#degree(v);
    while (this.#lists.length <= d) this.#lists.push([]);
    this.#lists[d].push(v);
    if (d < this.#least) this.#least = d;
  }

  least(): number {
    for (;;) {
      const v = this.#lists[this.#least].pop();
      if (v === undefined) this.#least++;
      else if (this.#done[v] === 0 && this.#degree(v) === this.#least) {
        this.#done[v] = 1;
        return v;
      }
    }
  }
}

/** Where entry (i, j) of A stands among those of L; −1 where it is in no column. */
export function entryOf(pattern: SparsePattern, i: number, j: number): number {
  const [a, b] = [pattern.position[i], pattern.position[j]];
  const [column, row] = a < b ? [a, b] : [b, a];
  let low = pattern.columnStart[column];
  let high = pattern.columnStart[column + 1] - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (pattern.rows[middle] === row) return middle;
    if (pattern.rows[middle] < row) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Numbers on one pattern: A in, L out, by columns from the left (Davis 2006, section 4.4). */
export class SparseCholesky {
  readonly pattern: SparsePattern;
  readonly l: Float64Array;
  readonly #work: Float64Array;
  readonly #head: Int32Array;
  readonly #next: Int32Array;
  readonly #first: Int32Array;

  constructor(pattern: SparsePattern) {
    this.pattern = pattern;
    this.l = new Float64Array(pattern.rows.length);
    this.#work = new Float64Array(pattern.size);
    this.#head = new Int32Array(pattern.size);
    this.#next = new Int32Array(pattern.size);
    this.#first = new Int32Array(pattern.size);
  }

  /** Replaces the entries of A in `l` by those of L; false where A is not positive definite. */
  factor(): boolean {
    const { size, columnStart, rows } = this.pattern;
    const { l } = this;
    const work = this.#work;
    const head = this.#head.fill(-1);
    const next = this.#next;
    const first = this.#first;
    /** Puts column k in the list of the row of its entry at p. */
    const enter = (k: number, p: number): void => {
      first[k] = p;
      if (p >= columnStart[k + 1]) return;
      next[k] = head[rows[p]];
      head[rows[p]] = k;
    };
    for (let j = 0; j < size; j++) {
      const [start, end] = [columnStart[j], columnStart[j + 1]];
      for (let p = start; p < end; p++) work[rows[p]] = l[p];
      for (let k = head[j]; k >= 0; ) {
        const after = next[k];
        const from = first[k];
        const factor = l[from];
        for (let p = from; p < columnStart[k + 1]; p++) work[rows[p]] -= l[p] * factor;
        enter(k, from + 1);
        k = after;
      }
      const pivot = work[j];
      // Written so that NaN fails.
      if (!(pivot > 0 && pivot < Infinity)) return false;
      const root = Math.sqrt(pivot);
      l[start] = root;
      for (let p = start + 1; p < end; p++) l[p] = work[rows[p]] / root;
      enter(j, start + 1);
    }
    return true;
  }

  /** log |A|. */
  logDeterminant(): number {
    const { size, columnStart } = this.pattern;
    let sum = 0;
    for (let j = 0; j < size; j++) sum += Math.log(this.l[columnStart[j]]);
    return 2 * sum;
  }

  /** Solves L x = b in place, in the order of elimination. */
  forward(b: Float64Array): void {
    const { size, columnStart, rows } = this.pattern;
    for (let j = 0; j < size; j++) {
      b[j] /= this.l[columnStart[j]];
      const x = b[j];
      for (let p = columnStart[j] + 1; p < columnStart[j + 1]; p++) b[rows[p]] -= this.l[p] * x;
    }
  }

  /** Solves Lᵀ x = b in place. */
  backward(b: Float64Array): void {
    const { size, columnStart, rows } = this.pattern;
    for (let j = size - 1; j >= 0; j--) {
      let x = b[j];
      for (let p = columnStart[j] + 1; p < columnStart[j + 1]; p++) x -= this.l[p] * b[rows[p]];
      b[j] = x / this.l[columnStart[j]];
    }
  }

  /**
   * The entries of A⁻¹ on the pattern, in the layout of `l` (Takahashi, Fagan & Chin 1973):
   * column by column from the last, A⁻¹ L = L⁻ᵀ read below and on the diagonal.
   */
  selectedInverse(z: Float64Array): void {
    const { size, columnStart, rows } = this.pattern;
    const { l } = this;
    /** By row: the entry of column j of L, and the sum that becomes the entry of the inverse. */
    const own = this.#work;
    const sums = new Float64Array(size);
    /** By row: the last column that has it. */
    const column = new Int32Array(size).fill(-1);
    for (let j = size - 1; j >= 0; j--) {
      const [start, end] = [columnStart[j], columnStart[j + 1]];
      const root = l[start];
      for (let p = start + 1; p < end; p++) {
        own[rows[p]] = l[p];
        sums[rows[p]] = 0;
        column[rows[p]] = j;
      }
      for (let p = start + 1; p < end; p++) {
        const k = rows[p];
        const [from, to] = [columnStart[k], columnStart[k + 1]];
        sums[k] += z[from] * l[p];
        for (let q = from + 1; q < to; q++) {
          const i = rows[q];
          // Rows of column k that column j lacks have no entry in either product.
          if (column[i] !== j) continue;
          sums[i] += z[q] * l[p];
          sums[k] += z[q] * own[i];
        }
      }
      let diagonal = 1 / root;
      for (let p = start + 1; p < end; p++) {
        z[p] = -sums[rows[p]] / root;
        diagonal -= l[p] * z[p];
      }
      z[start] = diagonal / root;
    }
  }
}
