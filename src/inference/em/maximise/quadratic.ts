/**
 * Real parameters with Q(v) = bᵀv + Σ c_ij v_i v_j: means, loadings, coefficients. Scalars that no
 * product links are solved apart.
 */
import { cholesky, choleskySolve } from "../../../math/linalg/index.js";
import type { Statistic } from "../../expectation/contract.js";
import { CLIMB, type ClosedForm, FOUND, type Outcome } from "./contract.js";
import { type Inside, type QuadraticBlocks, quadraticNodes, solveNodes } from "./nodes.js";

/** Scalars that hang together through products, and where their coefficients stand. */
interface Block {
  readonly scalars: Int32Array;
  /** For each product of the block: its statistic, its place there, and its row and column. */
  readonly entries: readonly {
    readonly statistic: number;
    readonly at: number;
    readonly row: number;
    readonly column: number;
  }[];
}

/**
 * @param accepts whether a maximiser over all reals lies in the parameter's support
 * @param inside the same as nodes
 * @returns undefined where the statistics are not value and products alone
 */
export function quadraticForm(
  statistics: readonly Statistic[],
  length: number,
  accepts: (v: Float64Array) => boolean,
  inside: Inside,
): ClosedForm | undefined {
  const linear = statistics.findIndex((s) => s.kind === "value");
  const isKnown = statistics.every(
    (s) => s.kind === "value" || s.kind === "products" || (s.kind === "power" && s.exponent === 2),
  );
  if (!isKnown) return undefined;
  if (!statistics.some((s) => s.kind !== "value")) return undefined;
  const blocks = blocksOf(statistics, length);
  const largest = blocks.reduce((n, b) => Math.max(n, b.scalars.length), 0);
  const name = largest === 1 ? "weighted means" : `least squares, blocks of ${largest}`;
  const solve = solveNodes(() => bySize(blocks));
  return {
    name,
    nodes: quadraticNodes(solve, linear, inside),
    solveNodes: solve,
    maximise: (eta, v) => {
      const b = linear < 0 ? new Float64Array(length) : eta[linear];
      const found = v.slice();
      for (const block of blocks) {
        const outcome = solveBlock(block, eta, b, found);
        if (outcome.kind !== "found") return outcome;
      }
      if (!accepts(found)) return CLIMB;
      v.set(found);
      return FOUND;
    },
    solve: (eta, right) => {
      const out = new Float64Array(length);
      for (const block of blocks) {
        if (solveBlock(block, eta, right, out).kind !== "found") return undefined;
      }
      return out;
    },
  };
}

function blocksOf(statistics: readonly Statistic[], length: number): Block[] {
  const parent = Int32Array.from({ length }, (_, i) => i);
  const root = (i: number): number => {
    let r = i;
    while (parent[r] !== r) r = parent[r];
    for (let at = i; parent[at] !== r; ) {
      const next = parent[at];
      parent[at] = r;
      at = next;
    }
    return r;
  };
  const pairs = statistics.flatMap((s, statistic) => {
    if (s.kind === "value") return [];
    const n = s.kind === "products" ? s.first.length : length;
    return Array.from({ length: n }, (_, at) => {
      const isProduct = s.kind === "products";
      const i = isProduct ? s.first[at] : at;
      const j = isProduct ? s.second[at] : at;
      return { statistic, at, i, j };
    });
  });
  for (const { i, j } of pairs) parent[root(i)] = root(j);
  const byRoot = new Map<number, number[]>();
  const local = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const list = byRoot.get(root(i)) ?? [];
    byRoot.set(root(i), list);
    local[i] = list.length;
    list.push(i);
  }
  const entries = new Map<number, Block["entries"][number][]>();
  for (const { statistic, at, i, j } of pairs) {
    const list = entries.get(root(i)) ?? [];
    entries.set(root(i), list);
    list.push({ statistic, at, row: local[i], column: local[j] });
  }
  return [...byRoot].map(([r, scalars]) => ({
    scalars: Int32Array.from(scalars),
    entries: entries.get(r) ?? [],
  }));
}

/** Blocks of one size as arrays, for batches of matrices. */
function bySize(blocks: readonly Block[]): QuadraticBlocks[] {
  const sizes = [...new Set(blocks.map((b) => b.scalars.length))];
  return sizes.map((size): QuadraticBlocks => {
    const own = blocks.filter((b) => b.scalars.length === size);
    const scalars = new Int32Array(own.length * size);
    const places = new Map<number, { from: number[]; to: number[]; by: number[] }>();
    own.forEach((block, k) => {
      scalars.set(block.scalars, k * size);
      for (const { statistic, at, row, column } of block.entries) {
        const list = places.get(statistic) ?? { from: [], to: [], by: [] };
        places.set(statistic, list);
        const put = (i: number, j: number, by: number): void => {
          list.from.push(at);
          list.to.push((k * size + i) * size + j);
          list.by.push(by);
        };
        if (row === column) put(row, row, -2);
        else {
          put(row, column, -1);
          put(column, row, -1);
        }
      }
    });
    const entries = [...places].map(([statistic, { from, to, by }]) => ({
      statistic,
      from: Int32Array.from(from),
      to: Int32Array.from(to),
      by: Float64Array.from(by),
    }));
    return { size, scalars, entries };
  });
}

/** Solves −2 A v = b over one block; a block without any information keeps its values. */
function solveBlock(
  { scalars, entries }: Block,
  eta: readonly Float64Array[],
  b: Float64Array,
  v: Float64Array,
): Outcome {
  const n = scalars.length;
  const matrix = new Float64Array(n * n);
  let largest = 0;
  for (const { statistic, at, row, column } of entries) {
    const c = eta[statistic][at];
    largest = Math.max(largest, Math.abs(c));
    // The gradient of c v_i v_j: once off the diagonal on either side, twice on it.
    if (row === column) matrix[row * n + row] -= 2 * c;
    else {
      matrix[row * n + column] -= c;
      matrix[column * n + row] -= c;
    }
  }
  const right = Float64Array.from(scalars, (i) => b[i]);
  if (largest === 0) {
    const pulled = right.findIndex((x) => x !== 0);
    return pulled < 0 ? FOUND : { kind: "singular", scalar: scalars[pulled] };
  }
  const factor = cholesky(matrix, n);
  if (factor === undefined) return CLIMB;
  const solved = choleskySolve(factor, right, n);
  for (let k = 0; k < n; k++) v[scalars[k]] = solved[k];
  return FOUND;
}
