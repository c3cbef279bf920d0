/**
 * Symmetric sparsity, worked out once for a pattern: an elimination order, the fill of the factor,
 * the operations of a Cholesky factorisation in their order, and probes from which the entries are
 * read. What a normal vector with a sparse precision costs to draw (Rue, "Fast sampling of Gaussian
 * Markov random fields", 2001) follows from it.
 */

/** Neighbours of each vertex, without itself. */
export type Pattern = readonly ReadonlySet<number>[];

/** L of P A Pᵀ = L Lᵀ by columns. */
export interface Factorisation {
  readonly size: number;
  /** `order[k]` is the vertex eliminated k-th. */
  readonly order: Int32Array;
  /** Column k holds entries `start[k]` to `start[k + 1] − 1`; the first is the diagonal. */
  readonly start: Int32Array;
  /** Row of each entry, as a place in the order; increasing in a column. */
  readonly rows: Int32Array;
  /**
   * Updates of the entries to the right of each column, column after column: for entries i ≤ j
   * below its diagonal, where L(j, i) stands.
   */
  readonly targets: Int32Array;
}

/** The plan, or undefined where it would take more than `limit` multiplications. */
export function factorise(pattern: Pattern, limit: number): Factorisation | undefined {
  const n = pattern.length;
  const left = pattern.map((s) => new Set(s));
  const done = new Uint8Array(n);
  const order = new Int32Array(n);
  const columns: number[][] = [];
  let work = 0;
  // Greedy minimum degree (George and Liu 1989); ties go to the first vertex.
  const byDegree = new DegreeQueue(left);
  for (let k = 0; k < n; k++) {
    const v = byDegree.take();
    order[k] = v;
    done[v] = 1;
    const column = [...left[v]];
    work += (column.length * (column.length + 1)) / 2;
    if (work > limit) return undefined;
    columns.push(column);
    for (const a of column) {
      left[a].delete(v);
      for (const b of column) if (a !== b) left[a].add(b);
    }
    for (const a of column) byDegree.put(a, left[a].size);
  }
  const place = new Int32Array(n);
  order.forEach((v, k) => {
    place[v] = k;
  });
  const start = new Int32Array(n + 1);
  const rows: number[] = [];
  const at: Map<number, number>[] = [];
  columns.forEach((column, k) => {
    start[k] = rows.length;
    const own = new Map<number, number>();
    for (const row of [k, ...column.map((v) => place[v]).sort((a, b) => a - b)]) {
      own.set(row, rows.length);
      rows.push(row);
    }
    at.push(own);
  });
  start[n] = rows.length;
  const targets: number[] = [];
  for (let k = 0; k < n; k++) {
    for (let i = start[k] + 1; i < start[k + 1]; i++) {
      for (let j = i; j < start[k + 1]; j++) targets.push(at[rows[i]].get(rows[j]) ?? -1);
    }
  }
  return {
    size: n,
    order,
    start,
    rows: Int32Array.from(rows),
    targets: Int32Array.from(targets),
  };
}

/** Vertices by degree. */
class DegreeQueue {
  readonly #buckets: Set<number>[] = [];
  readonly #degree: number[];
  #least = 0;

  constructor(sets: readonly ReadonlySet<number>[]) {
    this.#degree = sets.map(() => -1);
    sets.forEach((s, v) => {
      this.put(v, s.size);
    });
  }

  put(v: number, degree: number): void {
    if (this.#degree[v] >= 0) this.#buckets[this.#degree[v]].delete(v);
    while (this.#buckets.length <= degree) this.#buckets.push(new Set());
    this.#buckets[degree].add(v);
    this.#degree[v] = degree;
    this.#least = Math.min(this.#least, degree);
  }

  take(): number {
    while (this.#buckets[this.#least].size === 0) this.#least++;
    let v = Number.POSITIVE_INFINITY;
    for (const u of this.#buckets[this.#least]) v = Math.min(v, u);
    this.#buckets[this.#least].delete(v);
    this.#degree[v] = -1;
    return v;
  }
}

/**
 * Colours such that each entry A(i, j) can be read from the sum of the columns of one colour:
 * either j is alone of its colour among i and its neighbours, or i is among j and its. Coleman and
 * Moré, "Estimation of sparse Hessian matrices and graph coloring problems" (1984): no path of
 * four vertices has two colours. Vertices of high degree come first, so that a hub has its own colour.
 */
export function starColours(pattern: Pattern): Int32Array {
  const n = pattern.length;
  const colour = new Int32Array(n).fill(-1);
  const order = Array.from({ length: n }, (_, v) => v).sort(
    (a, b) => pattern[b].size - pattern[a].size || a - b,
  );
  for (const v of order) {
    const taken = new Set<number>();
    for (const w of pattern[v]) {
      if (colour[w] < 0) continue;
      taken.add(colour[w]);
      // v w x y with colour(w) = colour(y): v may not have x's colour.
      for (const x of pattern[w]) {
        if (x === v || colour[x] < 0) continue;
        for (const y of pattern[x]) {
          if (y !== w && colour[y] === colour[w]) {
            taken.add(colour[x]);
            break;
          }
        }
      }
    }
    // Two neighbours w, w' of one colour: v may not have the colour of any neighbour of either.
    const count = new Map<number, number[]>();
    for (const w of pattern[v]) {
      if (colour[w] >= 0) count.set(colour[w], [...(count.get(colour[w]) ?? []), w]);
    }
    for (const group of count.values()) {
      if (group.length < 2) continue;
      for (const w of group) {
        for (const x of pattern[w]) if (x !== v && colour[x] >= 0) taken.add(colour[x]);
      }
    }
    let c = 0;
    while (taken.has(c)) c++;
    colour[v] = c;
  }
  return colour;
}

/** Where entry (i, j) is read: the probe (a colour) and the row of its product. */
export function readPlace(
  pattern: Pattern,
  colour: Int32Array,
  i: number,
  j: number,
): { readonly probe: number; readonly row: number } | undefined {
  const alone = (row: number, column: number): boolean => {
    if (row !== column && colour[row] === colour[column]) return false;
    for (const w of pattern[row]) if (w !== column && colour[w] === colour[column]) return false;
    return true;
  };
  if (alone(i, j)) return { probe: colour[j], row: i };
  if (alone(j, i)) return { probe: colour[i], row: j };
  return undefined;
}
