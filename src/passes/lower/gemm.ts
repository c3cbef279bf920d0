/**
 * Large products of matrices, blocked as Goto and van de Geijn (2008, "Anatomy of high-performance
 * matrix multiplication") block them: a block of the right factor is packed into panels of four
 * columns that lie contiguously, and a tile of 4 × 4 results stays in registers while one panel and
 * four rows of the left factor go by. Each result is summed in the order of the inner axis.
 */
import * as k from "../../kernel/build.js";
import type { Expr, Stmt } from "../../kernel/ir.js";
import { type ArrayRef, load, loopOver, store } from "./arrays.js";
import type { FunctionContext } from "./context.js";
import { type Affine, indexExpr, plus, scale, shift, variableIndex } from "./index-maps.js";

/** Rows and columns of the tile in registers: 8 two-lane sums, which 16 registers hold. */
const ROWS = 4;
const COLUMNS = 4;
/** Length of a panel: it and four rows stay in the first-level cache. */
const DEPTH = 256;
/** Columns that are packed at once: the block stays in the second-level cache. */
const WIDTH = 256;

/** Products of fewer multiplications are not worth the packing. */
const LEAST_WORK = 4096;

/** Whether a product is large enough in every direction to be blocked. */
export function isBlocked(x: ArrayRef, out: ArrayRef): boolean {
  const [m, n] = out.shape;
  const inner = x.shape[1];
  return m >= ROWS && n >= COLUMNS && inner >= 8 && m * n * inner >= LEAST_WORK;
}

/** `out = x y` for a product that `isBlocked`. */
export function emitBlockedMatmul(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  y: ArrayRef,
  out: ArrayRef,
  scratch: (length: number) => string,
): void {
  const [m, n] = out.shape;
  const inner = x.shape[1];
  const depth = Math.min(DEPTH, inner);
  const width = Math.min(WIDTH, n);
  const packed = scratch(depth * width);
  const byColumns = x.strides[1] !== 1 && n > 2 * COLUMNS;
  const left = byColumns ? scratch(depth * ROWS) : undefined;
  const several = inner > depth;
  if (several) {
    loopOver(context, code, m, (i, rows) => {
      loopOver(context, rows, n, (j, body) => body.push(store(out, [i, j], k.f64(0))), {
        parallel: true,
      });
    });
  }
  steps(context, code, inner, depth, (p0, count, blocks) => {
    steps(context, blocks, n, width, (j0, columns, body) => {
      const block: Block = { context, x, left, y, out, packed, depth, p0, count, j0, several };
      panels(block, body, columns, (j, wide, inBlock) => pack(block, inBlock, j, wide));
      tiles(context, body, m, (i0, rows, inRows) => {
        packRows(block, inRows, i0, rows);
        panels(block, inRows, columns, (j, wide, inPanel) => {
          multiply(block, inPanel, i0, rows, j, wide);
        });
      });
    });
  });
}

interface Block {
  readonly context: FunctionContext;
  readonly x: ArrayRef;
  /** Where rows of the left factor are copied to if they are far apart, inner axis first. */
  readonly left: string | undefined;
  readonly y: ArrayRef;
  readonly out: ArrayRef;
  /** Panel after panel, each `depth` rows of its columns. */
  readonly packed: string;
  readonly depth: number;
  readonly p0: Affine;
  readonly count: Expr;
  readonly j0: Affine;
  /** The inner axis has several blocks, whose products are added up. */
  readonly several: boolean;
}

/** A loop over `[0, extent)` by blocks of `size`, the last of which may be shorter. */
function steps(
  context: FunctionContext,
  code: Stmt[],
  extent: number,
  size: number,
  body: (first: Affine, count: Expr, code: Stmt[]) => void,
): void {
  if (extent <= size) {
    body({ constant: 0, terms: [] }, k.i32(extent), code);
    return;
  }
  const inner: Stmt[] = [];
  const first = loopIndex(context, extent);
  const left = k.sub(k.i32(extent), indexExpr(first.at));
  const whole = k.binary("le", k.i32(size), left);
  const count = extent % size === 0 ? k.i32(size) : k.select(whole, k.i32(size), left);
  body(first.at, count.kind === "const" ? count : context.bind(inner, "n", count), inner);
  const [from, to] = [k.i32(0), k.i32(extent)];
  code.push({ kind: "for", index: first.name, from, to, step: size, body: inner });
}

function loopIndex(context: FunctionContext, extent: number) {
  const { name } = context.local("b", "i32");
  const at = variableIndex({ id: context.variableId(), expr: k.index(name), depth: 0, extent });
  return { name, at };
}

/** Tiles of `ROWS` rows, and what is left of them. */
function tiles(
  context: FunctionContext,
  code: Stmt[],
  m: number,
  body: (first: Affine, rows: number, code: Stmt[]) => void,
): void {
  const rest = m % ROWS;
  const { name, at } = loopIndex(context, m);
  const inner: Stmt[] = [];
  body(at, ROWS, inner);
  const [from, to] = [k.i32(0), k.i32(m - rest)];
  code.push({ kind: "for", index: name, from, to, step: ROWS, body: inner });
  if (rest > 0) body({ constant: m - rest, terms: [] }, rest, code);
}

/** The panels of a block's columns; `j` counts from the block's first column. */
function panels(
  { context, out }: Block,
  code: Stmt[],
  columns: Expr,
  body: (j: Affine, wide: number, code: Stmt[]) => void,
): void {
  const n = out.shape[1];
  // Blocks of columns are full but for the last, so only that one can have a narrow panel.
  const rest = n % COLUMNS;
  const { name, at } = loopIndex(context, n);
  const inner: Stmt[] = [];
  body(at, COLUMNS, inner);
  const known = columns.kind === "const" ? Number(columns.value) : undefined;
  const full =
    known !== undefined
      ? k.i32(known - (known % COLUMNS))
      : context.bind(code, "f", k.binary("and", columns, k.i32(-COLUMNS)));
  code.push({ kind: "for", index: name, from: k.i32(0), to: full, step: COLUMNS, body: inner });
  if (rest === 0) return;
  const narrow: Stmt[] = [];
  const id = context.variableId();
  body(variableIndex({ id, expr: full, depth: 0, extent: n }), rest, narrow);
  if (known !== undefined) {
    if (known % COLUMNS !== 0) code.push(...narrow);
    return;
  }
  code.push(k.when(k.binary("lt", full, columns), narrow));
}

/** Copies the columns `j0 + j …` of the right factor into a panel, row after row. */
function pack(block: Block, code: Stmt[], j: Affine, wide: number): void {
  const { context, y, packed, depth, p0, j0 } = block;
  const { name, at: p } = loopIndex(context, depth);
  const body: Stmt[] = [];
  for (let c = 0; c < wide; c++) {
    const to = shift(plus(scale(j, depth), scale(p, wide)), c);
    const from = load(y, [plus(p0, p), shift(plus(j0, j), c)]);
    body.push(k.store(packed, indexExpr(to), from));
  }
  code.push({ kind: "for", index: name, from: k.i32(0), to: block.count, step: 1, body });
}

function packRows(block: Block, code: Stmt[], i0: Affine, rows: number): void {
  const { context, x, left, depth, p0 } = block;
  if (left === undefined) return;
  const { name, at: p } = loopIndex(context, depth);
  const body: Stmt[] = [];
  for (let r = 0; r < rows; r++) {
    const from = load(x, [shift(i0, r), plus(p0, p)]);
    body.push(k.store(left, indexExpr(shift(scale(p, ROWS), r)), from));
  }
  code.push({ kind: "for", index: name, from: k.i32(0), to: block.count, step: 1, body });
}

/** A tile of the result: four rows of the left factor times one panel. */
function multiply(
  block: Block,
  code: Stmt[],
  i0: Affine,
  rows: number,
  j: Affine,
  wide: number,
): void {
  const { context, x, left, out, packed, depth, p0, j0, several } = block;
  const column = (c: Affine): Affine => plus(plus(j0, j), c);
  loopOver(
    context,
    code,
    wide,
    (c, body) => {
      const sums = Array.from({ length: rows }, (_, r) => {
        const sum = context.local("sum");
        const before = several ? load(out, [shift(i0, r), column(c)]) : k.f64(0);
        body.push(k.set(sum, before));
        return sum;
      });
      const { name, at: p } = loopIndex(context, depth);
      const step: Stmt[] = [];
      const from = indexExpr(plus(plus(scale(j, depth), scale(p, wide)), c));
      const right = context.bind(step, "y", k.load(packed, from));
      sums.forEach((sum, r) => {
        const factor =
          left === undefined
            ? load(x, [shift(i0, r), plus(p0, p)])
            : k.load(left, indexExpr(shift(scale(p, ROWS), r)));
        step.push(k.set(sum, k.add(k.get(sum), k.mul(factor, right))));
      });
      body.push({ kind: "for", index: name, from: k.i32(0), to: block.count, step: 1, body: step });
      sums.forEach((sum, r) => {
        body.push(store(out, [shift(i0, r), column(c)], k.get(sum)));
      });
    },
    { parallel: true },
  );
}
