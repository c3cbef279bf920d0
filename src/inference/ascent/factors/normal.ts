/**
 * Normal factors, T = (v, v_i v_j for the pairs that the joint reads). Scalars that no pair links
 * are independent under the optimal factor, so each connected component is a block of its own:
 * single scalars, small dense blocks, or one sparse precision (chains, trees, crossed effects),
 * of which the inverse is computed on the pattern only.
 */
import { internalError } from "../../../base/internal.js";
import type { RandomStream } from "../../../math/rng/random.js";
import { normalQuantile } from "../../../math/special/index.js";
import { type Factor, factorFrom } from "../contract.js";
import { entryOf, SparseCholesky, sparsePattern } from "../sparse.js";
import { type Blocks, connectedBlocks } from "./blocks.js";

/** The statistics of a normal site: where each stands among the site's, if anywhere. */
export interface NormalLayout {
  readonly length: number;
  readonly value?: number;
  readonly products?: {
    readonly at: number;
    readonly first: Int32Array;
    readonly second: Int32Array;
  };
  /** v² as a power. */
  readonly squares?: number;
}

/** Blocks of more scalars are factored sparsely if their pattern leaves most entries out. */
const DENSE_LIMIT = 32;
const DENSE_SHARE = 0.25;
/** Entries of a sparse factor. */
const SPARSE_LIMIT = 5e7;
/** Scalars of a dense block. */
const LARGEST_DENSE = 4000;

/** Undefined where a block's factor would not fit into memory. */
export function normalFactor(layout: NormalLayout): Factor | undefined {
  const { length } = layout;
  const first = layout.products?.first ?? new Int32Array(0);
  const second = layout.products?.second ?? new Int32Array(0);
  const blocks = connectedBlocks(length, first, second);
  const state: State = {
    first,
    second,
    blocks,
    linear: new Float64Array(length),
    diagonal: new Float64Array(length),
    mean: new Float64Array(length),
    variance: new Float64Array(length),
    covariance: new Float64Array(first.length),
    logDeterminants: new Float64Array(blocks.count),
  };
  const parts: Part[] = [];
  const dense: number[] = [];
  for (let b = 0; b < blocks.count; b++) {
    const n = blocks.memberStart[b + 1] - blocks.memberStart[b];
    const pairs = blocks.pairStart[b + 1] - blocks.pairStart[b];
    if (n <= DENSE_LIMIT || pairs > DENSE_SHARE * n * n) {
      if (n > LARGEST_DENSE) return undefined;
      dense.push(b);
      continue;
    }
    const part = sparsePart(state, b);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  if (dense.length > 0) parts.unshift(densePart(state, Int32Array.from(dense)));
  const sizes = blocks.memberStart.subarray(1).map((end, b) => end - blocks.memberStart[b]);
  const { linear, diagonal, mean, variance, covariance } = state;
  return factorFrom({
    family: "Normal",
    structure: structureOf(sizes, dense.length),
    update: (natural) => {
      linear.fill(0);
      diagonal.fill(0);
      if (layout.value !== undefined) linear.set(natural[layout.value]);
      if (layout.squares !== undefined) {
        const own = natural[layout.squares];
        for (let i = 0; i < length; i++) diagonal[i] -= 2 * own[i];
      }
      const products = layout.products === undefined ? linear : natural[layout.products.at];
      for (let k = 0; k < first.length; k++) {
        if (first[k] === second[k]) diagonal[first[k]] -= 2 * products[k];
      }
      return parts.every((part) => part.update(products)) && mean.every(Number.isFinite);
    },
    statistics: (out) => {
      if (layout.value !== undefined) out[layout.value].set(mean);
      if (layout.squares !== undefined) {
        const own = out[layout.squares];
        for (let i = 0; i < length; i++) own[i] = mean[i] * mean[i] + variance[i];
      }
      if (layout.products === undefined) return;
      const own = out[layout.products.at];
      for (let k = 0; k < first.length; k++) {
        own[k] = mean[first[k]] * mean[second[k]] + covariance[k];
      }
    },
    entropies: (add) => {
      for (let b = 0; b < blocks.count; b++) {
        const scale = sizes[b] * (1 + Math.log(2 * Math.PI));
        add(blocks.members[blocks.memberStart[b]], (scale - state.logDeterminants[b]) / 2);
      }
    },
    mean: (i) => mean[i],
    sd: (i) => Math.sqrt(variance[i]),
    quantile: (i, p) => mean[i] + Math.sqrt(variance[i]) * normalQuantile(p),
    draw: (rng, out) => {
      for (const part of parts) part.draw(rng, out);
    },
  });
}

function structureOf(sizes: Int32Array, dense: number): string {
  const largest = sizes.reduce((m, n) => Math.max(m, n), 0);
  if (largest <= 1) return "elementwise";
  if (dense < sizes.length) return `sparse block of ${largest}`;
  return sizes.length === 1 ? `block of ${largest}` : `${sizes.length} blocks of up to ${largest}`;
}

interface State {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly blocks: Blocks;
  /** Λ μ, and the diagonal of Λ. */
  readonly linear: Float64Array;
  readonly diagonal: Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** Of each pair. */
  readonly covariance: Float64Array;
  /** Of the precision of each block. */
  readonly logDeterminants: Float64Array;
}

interface Part {
  /** False where the precision is not positive definite. */
  readonly update: (products: Float64Array) => boolean;
  readonly draw: (rng: RandomStream, out: Float64Array) => void;
}

/** Single scalars and small blocks, one after another in one buffer. */
function densePart(state: State, list: Int32Array): Part {
  const { first, second, blocks, linear, diagonal, mean, variance, covariance } = state;
  const { logDeterminants } = state;
  const { memberStart, members, pairStart, pairs, local } = blocks;
  const starts = new Int32Array(list.length + 1);
  let largest = 0;
  list.forEach((b, k) => {
    const n = memberStart[b + 1] - memberStart[b];
    largest = Math.max(largest, n);
    starts[k + 1] = starts[k] + n * n;
  });
  /** Lower factors of the precisions. */
  const factors = new Float64Array(starts[list.length]);
  const inverse = new Float64Array(largest * largest);
  const x = new Float64Array(largest);
  const update = (products: Float64Array): boolean => {
    for (let k = 0; k < list.length; k++) {
      const b = list[k];
      const from = memberStart[b];
      const n = memberStart[b + 1] - from;
      if (n === 1) {
        const i = members[from];
        const precision = diagonal[i];
        if (!(precision > 0 && precision < Infinity)) return false;
        factors[starts[k]] = Math.sqrt(precision);
        mean[i] = linear[i] / precision;
        variance[i] = 1 / precision;
        for (let p = pairStart[b]; p < pairStart[b + 1]; p++) covariance[pairs[p]] = variance[i];
        logDeterminants[b] = Math.log(precision);
        continue;
      }
      const l = factors.subarray(starts[k], starts[k + 1]).fill(0);
      for (let a = 0; a < n; a++) l[a * n + a] = diagonal[members[from + a]];
      for (let p = pairStart[b]; p < pairStart[b + 1]; p++) {
        const pair = pairs[p];
        const [i, j] = [local[first[pair]], local[second[pair]]];
        if (i !== j) l[Math.max(i, j) * n + Math.min(i, j)] -= products[pair];
      }
      if (!factorInPlace(l, n)) return false;
      logDeterminants[b] = 0;
      for (let a = 0; a < n; a++) logDeterminants[b] += 2 * Math.log(l[a * n + a]);
      invertInto(inverse, l, n);
      for (let a = 0; a < n; a++) x[a] = linear[members[from + a]];
      solveLower(l, x, n);
      solveUpper(l, x, n);
      for (let a = 0; a < n; a++) {
        mean[members[from + a]] = x[a];
        variance[members[from + a]] = inverse[a * n + a];
      }
      for (let p = pairStart[b]; p < pairStart[b + 1]; p++) {
        const pair = pairs[p];
        const [i, j] = [local[first[pair]], local[second[pair]]];
        covariance[pair] = inverse[Math.max(i, j) * n + Math.min(i, j)];
      }
    }
    return true;
  };
  const draw = (rng: RandomStream, out: Float64Array): void => {
    for (let k = 0; k < list.length; k++) {
      const b = list[k];
      const from = memberStart[b];
      const n = memberStart[b + 1] - from;
      const l = factors.subarray(starts[k], starts[k + 1]);
      for (let a = 0; a < n; a++) x[a] = rng.normal();
      solveUpper(l, x, n);
      for (let a = 0; a < n; a++) out[members[from + a]] = mean[members[from + a]] + x[a];
    }
  };
  return { update, draw };
}

/** One large block whose precision has few entries. */
function sparsePart(state: State, b: number): Part | undefined {
  const { first, second, blocks, linear, diagonal, mean, variance, covariance } = state;
  const { memberStart, members, pairStart, pairs, local } = blocks;
  const own = members.slice(memberStart[b], memberStart[b + 1]);
  const list = pairs.slice(pairStart[b], pairStart[b + 1]);
  const rows = list.map((p) => local[first[p]]);
  const columns = list.map((p) => local[second[p]]);
  const pattern = sparsePattern(own.length, rows, columns, SPARSE_LIMIT);
  if (pattern === undefined) return undefined;
  const find = (i: number, j: number): number => {
    const at = entryOf(pattern, i, j);
    return at >= 0 ? at : internalError("a pair is not in the pattern of its factor");
  };
  const entries = list.map((_, k) => find(rows[k], columns[k]));
  const diagonals = own.map((_, i) => find(i, i));
  const factor = new SparseCholesky(pattern);
  const inverse = new Float64Array(factor.l.length);
  const x = new Float64Array(own.length);
  const update = (products: Float64Array): boolean => {
    const l = factor.l.fill(0);
    for (let k = 0; k < list.length; k++) {
      if (rows[k] !== columns[k]) l[entries[k]] -= products[list[k]];
    }
    for (let i = 0; i < own.length; i++) l[diagonals[i]] = diagonal[own[i]];
    if (!factor.factor()) return false;
    factor.selectedInverse(inverse);
    for (let i = 0; i < own.length; i++) x[pattern.position[i]] = linear[own[i]];
    factor.forward(x);
    factor.backward(x);
    for (let i = 0; i < own.length; i++) {
      mean[own[i]] = x[pattern.position[i]];
      variance[own[i]] = inverse[diagonals[i]];
    }
    for (let k = 0; k < list.length; k++) covariance[list[k]] = inverse[entries[k]];
    state.logDeterminants[b] = factor.logDeterminant();
    return true;
  };
  const draw = (rng: RandomStream, out: Float64Array): void => {
    for (let i = 0; i < own.length; i++) x[i] = rng.normal();
    factor.backward(x);
    for (let i = 0; i < own.length; i++) out[own[i]] = mean[own[i]] + x[pattern.position[i]];
  };
  return { update, draw };
}

/** The lower factor over the lower triangle; false where not positive definite. */
function factorInPlace(l: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = l[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      if (i !== j) l[i * n + j] = sum / l[j * n + j];
      else if (sum > 0 && sum < Infinity) l[i * n + i] = Math.sqrt(sum);
      else return false;
    }
  }
  return true;
}

/** The lower triangle of (L Lᵀ)⁻¹. */
function invertInto(out: Float64Array, l: Float64Array, n: number): void {
  // L⁻¹ in the lower triangle, then its Gram matrix from the top down.
  for (let j = 0; j < n; j++) {
    out[j * n + j] = 1 / l[j * n + j];
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum += l[i * n + k] * out[k * n + j];
      out[i * n + j] = -sum / l[i * n + i];
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += out[k * n + i] * out[k * n + j];
      out[i * n + j] = sum;
    }
  }
}

function solveLower(l: Float64Array, x: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    let sum = x[i];
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * x[k];
    x[i] = sum / l[i * n + i];
  }
}

function solveUpper(l: Float64Array, x: Float64Array, n: number): void {
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i];
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i] * x[k];
    x[i] = sum / l[i * n + i];
  }
}
