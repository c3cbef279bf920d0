/** Rewriting of reductions: what does not vary along the reduced axes leaves them. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, ReduceFn, Shape } from "../../tensor/ops.js";
import { reduceAt } from "../../tensor/scalar-fns.js";
import { dropAxes, otherAxes } from "../../tensor/shape-rules.js";
import { isConstant } from "./facts.js";

export function reduceRule(
  g: GraphBuilder,
  fn: ReduceFn,
  x: Node,
  axes: readonly number[],
): Node | undefined {
  const shape = dropAxes(x.shape, axes);
  const count = axes.reduce((n, a) => n * x.shape[a], 1);
  if (count === 0) return g.full(shape, reduceAt[fn].start, x.dtype);
  // Nothing is combined along axes of size 1.
  if (count === 1) return g.reshape(x, shape);
  const r = x.shape.length;
  if (x.op === "broadcast") return ofBroadcast(g, fn, x, axes, shape);
  if (x.op === "reduce" && x.fn === fn) {
    const outer = otherAxes(x.x.shape.length, x.axes);
    return g.reduce(fn, x.x, [...x.axes, ...axes.map((a) => outer[a])]);
  }
  if (x.op === "transpose") {
    const kept = otherAxes(r, axes).map((a) => x.perm[a]);
    const ordered = kept.every((a, k) => k === 0 || a > kept[k - 1]);
    if (ordered) {
      return g.reduce(
        fn,
        x.x,
        axes.map((a) => x.perm[a]),
      );
    }
  }
  if (x.op === "reshape" && axes.length === r) return g.reduce(fn, x.x);
  if (fn === "sum") return sumRule(g, x, axes, shape, count);
  return undefined;
}

/** Repeated axes count; the others are reduced before repeating. */
function ofBroadcast(
  g: GraphBuilder,
  fn: ReduceFn,
  x: Extract<Node, { readonly op: "broadcast" }>,
  axes: readonly number[],
  shape: Shape,
): Node | undefined {
  const own = x.axes.flatMap((a, k) => (axes.includes(a) ? [k] : []));
  const times = axes.reduce((n, a) => (x.axes.includes(a) ? n : n * x.shape[a]), 1);
  const kept = otherAxes(x.shape.length, axes);
  const placed = x.axes.filter((a) => !axes.includes(a)).map((a) => kept.indexOf(a));
  const inner = g.reduce(fn, x.x, own);
  let result = inner;
  if (times > 1 && fn === "sum") result = g.mul(inner, times);
  if (times > 1 && fn === "prod") result = g.pow(inner, times);
  return g.broadcast(result, shape, placed);
}

/** `n` at one place of each reduced axis, if it is the same all along them. */
function leaving(
  g: GraphBuilder,
  n: Node,
  axes: readonly number[],
  shape: Shape,
): Node | undefined {
  if (n.op !== "broadcast" || n.axes.some((a) => axes.includes(a))) return undefined;
  const kept = otherAxes(n.shape.length, axes);
  return g.broadcast(
    n.x,
    shape,
    n.axes.map((a) => kept.indexOf(a)),
  );
}

function sumRule(
  g: GraphBuilder,
  x: Node,
  axes: readonly number[],
  shape: Shape,
  count: number,
): Node | undefined {
  switch (x.op) {
    case "unary":
      if (x.fn === "neg") return g.neg(g.sum(x.x, axes));
      return x.fn === "square" ? sumOfSquare(g, x.x, axes, shape) : undefined;
    case "binary":
      return sumOfBinary(g, x, axes, shape, count);
    case "concat": {
      if (!axes.includes(x.axis)) return undefined;
      return x.xs.map((part) => g.sum(part, axes)).reduce((a, b) => g.add(a, b));
    }
    case "pad": {
      const padded = x.shape.flatMap((s, k) => (s === x.x.shape[k] ? [] : [k]));
      return padded.every((k) => axes.includes(k)) ? g.sum(x.x, axes) : undefined;
    }
    case "scatter_add": {
      // Along its axis nothing is lost: the sum over it is the sum over the indices' axes.
      if (!axes.includes(x.axis)) return undefined;
      const extra = x.indices.shape.length - 1;
      const own = axes.flatMap((a) => {
        if (a < x.axis) return [a];
        if (a > x.axis) return [a + extra];
        return Array.from({ length: extra + 1 }, (_, k) => a + k);
      });
      return g.sum(x.x, own);
    }
    default:
      return undefined;
  }
}

/** Σ (x s)² = s² Σ x². */
function sumOfSquare(
  g: GraphBuilder,
  x: Node,
  axes: readonly number[],
  shape: Shape,
): Node | undefined {
  if (x.op !== "binary" || x.fn !== "mul") return undefined;
  for (const [factor, rest] of [
    [x.y, x.x],
    [x.x, x.y],
  ]) {
    const s = leaving(g, factor, axes, shape);
    if (s !== undefined) return g.mul(g.sum(g.square(rest), axes), g.square(s));
  }
  return undefined;
}

function sumOfBinary(
  g: GraphBuilder,
  x: Extract<Node, { readonly op: "binary" }>,
  axes: readonly number[],
  shape: Shape,
  count: number,
): Node | undefined {
  if (x.fn === "mul") {
    for (const [factor, rest] of [
      [x.y, x.x],
      [x.x, x.y],
    ]) {
      const s = leaving(g, factor, axes, shape);
      if (s !== undefined) return g.mul(g.sum(rest, axes), s);
    }
    return undefined;
  }
  if (x.fn !== "add" && x.fn !== "sub") return undefined;
  const constant = (n: Node): boolean => isConstant(n);
  const a = leaving(g, x.x, axes, shape);
  const b = leaving(g, x.y, axes, shape);
  if (a === undefined && b === undefined && !constant(x.x) && !constant(x.y)) return undefined;
  const left = a === undefined ? g.sum(x.x, axes) : g.mul(a, count);
  const right = b === undefined ? g.sum(x.y, axes) : g.mul(b, count);
  return g.binary(x.fn, left, right);
}
