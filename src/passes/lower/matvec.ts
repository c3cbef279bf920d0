/**
 * Products of a constant matrix with a vector, which is what a regression's predictor and its
 * gradient are. They take part in the loops over the long axis of the matrix, block by block, so
 * that the matrix goes through the cache once for both.
 */
import * as k from "../../kernel/build.js";
import type { Expr } from "../../kernel/ir.js";
import type { ConstNode, MatmulNode, Node } from "../../tensor/ops.js";
import type { Coordinates } from "./descend.js";
import type { Block, RegionEmitter } from "./emit-loops.js";
import {
  type Affine,
  type IndexVar,
  indexExpr,
  plus,
  scale,
  shift,
  variableIndex,
  zeroIndex,
} from "./index-maps.js";
import type { MatvecTask } from "./plan.js";
import type { Roots, View } from "./roots.js";

/**
 * `result[o] = Σᵢ M[o, i]·vector[i]`. "rows": the loop is over o, each row's sum is complete in its
 * iteration; "columns": the loop is over i, each iteration adds to every o.
 */
export interface Matvec {
  readonly kind: "rows" | "columns";
  readonly outer: number;
  readonly inner: number;
  readonly matrix: ConstNode;
  readonly offset: number;
  readonly outerStride: number;
  readonly innerStride: number;
  /** A matrix of one column (axis 0 runs) or of one row (axis 1 runs). */
  readonly vector: Node;
  readonly vectorAxis: 0 | 1;
}

/** The product as one of a constant matrix and a vector, if it is one. */
export function matvecOf(node: MatmulNode, roots: Roots): Matvec | undefined {
  const { x, y } = node;
  if (node.shape.length !== 2) return undefined;
  const [m, k] = x.shape;
  const n = y.shape[1];
  if (m * k * n < 2) return undefined;
  if (n === 1) {
    const view = roots.viewOf(x);
    const [outerStride, innerStride] = view?.strides ?? [0, 0];
    const found = fromView(view, m, k, outerStride, innerStride, y, 0);
    if (found !== undefined) return found;
  }
  if (m !== 1) return undefined;
  const view = roots.viewOf(y);
  const [innerStride, outerStride] = view?.strides ?? [0, 0];
  return fromView(view, n, k, outerStride, innerStride, x, 1);
}

function fromView(
  view: View | undefined,
  outer: number,
  inner: number,
  outerStride: number,
  innerStride: number,
  vector: Node,
  vectorAxis: 0 | 1,
): Matvec | undefined {
  if (view === undefined || view.base.op !== "const") return undefined;
  const kind = outer >= inner ? "rows" : "columns";
  const { base: matrix, offset } = view;
  return { kind, outer, inner, matrix, offset, outerStride, innerStride, vector, vectorAxis };
}

/**
 * The matrix with the long axis contiguous: `data[s·long + l]`, s on the short axis. Both products
 * with one matrix, plain and transposed, ask for the same data, so it is stored once.
 */
export function longMajorData(matvec: Matvec): Float64Array {
  const rows = matvec.kind === "rows";
  const long = rows ? matvec.outer : matvec.inner;
  const short = rows ? matvec.inner : matvec.outer;
  const longStride = rows ? matvec.outerStride : matvec.innerStride;
  const shortStride = rows ? matvec.innerStride : matvec.outerStride;
  const { data } = matvec.matrix;
  const contiguous = longStride === 1 && shortStride === long && matvec.offset === 0;
  if (contiguous && data.length === long * short) return data;
  const result = new Float64Array(long * short);
  for (let s = 0, to = 0; s < short; s++) {
    let from = matvec.offset + s * shortStride;
    for (let l = 0; l < long; l++, from += longStride) result[to++] = data[from];
  }
  return result;
}

/** Columns that one pass over the rows takes: as many sums as registers hold. */
const TILE = 10;
/** Up to here every tile has code of its own; a wider matrix is walked by a loop over tiles. */
const WIDEST_UNROLLED = 30;

/** Before the blocks: sums over rows start at 0. */
export function emitMatvecStart(region: RegionEmitter, task: MatvecTask): void {
  const { root, matvec } = task;
  if (matvec.kind === "rows") return;
  const storage = region.values.storageOf(root);
  if (storage.kind === "local") region.values.code.push(k.set(storage.local, k.f64(0)));
  else if (storage.kind === "buffer") {
    region.fill(storage.buffer, storage.offset, matvec.outer, k.f64(0));
  }
}

/** The share of one block of rows (of the long axis). */
export function emitMatvecBlock(region: RegionEmitter, task: MatvecTask, block: Block): void {
  const { matvec } = task;
  const short = matvec.kind === "rows" ? matvec.inner : matvec.outer;
  const long = matvec.kind === "rows" ? matvec.outer : matvec.inner;
  const buffer = region.context.constants.add(longMajorData(matvec));
  const emit = matvec.kind === "rows" ? emitRowsTile : emitColumnsTile;
  const tile = (first: Affine, count: number, opening: boolean): void => {
    const columns = Array.from({ length: count }, (_, t) => shift(first, t));
    emit({ region, task, block, buffer, long }, columns, opening);
  };
  const tiles = Math.ceil(short / TILE);
  if (short <= WIDEST_UNROLLED) {
    for (let t = 0; t < tiles; t++) {
      const first = Math.floor((short * t) / tiles);
      const end = Math.floor((short * (t + 1)) / tiles);
      tile({ constant: first, terms: [] }, end - first, t === 0);
    }
    return;
  }
  const rest = short % TILE === 0 ? TILE : short % TILE;
  tile(zeroIndex, rest, true);
  const { context, values } = region;
  const name = context.local("tile", "i32").name;
  const depth = values.depth + 1;
  const body = values.inScope(() => {
    const id = context.variableId();
    const of: IndexVar = { id, expr: k.index(name), depth, extent: short - rest };
    tile(shift(variableIndex(of), rest), TILE, false);
  });
  const [from, to] = [k.i32(0), k.i32(short - rest)];
  values.code.push({ kind: "for", index: name, from, to, step: TILE, body });
}

interface Tile {
  readonly region: RegionEmitter;
  readonly task: MatvecTask;
  readonly block: Block;
  readonly buffer: string;
  readonly long: number;
}

/** `result[row] (+)= Σ over the tile of X[column, row] · vector[column]`. */
function emitRowsTile(tile: Tile, columns: readonly Affine[], opening: boolean): void {
  const { region, task, block, buffer, long } = tile;
  const { context, values } = region;
  const factors = columns.map((c) => {
    const value = values.value(task.matvec.vector, vectorCoordinates(task.matvec, c));
    return value.kind === "local" ? value : context.bind(values.code, "b", value);
  });
  region.blockLoop(long, block, { reductions: [] }, (row) => {
    let sum: Expr | undefined = opening ? undefined : region.loadRow(task.root, row);
    columns.forEach((c, t) => {
      const x = k.load(buffer, indexExpr(plus(row, scale(c, long))));
      const product = k.mul(x, factors[t]);
      sum = sum === undefined ? product : k.add(sum, product);
    });
    region.storeRow(task.root, row, sum!);
  });
}

/** `result[column] += Σ over the block's rows of X[column, row] · vector[row]`. */
function emitColumnsTile(tile: Tile, columns: readonly Affine[]): void {
  const { region, task, block, buffer, long } = tile;
  const { context, values } = region;
  const sums = columns.map(() => {
    const sum = context.local("sum");
    values.code.push(k.set(sum, k.f64(0)));
    return sum;
  });
  const reductions = sums.map((sum) => ({ local: sum.name, fn: "add" }) as const);
  region.blockLoop(long, block, { reductions }, (row) => {
    let r = values.value(task.matvec.vector, vectorCoordinates(task.matvec, row));
    if (r.kind !== "local") r = context.bind(values.code, "r", r);
    columns.forEach((c, t) => {
      const x = k.load(buffer, indexExpr(plus(row, scale(c, long))));
      values.code.push(k.set(sums[t], k.add(k.get(sums[t]), k.mul(x, r))));
    });
  });
  columns.forEach((c, t) => {
    const before = region.loadRow(task.root, c);
    region.storeRow(task.root, c, k.add(before, k.get(sums[t])));
  });
}

/** Where the k-th element of a matvec's vector is, a matrix of one row or column. */
export function vectorCoordinates(matvec: Matvec, at: Affine): Coordinates {
  return matvec.vectorAxis === 0 ? [at, zeroIndex] : [zeroIndex, at];
}
