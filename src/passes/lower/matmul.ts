/**
 * Products of matrices. Rows of the result are updated with several rows of the right factor at a
 * time, whose elements are contiguous; a single column is made of dot products.
 */
import * as k from "../../kernel/build.js";
import type { Expr, Stmt } from "../../kernel/ir.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { type ArrayRef, denseArray, load, loopOver, loopsOver, store } from "./arrays.js";
import type { FunctionContext, ProductPrecision } from "./context.js";
import { emitBlockedMatmul, isBlocked } from "./gemm.js";
import { type Affine, plus, shift, variableIndex, zeroIndex } from "./index-maps.js";

/** Rows of the right factor that a row of the result is updated with at once. */
const TILE = 4;
/** Rows of the right factor that are used for all rows of the result before going on. */
const PANEL_ELEMENTS = 16384;

/** `out = x y`. `scratch(length)` gives memory for a transposed copy of y, if one is needed. */
export function emitMatmul(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  y: ArrayRef,
  out: ArrayRef,
  scratch: (length: number, element?: ProductPrecision) => string,
): void {
  const [m, n] = out.shape;
  const inner = x.shape[1];
  if (n === 1) {
    const fromColumns = x.strides[0] === 1 && x.strides[1] !== 1 && m > 1;
    if (fromColumns) {
      updateColumn(context, code, x, y, out);
      return;
    }
    dotProducts(context, code, x, y, out);
    return;
  }
  if (m === 1 && y.strides[0] === 1 && y.strides[1] !== 1) {
    dotProducts(context, code, x, y, out);
    return;
  }
  if (isBlocked(x, out)) {
    emitBlockedMatmul(context, code, x, y, out, scratch);
    return;
  }
  let right = y;
  if (y.strides[1] !== 1 && y.strides[1] !== 0 && m >= 4) {
    right = denseArray(y.shape, scratch(sizeOf(y.shape)));
    loopsOver(context, code, y.shape, (at, body) => body.push(store(right, at, load(y, at))));
  }
  const panel = Math.max(TILE, Math.floor(PANEL_ELEMENTS / n / TILE) * TILE);
  const rest = inner <= panel ? inner : inner % panel === 0 ? panel : inner % panel;
  loopOver(context, code, m, (i, body) => {
    updateRow(context, body, x, right, out, i, { first: zeroIndex, count: rest, set: true });
  });
  if (rest === inner) return;
  const name = context.local("panel", "i32").name;
  const extent = inner - rest;
  const id = context.variableId();
  const at = variableIndex({ id, expr: k.index(name), depth: 0, extent });
  const body: Stmt[] = [];
  loopOver(context, body, m, (i, rows) => {
    const first = shift(at, rest);
    updateRow(context, rows, x, right, out, i, { first, count: panel, set: false });
  });
  const [from, to] = [k.i32(0), k.i32(extent)];
  code.push({ kind: "for", index: name, from, to, step: panel, body });
}

/** `out[i, j] = Σₚ x[i, p] y[p, j]`, each a sum along p. */
function dotProducts(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  y: ArrayRef,
  out: ArrayRef,
): void {
  const inner = x.shape[1];
  loopOverAxis(context, code, out.shape[0], (i, rows) => {
    loopOverAxis(context, rows, out.shape[1], (j, body) => {
      const sum = context.local("dot");
      body.push(k.set(sum, k.f64(0)));
      loopOver(
        context,
        body,
        inner,
        (p, step) => {
          step.push(k.set(sum, k.add(k.get(sum), k.mul(load(x, [i, p]), load(y, [p, j])))));
        },
        { reductions: [{ local: sum.name, fn: "add" }] },
      );
      body.push(store(out, [i, j], k.get(sum)));
    });
  });
}

/** A loop, or none for an axis of length 1. */
function loopOverAxis(
  context: FunctionContext,
  code: Stmt[],
  extent: number,
  body: (index: Affine, code: Stmt[]) => void,
): void {
  if (extent === 1) body(zeroIndex, code);
  else loopOver(context, code, extent, body);
}

/** `out = x y` for one column y, by whole columns of x (which are contiguous). */
function updateColumn(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  y: ArrayRef,
  out: ArrayRef,
): void {
  const transposed = (a: ArrayRef): ArrayRef => ({
    ...a,
    shape: [a.shape[1], a.shape[0]],
    strides: [a.strides[1], a.strides[0]],
  });
  updateRow(context, code, transposed(y), transposed(x), transposed(out), zeroIndex, {
    first: zeroIndex,
    count: x.shape[1],
    set: true,
  });
}

/** The rows of the right factor from `first` on; `set` if nothing was added yet. */
interface Panel {
  readonly first: Affine;
  readonly count: number;
  readonly set: boolean;
}

/** `out[i, :] (+)= Σ x[i, p] y[p, :]` over the rows p of a panel. */
function updateRow(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  y: ArrayRef,
  out: ArrayRef,
  i: Affine,
  { first, count, set: opening }: Panel,
): void {
  const n = out.shape[1];
  const update = (body: Stmt[], rows: readonly Affine[], set: boolean): void => {
    const factors = rows.map((p) => context.bind(body, "x", load(x, [i, p])));
    loopOver(
      context,
      body,
      n,
      (j, step) => {
        let sum: Expr | undefined = set ? undefined : load(out, [i, j]);
        rows.forEach((p, t) => {
          const product = k.mul(factors[t], load(y, [p, j]));
          sum = sum === undefined ? product : k.add(sum, product);
        });
        step.push(store(out, [i, j], sum ?? k.f64(0)));
      },
      { parallel: true },
    );
  };
  const tile = (p: Affine, length: number): Affine[] =>
    Array.from({ length }, (_, t) => shift(p, t));
  // The rest comes first, and sets what the full tiles add to.
  const rest = count === 0 ? 0 : count % TILE === 0 ? TILE : count % TILE;
  update(code, tile(first, rest), opening);
  const tiles = Math.max(0, count - rest) / TILE;
  if (tiles === 0) return;
  const name = context.local("p", "i32").name;
  const extent = tiles * TILE;
  const id = context.variableId();
  const p = variableIndex({ id, expr: k.index(name), depth: 0, extent });
  const body: Stmt[] = [];
  update(body, tile(plus(shift(first, rest), p), TILE), false);
  const [from, to] = [k.i32(0), k.i32(extent)];
  code.push({ kind: "for", index: name, from, to, step: TILE, body });
}
