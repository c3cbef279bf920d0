/** Arrays as the hand-written loops of linear algebra see them: strided, batch axes first. */
import { internalError } from "../../base/internal.js";
import * as k from "../../kernel/build.js";
import type { Expr, Local, Reduction, Stmt } from "../../kernel/ir.js";
import type { Node, Shape } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import type { FunctionContext, Storage } from "./context.js";
import type { RegionEmitter } from "./emit-loops.js";
import {
  type Affine,
  constantIndex,
  indexExpr,
  linear,
  plus,
  variableIndex,
  zeroIndex,
} from "./index-maps.js";

/** Memory (or, of one element, a local) with strides per axis, in elements. */
export interface ArrayRef {
  readonly shape: Shape;
  readonly home:
    | { readonly kind: "local"; readonly local: Local }
    | { readonly kind: "buffer"; readonly buffer: string; readonly offset: Affine };
  readonly strides: readonly number[];
}

/** A node as an array: a window of a root, an input or a constant. */
export function arrayOf(region: RegionEmitter, node: Node): ArrayRef {
  const view =
    region.plan.roots.viewOf(node) ?? internalError(`${node.op} is read as a whole, unstored`);
  const storage = region.values.storageOf(view.base);
  const { shape } = node;
  if (storage.kind === "local") return { shape, home: storage, strides: view.strides };
  if (storage.kind === "block") internalError("a block is read as a whole");
  // What a loop is given may lie in memory in another order than its shape tells.
  if (!isDense(storage.strides, view.base.shape)) {
    const whole = arrayIn(storage, view.base.shape);
    if (view.base === node) return whole;
    const { home } = denseCopy(region, whole);
    return { shape, home: { ...home, offset: constantIndex(view.offset) }, strides: view.strides };
  }
  const offset = plus(storage.offset, { constant: view.offset, terms: [] });
  const home = { kind: "buffer", buffer: storage.buffer, offset } as const;
  return { shape, home, strides: view.strides };
}

function isDense(strides: readonly number[], shape: Shape): boolean {
  const dense = stridesOf(shape);
  return shape.every((size, k) => size === 1 || strides[k] === dense[k]);
}

/** Copied to scratch memory where it is read, so that views of it have strides. */
function denseCopy(region: RegionEmitter, from: ArrayRef) {
  const { context, values } = region;
  const buffer = region.take(sizeOf(from.shape));
  const to = denseArray(from.shape, buffer);
  loopsOver(context, values.code, from.shape, (at, inner) => {
    inner.push(store(to, at, load(from, at)));
  });
  return { home: { kind: "buffer", buffer } as const };
}

/** A dense array in a buffer. */
export function denseArray(shape: Shape, buffer: string): ArrayRef {
  return { shape, home: { kind: "buffer", buffer, offset: zeroIndex }, strides: stridesOf(shape) };
}

export function arrayIn(storage: Storage, shape: Shape): ArrayRef {
  if (storage.kind === "block") return internalError("a block is not an array");
  if (storage.kind === "local") return { shape, home: storage, strides: stridesOf(shape) };
  const { buffer, offset, strides } = storage;
  return { shape, home: { kind: "buffer", buffer, offset }, strides };
}

export function load(array: ArrayRef, at: readonly Affine[]): Expr {
  const { home } = array;
  if (home.kind === "local") return k.get(home.local);
  return k.load(home.buffer, indexExpr(plus(home.offset, linear(at, array.strides))));
}

export function store(array: ArrayRef, at: readonly Affine[], value: Expr): Stmt {
  const { home } = array;
  if (home.kind === "local") return k.set(home.local, value);
  return k.store(home.buffer, indexExpr(plus(home.offset, linear(at, array.strides))), value);
}

/** The matrix at the batch coordinates; an array without batch axes is the same for all. */
export function matrixAt(array: ArrayRef, batch: readonly Affine[]): ArrayRef {
  const extra = array.shape.length - 2;
  if (extra <= 0) return array;
  const { home } = array;
  const shape = array.shape.slice(extra);
  const strides = array.strides.slice(extra);
  if (home.kind === "local") return { shape, home, strides };
  const offset = plus(home.offset, linear(batch.slice(0, extra), array.strides));
  return { shape, home: { ...home, offset }, strides };
}

export interface LoopOptions {
  readonly from?: Affine;
  /** Exclusive; the extent unless given. */
  readonly to?: Affine;
  readonly reductions?: readonly Reduction[];
  /** Iterations are independent but for the reductions. */
  readonly parallel?: boolean;
  /** From the last index to the first. */
  readonly down?: boolean;
}

/** A loop over `[from, to)` within `[0, extent)`; `body` gets the index and where code goes. */
export function loopOver(
  context: FunctionContext,
  code: Stmt[],
  extent: number,
  body: (index: Affine, code: Stmt[]) => void,
  options: LoopOptions = {},
): void {
  const name = context.local("i", "i32").name;
  const id = context.variableId();
  const index = variableIndex({ id, expr: k.index(name), depth: 0, extent });
  const inner: Stmt[] = [];
  body(index, inner);
  const from = indexExpr(options.from ?? zeroIndex);
  const to = indexExpr(options.to ?? { constant: extent, terms: [] });
  if (options.down === true) {
    const last = k.sub(to, k.i32(1));
    const beforeFirst = k.sub(from, k.i32(1));
    const [start, end] = [simplify(last), simplify(beforeFirst)];
    code.push({ kind: "for", index: name, from: start, to: end, step: -1, body: inner });
    return;
  }
  const parallel =
    options.parallel === true || options.reductions !== undefined
      ? { reductions: options.reductions ?? [] }
      : undefined;
  code.push(k.loop(name, from, to, inner, parallel));
}

/** Loops over all coordinates of a shape, first axis outermost; the innermost is parallel. */
export function loopsOver(
  context: FunctionContext,
  code: Stmt[],
  shape: Shape,
  body: (at: readonly Affine[], code: Stmt[]) => void,
  options: { readonly parallel: boolean } = { parallel: true },
  at: readonly Affine[] = [],
): void {
  if (at.length === shape.length) {
    body(at, code);
    return;
  }
  const extent = shape[at.length];
  if (extent === 1) {
    loopsOver(context, code, shape, body, options, [...at, zeroIndex]);
    return;
  }
  const innermost = shape.slice(at.length + 1).every((n) => n === 1);
  loopOver(
    context,
    code,
    extent,
    (index, inner) => loopsOver(context, inner, shape, body, options, [...at, index]),
    { parallel: options.parallel && innermost },
  );
}

function simplify(e: Expr): Expr {
  if (e.kind !== "binary" || e.x.kind !== "const" || e.y.kind !== "const") return e;
  return k.i32(Number(e.x.value) - Number(e.y.value));
}
