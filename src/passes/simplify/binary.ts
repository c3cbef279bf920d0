/**
 * Rewriting of elementwise functions of two operands, of one shape and (where the function is
 * commutative) with constants second. Products and sums are reordered so that what is repeated
 * stands outermost; see `repetition`.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { BinaryFn, Node } from "../../tensor/ops.js";
import { isConstant, isNonnegative, operandOf, repetition, uniformValue } from "./facts.js";

type Rule = (g: GraphBuilder, x: Node, y: Node) => Node | undefined;

export const binaryRules: { readonly [F in BinaryFn]?: Rule } = {
  add: (g, x, y) => {
    if (x === y) return g.mul(x, 2);
    const nx = operandOf(x, "neg");
    if (nx !== undefined) return g.sub(y, nx);
    const ny = operandOf(y, "neg");
    if (ny !== undefined) return g.sub(x, ny);
    return addOutward(g, x, y) ?? addOutward(g, y, x);
  },
  sub: (g, x, y) => {
    if (x === y) return g.zeros(x.shape);
    const ny = operandOf(y, "neg");
    if (ny !== undefined) return g.add(x, ny);
    const nx = operandOf(x, "neg");
    if (nx !== undefined) return g.neg(g.add(nx, y));
    if (uniformValue(y) !== undefined) return g.add(x, g.neg(y));
    return subOutward(g, x, y);
  },
  mul: (g, x, y) => {
    if (x === y) return g.square(x);
    if (uniformValue(x) === 0 || uniformValue(y) === 0) return g.zeros(x.shape);
    const nx = operandOf(x, "neg");
    if (nx !== undefined) return g.neg(g.mul(nx, y));
    const ny = operandOf(y, "neg");
    if (ny !== undefined) return g.neg(g.mul(x, ny));
    return mulOutward(g, x, y) ?? mulOutward(g, y, x);
  },
  div: (g, x, y) => {
    if (x === y) return g.ones(x.shape);
    if (isConstant(y) || (y.op === "broadcast" && repetition(x) < repetition(y))) {
      const inverse = g.reciprocal(y);
      // Subnormal divisors have no finite reciprocal.
      if (!isConstant(y) || finiteConstant(inverse)) return g.mul(x, inverse);
    }
    if (x.op === "unary" && x.fn === "neg") return g.neg(g.div(x.x, y));
    if (y.op === "unary" && y.fn === "neg") return g.neg(g.div(x, y.x));
    if (y.op === "unary" && y.fn === "reciprocal") return g.mul(x, y.x);
    if (uniformValue(x) !== undefined) return g.mul(g.reciprocal(y), x);
    if (x.op !== "binary" || x.fn !== "mul") return undefined;
    const [inner, outer] = byRepetition(x.x, x.y);
    return repetition(outer) > 0 ? g.mul(g.div(inner, y), outer) : undefined;
  },
  pow: (g, x, y) => {
    switch (uniformValue(y)) {
      case 0:
        return g.ones(x.shape);
      case 0.5:
        return g.sqrt(x);
      case -0.5:
        return g.reciprocal(g.sqrt(x));
      case 3:
        return g.mul(g.square(x), x);
      case 4:
        return g.square(g.square(x));
      case -2:
        return g.reciprocal(g.square(x));
      default:
        return undefined;
    }
  },
  max: (_g, x, y) => (uniformValue(y) === 0 && isNonnegative(x) ? x : undefined),
  and: (g, x, y) => truthTable(g, x, y, true),
  or: (g, x, y) => truthTable(g, x, y, false),
};

/** `neutral and x` is x, `neutral or x` likewise; the other value decides. */
function truthTable(g: GraphBuilder, x: Node, y: Node, neutral: boolean): Node | undefined {
  if (x === y && x.dtype === "bool") return x;
  for (const [constant, other] of [
    [x, y],
    [y, x],
  ]) {
    const v = uniformValue(constant);
    if (v === undefined) continue;
    if ((v !== 0) !== neutral) return g.full(x.shape, neutral ? 0 : 1, "bool");
    if (other.dtype === "bool") return other;
  }
  return undefined;
}

/** A constant (or repeated constant) without infinities and NaN. */
function finiteConstant(n: Node): boolean {
  if (n.op === "broadcast") return finiteConstant(n.x);
  return n.op === "const" && n.data.every(Number.isFinite);
}

/** The two, the less repeated first. */
function byRepetition(x: Node, y: Node): readonly [Node, Node] {
  return repetition(x) <= repetition(y) ? [x, y] : [y, x];
}

/** Whether a and b are repeated alike, so that an operation of the two is done before repeating. */
function meet(a: Node, b: Node): boolean {
  const ra = repetition(a);
  const rb = repetition(b);
  if (ra >= 2 && rb >= 2) return true;
  // Constants that are not uniform meet too: the result is folded.
  if (isConstant(a) && isConstant(b)) return true;
  return (
    ra === 1 &&
    rb === 1 &&
    a.op === "broadcast" &&
    b.op === "broadcast" &&
    a.axes.length === b.axes.length &&
    a.axes.every((axis, k) => axis === b.axes[k])
  );
}

/** (inner · outer) · y with `outer` more repeated than y, or meeting it. */
function mulOutward(g: GraphBuilder, x: Node, y: Node): Node | undefined {
  if (x.op !== "binary" || x.fn !== "mul") return undefined;
  const [inner, outer] = byRepetition(x.x, x.y);
  if (meet(outer, y)) return g.mul(inner, g.mul(outer, y));
  return repetition(outer) > repetition(y) ? g.mul(g.mul(inner, y), outer) : undefined;
}

/** The parts of inner + outer or inner − outer, where outer is repeated; undefined otherwise. */
interface Shifted {
  readonly inner: Node;
  readonly outer: Node;
  readonly sign: 1 | -1;
}
function shifted(n: Node): Shifted | undefined {
  if (n.op !== "binary") return undefined;
  if (n.fn === "add") {
    const [inner, outer] = byRepetition(n.x, n.y);
    return { inner, outer, sign: 1 };
  }
  // outer − inner has no such form without a negation of the larger array.
  return n.fn === "sub" ? { inner: n.x, outer: n.y, sign: -1 } : undefined;
}

function addOutward(g: GraphBuilder, x: Node, y: Node): Node | undefined {
  const s = shifted(x);
  if (s === undefined) return undefined;
  const { inner, outer, sign } = s;
  if (meet(outer, y)) {
    return g.add(inner, sign > 0 ? g.add(y, outer) : g.sub(y, outer));
  }
  if (repetition(outer) <= repetition(y)) return undefined;
  const rest = g.add(inner, y);
  return sign > 0 ? g.add(rest, outer) : g.sub(rest, outer);
}

function subOutward(g: GraphBuilder, x: Node, y: Node): Node | undefined {
  const left = shifted(x);
  if (left !== undefined) {
    const { inner, outer, sign } = left;
    if (meet(outer, y)) {
      // inner ± outer − y
      return sign > 0 ? g.add(inner, g.sub(outer, y)) : g.sub(inner, g.add(outer, y));
    }
    if (repetition(outer) > repetition(y)) {
      const rest = g.sub(inner, y);
      return sign > 0 ? g.add(rest, outer) : g.sub(rest, outer);
    }
  }
  const right = shifted(y);
  if (right === undefined) return undefined;
  const { inner, outer, sign } = right;
  if (meet(outer, x)) {
    // x − (inner ± outer)
    return g.sub(sign > 0 ? g.sub(x, outer) : g.add(x, outer), inner);
  }
  if (repetition(outer) <= repetition(x)) return undefined;
  const rest = g.sub(x, inner);
  return sign > 0 ? g.sub(rest, outer) : g.add(rest, outer);
}
