/** Coefficients as numbers where they are known and as nodes where they depend on points. */
import { internalError } from "../../base/internal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { constant, multiply, scalarConstant, spreadData, sumOut, zip } from "./arrays.js";
import { type Axis, type Coefficient, type Constant, unionOf } from "./terms.js";

/** Products of known arrays are formed up to this many numbers (512 MiB). */
export const MAX_PRODUCT = 1 << 26;

/** The node of a coefficient over `axes`, which contain its own; repeated along the others. */
export function alignedNode(g: GraphBuilder, c: Coefficient, axes: readonly Axis[]): Node {
  const node =
    c.kind === "node"
      ? c.node
      : g.constant(
          c.data,
          c.axes.map((a) => a.size),
        );
  return spreadNode(g, node, c.axes, axes);
}

/** A node over `from`, transposed and repeated over `to`. */
export function spreadNode(
  g: GraphBuilder,
  node: Node,
  from: readonly Axis[],
  to: readonly Axis[],
): Node {
  const own = to.filter((a) => from.includes(a));
  const perm = own.map((a) => from.indexOf(a));
  const ordered = perm.every((p, k) => p === k) ? node : g.transpose(node, perm);
  const shape = to.map((a) => a.size);
  return g.broadcast(
    ordered,
    shape,
    own.map((a) => to.indexOf(a)),
  );
}

const isWithin = (a: Coefficient, b: Coefficient): boolean =>
  a.axes.every((x) => b.axes.includes(x));

/** The product of two coefficients over the union of their axes. */
export function product(g: GraphBuilder, a: Coefficient, b: Coefficient): Coefficient {
  if (a.kind === "constant" && b.kind === "constant") return multiply(a, b);
  const axes = unionOf([a, b]);
  return { kind: "node", axes, node: g.mul(alignedNode(g, a, axes), alignedNode(g, b, axes)) };
}

const isNumber = (c: Coefficient): boolean => c.kind === "constant" && c.axes.length === 0;
/** Known arrays of which a copy takes time. */
const isLarge = (c: Coefficient): boolean => c.kind === "constant" && c.data.length >= 1 << 16;

/**
 * The list with `c` multiplied in: into a factor of its kind that is no smaller (or that is no
 * larger than it), else as a factor of its own.
 */
export function withFactor(
  g: GraphBuilder,
  list: readonly Coefficient[],
  c: Coefficient,
): Coefficient[] {
  if (c.kind === "constant" && c.axes.length === 0 && c.data[0] === 1) return [...list];
  const k = list.findIndex((d) => {
    // A number and data stay apart, so that data are not copied for each sign and factor.
    if (isNumber(c) !== isNumber(d) && (isLarge(c) || isLarge(d))) return false;
    return d.kind === c.kind && (isWithin(c, d) || isWithin(d, c));
  });
  if (k < 0) return [...list, c];
  const merged = product(g, list[k], c);
  const rest = list.filter((_, i) => i !== k);
  // A product that is 1 leaves.
  return withFactor(g, rest, merged);
}

/** The coefficient summed over `axes` of its own. */
export function summed(g: GraphBuilder, c: Coefficient, axes: ReadonlySet<Axis>): Coefficient {
  if (c.kind === "constant") return sumOut(c, axes);
  const at = c.axes.flatMap((a, k) => (axes.has(a) ? [k] : []));
  if (at.length === 0) return c;
  return { kind: "node", axes: c.axes.filter((a) => !axes.has(a)), node: g.sum(c.node, at) };
}

/** Elementwise function of a coefficient. */
export function mapped(
  c: Coefficient,
  onNumber: (v: number) => number,
  onNode: (n: Node) => Node,
): Coefficient {
  return c.kind === "constant"
    ? constant(c.axes, c.data.map(onNumber))
    : { ...c, node: onNode(c.node) };
}

export function powerOf(g: GraphBuilder, c: Coefficient, p: number): Coefficient {
  const onNumber = (v: number): number => {
    if (p === 0.5) return Math.sqrt(v);
    if (p === -0.5) return 1 / Math.sqrt(v);
    return p === -1 ? 1 / v : v ** p;
  };
  return mapped(c, onNumber, (n) => {
    if (p === 0.5) return g.sqrt(n);
    return p === -0.5 ? g.reciprocal(g.sqrt(n)) : g.pow(n, p);
  });
}

/** All coefficients of a product as one, summed over `sums`. */
export function whole(
  g: GraphBuilder,
  list: readonly Coefficient[],
  sums: readonly Axis[],
): Coefficient {
  const all = list.reduce((a, b) => product(g, a, b), scalarConstant(1) as Coefficient);
  return summed(g, all, new Set(sums));
}

/** The numbers of a known array over `axes` (which contain its own) in that order. */
export function numbersOver(c: Coefficient, axes: readonly Axis[]): Float64Array {
  if (c.kind !== "constant") return internalError("a coefficient that is not known");
  return spreadData(c.data, c.axes, axes);
}

/** The sum of two coefficients over the union of their axes. */
export function total(g: GraphBuilder, a: Coefficient, b: Coefficient): Coefficient {
  if (a.kind === "constant" && b.kind === "constant") return zip(a, b, (x, y) => x + y);
  const axes = unionOf([a, b]);
  return { kind: "node", axes, node: g.add(alignedNode(g, a, axes), alignedNode(g, b, axes)) };
}

/** Sum of two known arrays. */
export const sumOfConstants = (a: Constant, b: Constant): Constant => zip(a, b, (x, y) => x + y);
