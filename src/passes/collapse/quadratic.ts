/**
 * ‖A θ + c‖² as a sum of as many squares as θ has elements, plus a constant. With the QR
 * factorisation [A c] = Q [R d; 0 ρ] it is ‖R θ + d‖² + ρ² (Golub and Van Loan, 4th ed., section
 * 5.3.2). Householder reflections, never AᵀA: columns far from 0 (years) keep their digits.
 *
 * Atoms that are picked by an index (the coefficient of each row's group) are eliminated first,
 * group by group, which keeps their part of R as sparse as the groups: rows and columns by group,
 * then the dense rest.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { type Affine, type DenseTerm, type PickTerm, pickAsDense, rowCost } from "./affine.js";

/** Flops that reducing one likelihood may cost: about two seconds. */
const MAX_FLOPS = 2e9;

/** The terms of A in the order of elimination. */
export interface Design {
  /** Picks by one common index; empty where there is none. */
  readonly grouped: readonly PickTerm[];
  readonly groups: number;
  /** That index; absent where there is none. */
  readonly indices?: NodeOf<"const">;
  readonly dense: readonly DenseTerm[];
  readonly columns: number;
}

/** Σ rows² of an affine function as a scalar node; undefined where that would not be cheaper. */
export function collapseSquares(g: GraphBuilder, a: Affine): Node | undefined {
  if (a.dense.length + a.picks.length === 0) return undefined;
  if (!hasFiniteRows(a)) return undefined;
  const design = designOf(a);
  const { grouped, groups, columns } = design;
  const p = grouped.length;
  const rowsLeft = groups * ((p * (p + 1)) / 2 + p * columns + p) + columns * (columns + 1);
  if (rowsLeft >= rowCost(a) || a.rows <= p * groups + columns + 1) return undefined;
  if (2 * a.rows * (columns + p + 1) ** 2 > MAX_FLOPS) return undefined;
  const { blocks, rest } = eliminateGroups(a, design);
  const reduced = tallQr(rest, columns + 1);
  const squares: Node[] = [];
  const theta = design.dense.length > 0 ? concatAtoms(g, design.dense) : undefined;
  for (const block of blocks) squares.push(g.sum(g.square(blockNode(g, block, design, theta))));
  if (theta !== undefined) {
    const r = g.constant(
      reduced.filter((_, k) => k % (columns + 1) < columns && k < columns * (columns + 1)),
      [columns, columns],
    );
    const d = g.constant(
      Float64Array.from({ length: columns }, (_, i) => reduced[i * (columns + 1) + columns]),
      [columns],
    );
    squares.push(g.sum(g.square(g.add(g.matvec(r, theta), d))));
  }
  const rho = reduced[columns * (columns + 1) + columns];
  return g.add(
    squares.reduce((x, y) => g.add(x, y)),
    rho * rho,
  );
}

/** No coefficient is infinite or NaN: reflections would spread them. */
export function hasFiniteRows(a: Affine): boolean {
  return (
    a.constant.every(Number.isFinite) &&
    a.dense.every((d) => d.matrix.every(Number.isFinite)) &&
    a.picks.every((p) => p.weights.every(Number.isFinite))
  );
}

/** Groups by the index that picks the most; other picks become columns of the dense part. */
function designOf(a: Affine): Design {
  let index: NodeOf<"const"> | undefined;
  let groups = 0;
  for (const p of a.picks) {
    const size = sizeOf(p.atom.shape);
    if (size <= groups) continue;
    groups = size;
    index = p.indices;
  }
  // Picks by the same index from vectors of another length cannot be: the index is in range of both.
  const inGroup = (p: PickTerm): boolean => p.indices === index && sizeOf(p.atom.shape) === groups;
  const dense = [...a.dense, ...a.picks.filter((p) => !inGroup(p)).map(pickAsDense)];
  // An intercept first: what follows is then taken from its mean, and keeps more digits.
  const isIntercept = (d: DenseTerm): boolean =>
    d.columns === 1 && d.matrix.every((v) => v === d.matrix[0]);
  dense.sort((x, y) => Number(isIntercept(y)) - Number(isIntercept(x)));
  return {
    grouped: a.picks.filter(inGroup),
    groups,
    indices: index,
    dense,
    columns: dense.reduce((n, d) => n + d.columns, 0),
  };
}

/** Row t of the reduced system of each group: over the grouped atoms from t on, then dense | c. */
export interface Block {
  readonly t: number;
  /** `coefficients[s − t][group]` of grouped atom s. */
  readonly coefficients: readonly Float64Array[];
  /** groups × (columns + 1). */
  readonly dense: Float64Array;
}

/** [dense | c] of the given rows; width columns + 1. */
function denseRows(a: Affine, design: Design): Float64Array {
  const width = design.columns + 1;
  const out = new Float64Array(a.rows * width);
  for (let i = 0; i < a.rows; i++) {
    let to = i * width;
    for (const d of design.dense) {
      for (let k = 0; k < d.columns; k++) out[to++] = d.matrix[i * d.columns + k];
    }
    out[to] = a.constant[i];
  }
  return out;
}

/** QR of each group's rows over its own p atoms; what is left of the rows has no grouped part. */
export function eliminateGroups(
  a: Affine,
  design: Design,
): {
  readonly blocks: readonly Block[];
  readonly rest: Float64Array;
  /** Of each group, the sum of squares of the constants in its rows of `rest`. */
  readonly leftover: Float64Array;
} {
  const all = denseRows(a, design);
  const { grouped, groups, columns } = design;
  const p = grouped.length;
  const leftover = new Float64Array(groups);
  if (design.indices === undefined) return { blocks: [], rest: all, leftover };
  const width = columns + 1;
  const members: number[][] = Array.from({ length: groups }, () => []);
  design.indices.data.forEach((group, i) => {
    members[group].push(i);
  });
  const blocks: Block[] = Array.from({ length: p }, (_, t) => ({
    t,
    coefficients: Array.from({ length: p - t }, () => new Float64Array(groups)),
    dense: new Float64Array(groups * width),
  }));
  const rest: number[] = [];
  members.forEach((rows, group) => {
    const full = p + width;
    const local = new Float64Array(rows.length * full);
    rows.forEach((i, r) => {
      grouped.forEach((term, s) => {
        local[r * full + s] = term.weights[i];
      });
      local.set(all.subarray(i * width, (i + 1) * width), r * full + p);
    });
    // The whole R of the group at once: its first p rows are the blocks', the others the rest.
    const reduced = tallQr(local, full);
    for (let r = 0; r < Math.min(full, rows.length); r++) {
      const row = reduced.subarray(r * full, (r + 1) * full);
      if (r < p) {
        blocks[r].coefficients.forEach((c, k) => {
          c[group] = row[r + k];
        });
        blocks[r].dense.set(row.subarray(p), group * width);
      } else {
        for (let k = p; k < full; k++) rest.push(row[k]);
        leftover[group] += row[full - 1] ** 2;
      }
    }
  });
  return { blocks, rest: Float64Array.from(rest), leftover };
}

function concatAtoms(g: GraphBuilder, dense: readonly DenseTerm[]): Node {
  return g.concat(
    dense.map((d) => d.atom),
    0,
  );
}

/** Σₛ coefficients[s] ⊙ atomₛ + dense · θ + c, one element a group. */
export function blockNode(
  g: GraphBuilder,
  block: Block,
  design: Design,
  theta: Node | undefined,
): Node {
  const { groups, columns, grouped } = design;
  const width = columns + 1;
  let sum: Node = g.constant(
    Float64Array.from({ length: groups }, (_, k) => block.dense[k * width + columns]),
    [groups],
  );
  block.coefficients.forEach((c, k) => {
    sum = g.add(sum, g.mul(grouped[block.t + k].atom, g.constant(c, [groups])));
  });
  if (theta === undefined) return sum;
  const part = block.dense.filter((_, k) => k % width < columns);
  return g.add(sum, g.matvec(g.constant(part, [groups, columns]), theta));
}

/**
 * The width × width R of a tall matrix of `width` columns (zero rows where it has fewer), a few
 * rows at a time so that the work stays in the cache: R of [R; next rows] again and again (the
 * sequential TSQR of Demmel, Grigori, Hoemmen and Langou, 2012, section 3.2).
 */
export function tallQr(matrix: Float64Array, width: number): Float64Array {
  const rows = matrix.length / width;
  const step = Math.max(3 * width, 64);
  const work = new Float64Array((width + Math.min(step, rows)) * width);
  let held = 0;
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(rows, from + step);
    work.set(matrix.subarray(from * width, to * width), held * width);
    const height = held + to - from;
    triangularise(work, height, width);
    held = Math.min(height, width);
  }
  return work.slice(0, width * width).fill(0, held * width);
}

/**
 * Householder reflections of a row-major matrix in place (Golub and Van Loan, 4th ed., algorithms
 * 5.1.1 and 5.2.1), all loops along rows. Signs of the diagonal are left as they come.
 */
function triangularise(a: Float64Array, rows: number, columns: number): void {
  const v = new Float64Array(rows);
  const w = new Float64Array(columns);
  for (let k = 0; k < Math.min(rows, columns); k++) {
    let scale = 0;
    for (let i = k; i < rows; i++) scale = Math.max(scale, Math.abs(a[i * columns + k]));
    if (scale === 0) continue;
    let norm2 = 0;
    for (let i = k; i < rows; i++) {
      v[i] = a[i * columns + k] / scale;
      norm2 += v[i] * v[i];
    }
    const norm = Math.sqrt(norm2);
    // Adding with the sign of the pivot avoids cancellation.
    const signed = v[k] >= 0 ? norm : -norm;
    v[k] += signed;
    const factor = 1 / (norm * Math.abs(v[k])); // 2 / vᵀv
    w.fill(0, k + 1);
    for (let i = k; i < rows; i++) {
      const vi = v[i];
      const row = i * columns;
      for (let j = k + 1; j < columns; j++) w[j] += vi * a[row + j];
    }
    for (let i = k; i < rows; i++) {
      const fi = factor * v[i];
      const row = i * columns;
      for (let j = k + 1; j < columns; j++) a[row + j] -= fi * w[j];
      a[row + k] = 0;
    }
    a[k * columns + k] = -signed * scale;
  }
}
