/**
 * Large products of matrices, blocked as Goto and van de Geijn (2008, "Anatomy of high-performance
 * matrix multiplication") block them: the right factor is packed into panels of two vectors of
 * columns that lie contiguously, and a tile of four rows of results stays in registers while one
 * panel and four rows of the left factor go by. Each result is summed in the order of the inner
 * axis, by one thread.
 *
 * With `products: "f32"` both factors are rounded to single precision as they are packed; sums over
 * up to `DEPTH` of the inner axis are made in it, and those are added up in f64. With u = 2⁻²⁴ and
 * n ≤ DEPTH terms the error of an element is at most (n + 2) u Σ|x||y| to first order (Higham 2002,
 * "Accuracy and stability of numerical algorithms", section 3.1).
 */
import { internalError } from "../../base/internal.js";
import * as k from "../../kernel/build.js";
import type { Expr, Stmt } from "../../kernel/ir.js";
import { TILE_ROWS as ROWS, TILE_COLUMNS } from "../../kernel/tile.js";
import { type ArrayRef, load, loopOver } from "./arrays.js";
import type { FunctionContext, ProductPrecision } from "./context.js";
import { type Affine, indexExpr, linear, plus, scale, shift, variableIndex } from "./index-maps.js";

/** Length of a panel: four rows of it stay in the first-level cache. */
const DEPTH = 512;
/** Columns, or rows of a left factor that is packed, that are packed at once: some megabytes. */
const PACKED = 1024;
/** Columns of a task: its panels stay in the second-level cache. */
const WIDTH = 128;
/**
 * Multiplications of a task: some tens of microseconds, against less than one for taking it. At the
 * end of a product threads wait for each other for about half a task.
 */
const TASK = 2 ** 18;
/** Numbers that a task packs. */
const PACK_TASK = 2 ** 14;

/** Products of fewer multiplications are not worth the packing. */
const LEAST_WORK = 4096;
/** Products of fewer are done by one thread. */
const SHARED_WORK = 2 ** 18;

/** Whether a product is large enough in every direction to be blocked. */
export function isBlocked(x: ArrayRef, out: ArrayRef): boolean {
  const [m, n] = out.shape;
  const inner = x.shape[1];
  const isDense = out.strides[1] === 1 || out.strides[0] === 1;
  return isDense && m >= 4 && n >= 4 && inner >= 8 && m * n * inner >= LEAST_WORK;
}

/** `out = x y` for a product that `isBlocked`. */
export function emitBlockedMatmul(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  y: ArrayRef,
  out: ArrayRef,
  scratch: (length: number, element: ProductPrecision) => string,
): void {
  if (out.strides[1] !== 1) {
    // Rows of the transposed result are contiguous.
    emitBlockedMatmul(context, code, transposed(y), transposed(x), transposed(out), scratch);
    return;
  }
  const of = context.products;
  const size = TILE_COLUMNS[of];
  const [m, n] = out.shape;
  const inner = x.shape[1];
  const depth = pieceOf(inner, DEPTH, 2);
  const width = upTo(size, pieceOf(n, PACKED, size));
  const byColumns = of === "f32" || (x.strides[1] !== 1 && n > 2 * size);
  const height = byColumns ? pieceOf(m, PACKED, ROWS) : m;
  const packed = scratch(depth * width, of);
  const left = byColumns ? scratch(depth * height, of) : undefined;
  const shared = m * n * inner >= SHARED_WORK;
  pieces(context, code, inner, depth, (p0, count, inDepth) => {
    pieces(context, inDepth, n, width, (j0, columns, inColumns) => {
      const right = { array: transposed(y), buffer: packed, size, filled: true };
      pack(context, inColumns, right, { p0, count, depth, first: j0, extent: columns, shared });
      pieces(context, inColumns, m, height, (i0, rows, inRows) => {
        if (left !== undefined) {
          const part = { p0, count, depth, first: i0, extent: rows, shared };
          const panels = { array: x, buffer: left, size: ROWS, filled: false };
          pack(context, inRows, panels, part);
        }
        const block: Block = { context, x, left, out, packed, depth, p0, count, i0, j0, of };
        tasks(block, inRows, rows, columns, shared);
      });
    });
  });
}

/** A range of an axis: a whole number of pieces of `most`, or a shorter one at the end. */
interface Extent {
  /** What is known of its length: all of it, or its most. */
  readonly most: number;
  readonly value: Expr;
}

interface Block {
  readonly context: FunctionContext;
  readonly x: ArrayRef;
  /** Where rows of the left factor are copied to if they are far apart, inner axis first. */
  readonly left: string | undefined;
  readonly out: ArrayRef;
  /** Panel after panel, each `depth` rows of its columns. */
  readonly packed: string;
  readonly depth: number;
  readonly p0: Affine;
  readonly count: Extent;
  readonly i0: Affine;
  readonly j0: Affine;
  /** Precision of the panels. */
  readonly of: ProductPrecision;
}

function transposed(a: ArrayRef): ArrayRef {
  return {
    ...a,
    shape: [a.shape[1], a.shape[0]],
    strides: [a.strides[1], a.strides[0]],
  };
}

function upTo(grain: number, extent: number): number {
  return Math.ceil(extent / grain) * grain;
}

/** The length of equal pieces of an axis, no longer than `most`, a multiple of `grain`. */
function pieceOf(extent: number, most: number, grain: number): number {
  const length = Math.ceil(extent / Math.ceil(extent / most));
  return Math.min(extent, upTo(grain, length));
}

/** A loop over `[0, extent)` by pieces of `size`, the last of which may be shorter. */
function pieces(
  context: FunctionContext,
  code: Stmt[],
  extent: number,
  size: number,
  body: (first: Affine, count: Extent, code: Stmt[]) => void,
): void {
  if (extent <= size) {
    body({ constant: 0, terms: [] }, { most: extent, value: k.i32(extent) }, code);
    return;
  }
  const inner: Stmt[] = [];
  const first = loopIndex(context, extent);
  const left = k.sub(k.i32(extent), indexExpr(first.at));
  const count = extent % size === 0 ? k.i32(size) : lesser(k.i32(size), left);
  const value = count.kind === "const" ? count : context.bind(inner, "n", count);
  body(first.at, { most: size, value }, inner);
  const [from, to] = [k.i32(0), k.i32(extent)];
  code.push({ kind: "for", index: first.name, from, to, step: size, body: inner });
}

function lesser(x: Expr, y: Expr): Expr {
  return k.select(k.lt(x, y), x, y);
}

function loopIndex(context: FunctionContext, extent: number) {
  const { name } = context.local("b", "i32");
  const at = variableIndex({ id: context.variableId(), expr: k.index(name), depth: 0, extent });
  return { name, at };
}

/** A value as an index of `[0, extent)`. */
function indexOf(context: FunctionContext, expr: Expr, extent: number): Affine {
  return variableIndex({ id: context.variableId(), expr, depth: 0, extent });
}

/**
 * Loops over `[from, to)` by `size`, and then what is left of it where the axis `all` is no multiple
 * of `size`. `from` is a multiple of `size`.
 */
function bySize(
  context: FunctionContext,
  code: Stmt[],
  { from, to, all, size }: { from: Expr; to: Expr; all: number; size: number },
  body: (first: Affine, count: number, code: Stmt[]) => void,
): void {
  const rest = all % size;
  const { name, at } = loopIndex(context, all);
  const inner: Stmt[] = [];
  body(at, size, inner);
  const known = to.kind === "const" ? Number(to.value) : undefined;
  const full =
    known === undefined
      ? context.bind(code, "f", k.sub(to, k.binary("rem", to, k.i32(size))))
      : k.i32(known - (known % size));
  code.push({ kind: "for", index: name, from, to: full, step: size, body: inner });
  if (rest === 0 || (known !== undefined && known % size === 0)) return;
  const narrow: Stmt[] = [];
  body(indexOf(context, full, all), rest, narrow);
  // Only the end of the axis is no multiple.
  code.push(k.when(k.lt(full, to), narrow));
}

interface PackPart {
  readonly p0: Affine;
  readonly count: Extent;
  readonly depth: number;
  readonly first: Affine;
  readonly extent: Extent;
  readonly shared: boolean;
}

interface Panels {
  readonly array: ArrayRef;
  readonly buffer: string;
  readonly size: number;
  /** Whether a last panel of fewer rows is filled up with zeros. */
  readonly filled: boolean;
}

/** Copies rows of an array to panels of `size` rows, each with the inner axis first. */
function pack(
  context: FunctionContext,
  code: Stmt[],
  { array, buffer, size, filled }: Panels,
  { p0, count, depth, first, extent, shared }: PackPart,
): void {
  const [all] = array.shape;
  const each = Math.max(size, Math.floor(PACK_TASK / depth / size) * size);
  split(context, code, extent, each, shared, (from, to, body) => {
    bySize(context, body, { from, to, all, size }, (j, wide, inPanel) => {
      const { name, at: p } = loopIndex(context, depth);
      const copy: Stmt[] = [];
      const step = filled ? size : wide;
      const to = plus(scale(j, depth), scale(p, step));
      const source = plus(first, j);
      if (array.strides[0] === 1) {
        loopOver(
          context,
          copy,
          wide,
          (c, each) => {
            const value = load(array, [plus(source, c), plus(p0, p)]);
            each.push(k.store(buffer, indexExpr(plus(to, c)), value));
          },
          { parallel: true },
        );
      } else {
        for (let c = 0; c < wide; c++) {
          const value = load(array, [shift(source, c), plus(p0, p)]);
          copy.push(k.store(buffer, indexExpr(shift(to, c)), value));
        }
      }
      for (let c = wide; c < step; c++) {
        copy.push(k.store(buffer, indexExpr(shift(to, c)), k.f64(0)));
      }
      inPanel.push({
        kind: "for",
        index: name,
        from: k.i32(0),
        to: count.value,
        step: 1,
        body: copy,
      });
    });
  });
}

/** The range `[0, extent)` in tasks of `each`; `body` gets the bounds of one. */
function split(
  context: FunctionContext,
  code: Stmt[],
  extent: Extent,
  each: number,
  shared: boolean,
  body: (from: Expr, to: Expr, code: Stmt[]) => void,
): void {
  const count = Math.ceil(extent.most / each);
  if (!shared || count < 2) {
    body(k.i32(0), extent.value, code);
    return;
  }
  const task = context.local("task", "i32").name;
  const inner: Stmt[] = [];
  const from = context.bind(inner, "from", k.mul(k.index(task), k.i32(each)));
  const end = k.add(from, k.i32(each));
  const to = context.bind(inner, "to", lesser(end, extent.value));
  body(from, to, inner);
  code.push(k.concurrent(task, count, inner));
}

/** Tasks of rows and columns of a block. */
function tasks(block: Block, code: Stmt[], rows: Extent, columns: Extent, shared: boolean): void {
  const { context, out, depth } = block;
  const columnsOf = TILE_COLUMNS[block.of];
  const [m, n] = out.shape;
  let wide = Math.min(upTo(columnsOf, n), WIDTH);
  const some = (work: number, grain: number): number =>
    Math.max(1, Math.floor(work / grain)) * grain;
  const high = Math.min(some(TASK / (depth * wide), ROWS), upTo(ROWS, m));
  if (m <= high) wide = Math.min(wide, Math.max(16, some(TASK / (depth * high), columnsOf)));
  const across = Math.ceil(columns.most / wide);
  const count = shared ? across * Math.ceil(rows.most / high) : 1;
  const inner: Stmt[] = [];
  let bounds = { top: k.i32(0), bottom: rows.value, from: k.i32(0), to: columns.value };
  const task = context.local("task", "i32").name;
  const bind = (e: Expr): Expr => context.bind(inner, "t", e);
  if (count > 1) {
    const down = bind(k.div(k.index(task), k.i32(across)));
    const top = bind(k.mul(down, k.i32(high)));
    const over = k.binary("rem", k.index(task), k.i32(across));
    const from = bind(k.mul(over, k.i32(wide)));
    bounds = {
      top,
      bottom: bind(lesser(k.add(top, k.i32(high)), rows.value)),
      from,
      to: bind(lesser(k.add(from, k.i32(wide)), columns.value)),
    };
  }
  const { top, bottom, from, to } = bounds;
  // Of one thread's block, panels that the second-level cache holds go by all rows.
  const strips = count > 1 ? [undefined] : [wide];
  for (const strip of strips) {
    const body = (first: Expr, last: Expr, into: Stmt[]): void => {
      bySize(context, into, { from: top, to: bottom, all: m, size: ROWS }, (i, high, inRows) => {
        const range = { from: first, to: last, all: n, size: columnsOf };
        bySize(context, inRows, range, (j, across, inPanel) => {
          multiply(block, inPanel, i, high, j, across);
        });
      });
    };
    if (strip === undefined || columns.most <= strip) body(from, to, inner);
    else {
      const { name } = context.local("b", "i32");
      const one: Stmt[] = [];
      const last = context.bind(one, "to", lesser(k.add(k.index(name), k.i32(strip)), to));
      body(k.index(name), last, one);
      inner.push({ kind: "for", index: name, from, to, step: strip, body: one });
    }
  }
  if (count > 1) code.push(k.concurrent(task, count, inner));
  else code.push(...inner);
}

/** A tile of the result: four rows of the left factor times one panel. */
function multiply(
  block: Block,
  code: Stmt[],
  i: Affine,
  rows: number,
  j: Affine,
  width: number,
): void {
  const { x, left, out, packed, depth, p0, count, i0, j0, of } = block;
  const columns = TILE_COLUMNS[of];
  const to = bufferOf(out);
  const row = plus(i0, i);
  const from = left === undefined ? bufferOf(x) : undefined;
  code.push({
    kind: "tile",
    of,
    rows,
    columns,
    width,
    steps: count.value,
    left:
      from === undefined
        ? { buffer: left!, at: indexExpr(scale(i, depth)), row: 1, step: rows }
        : {
            buffer: from.buffer,
            at: indexExpr(plus(from.offset, linear([row, p0], x.strides))),
            row: x.strides[0],
            step: x.strides[1],
          },
    right: { buffer: packed, at: indexExpr(scale(j, depth)) },
    out: {
      buffer: to.buffer,
      at: indexExpr(plus(to.offset, linear([row, plus(j0, j)], out.strides))),
      row: out.strides[0],
    },
    // Later pieces of the inner axis are added to the first.
    onto: indexExpr(p0),
  });
}

function bufferOf({ home }: ArrayRef) {
  return home.kind === "buffer" ? home : internalError("a blocked product of one element");
}
