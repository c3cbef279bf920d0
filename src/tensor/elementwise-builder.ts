/**
 * Elementwise operations of the builder: broadcasting of scalars, order of commutative operands,
 * and the identities that are true of every value, NaN and infinities included.
 */
import { internalError } from "../base/internal.js";
import { BuilderCore } from "./builder-core.js";
import type { BinaryFn, DType, Node, Shape, TernaryFn, UnaryFn } from "./ops.js";
import { sameShape } from "./shape-rules.js";

const commutative: ReadonlySet<BinaryFn> = new Set([
  "add",
  "mul",
  "max",
  "min",
  "eq",
  "ne",
  "and",
  "or",
]);

/** The one value of a scalar constant or of a broadcast of one; undefined for anything else. */
export function uniformValue(n: Node): number | undefined {
  if (n.op === "const") return n.data.length === 1 ? n.data[0] : undefined;
  if (n.op === "broadcast" && n.x.op === "const" && n.x.data.length === 1) return n.x.data[0];
  return undefined;
}

/** `axes` of two broadcasts to one shape are the same. */
function sameAxes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((axis, k) => axis === b[k]);
}

export abstract class ElementwiseBuilder extends BuilderCore {
  abstract broadcast(x: Node, shape: Shape, axes?: readonly number[]): Node;

  /** A scalar spread over `shape`; a node of that shape as it is. */
  private spread(x: Node, shape: Shape): Node {
    if (x.shape.length === shape.length && sameShape(x.shape, shape)) return x;
    if (x.shape.length !== 0) internalError(`operands [${x.shape}] and [${shape}]`);
    return this.broadcast(x, shape, []);
  }

  /** `fn` at each element. */
  unary(fn: UnaryFn, x: Node): Node {
    // One evaluation of what is repeated: the loop over the larger shape then only copies.
    if (x.op === "broadcast") return this.broadcast(this.unary(fn, x.x), x.shape, x.axes);
    if (fn === "neg" && x.op === "unary" && x.fn === "neg") return x.x;
    return this.makeUnary(fn, x);
  }

  /** The node itself, `x` no broadcast; where a subclass rewrites. */
  protected makeUnary(fn: UnaryFn, x: Node): Node {
    return this.intern<"unary">(`u${fn} ${x.id}`, { op: "unary", fn, x, shape: [], dtype: "real" });
  }

  /** `fn` at each pair; operands of equal shape, or one of rank 0. */
  binary(fn: BinaryFn, x: Node, y: Node): Node {
    const shape = x.shape.length >= y.shape.length ? x.shape : y.shape;
    if (x.shape.length !== 0 && y.shape.length !== 0 && !sameShape(x.shape, y.shape)) {
      internalError(`${fn} of [${x.shape}] and [${y.shape}]`);
    }
    const repeated = this.pushed([x, y], shape);
    if (repeated !== undefined) {
      const [a, b] = repeated.operands;
      return this.broadcast(this.binary(fn, a, b), shape, repeated.axes);
    }
    const local = this.localBinary(fn, x, y);
    if (local !== undefined && local.shape.length === shape.length) return local;
    if (local !== undefined) return this.broadcast(local, shape, []);
    let a = this.spread(x, shape);
    let b = this.spread(y, shape);
    if (commutative.has(fn) && swaps(a, b)) [a, b] = [b, a];
    return this.makeBinary(fn, a, b);
  }

  /** The node itself, operands of one shape and in order; where a subclass rewrites. */
  protected makeBinary(fn: BinaryFn, x: Node, y: Node): Node {
    const draft = { op: "binary", fn, x, y, shape: x.shape, dtype: "real" } as const;
    return this.intern<"binary">(`b${fn} ${x.id} ${y.id}`, draft);
  }

  /** `fn` at each triple; operands of equal shape, or of rank 0. */
  ternary(fn: TernaryFn, x: Node, y: Node, z: Node): Node {
    let shape = x.shape;
    if (y.shape.length > shape.length) shape = y.shape;
    if (z.shape.length > shape.length) shape = z.shape;
    if (fn === "select") {
      const condition = uniformValue(x);
      if (condition !== undefined) return this.spread(condition !== 0 ? y : z, shape);
      if (y === z) return this.spread(y, shape);
    }
    const repeated = this.pushed([x, y, z], shape);
    if (repeated !== undefined) {
      const [a, b, c] = repeated.operands;
      return this.broadcast(this.ternary(fn, a, b, c), shape, repeated.axes);
    }
    const a = this.spread(x, shape);
    const b = this.spread(y, shape);
    const c = this.spread(z, shape);
    return this.makeTernary(fn, a, b, c);
  }

  /** The node itself, operands of one shape; where a subclass rewrites. */
  protected makeTernary(fn: TernaryFn, x: Node, y: Node, z: Node): Node {
    const draft = { op: "ternary", fn, x, y, z, shape: x.shape, dtype: "real" } as const;
    return this.intern<"ternary">(`t${fn} ${x.id} ${y.id} ${z.id}`, draft);
  }

  /**
   * The operands before a common broadcast: where each is a scalar, a broadcast scalar, or a
   * broadcast along the same axes, the function can be taken before the broadcast.
   */
  private pushed(
    operands: readonly Node[],
    shape: Shape,
  ): { readonly operands: readonly Node[]; readonly axes: readonly number[] } | undefined {
    let axes: readonly number[] | undefined;
    for (const n of operands) {
      if (n.shape.length === 0) continue;
      if (n.op !== "broadcast") return undefined;
      if (n.axes.length === 0) axes ??= n.axes;
      else if (axes === undefined || axes.length === 0) axes = n.axes;
      else if (!sameAxes(axes, n.axes)) return undefined;
    }
    if (axes === undefined || shape.length === 0) return undefined;
    return {
      axes,
      operands: operands.map((n) => {
        if (n.op !== "broadcast" || n.shape.length === 0) return n;
        if (!sameShape(n.shape, shape)) internalError(`operands [${n.shape}] and [${shape}]`);
        return n.x;
      }),
    };
  }

  private localBinary(fn: BinaryFn, x: Node, y: Node): Node | undefined {
    const a = uniformValue(x);
    const b = uniformValue(y);
    switch (fn) {
      case "add":
        return b === 0 ? x : a === 0 ? y : undefined;
      case "sub":
        return b === 0 ? x : a === 0 ? this.neg(y) : undefined;
      case "mul":
        if (b === 1) return x;
        if (a === 1) return y;
        return b === -1 ? this.neg(x) : a === -1 ? this.neg(y) : undefined;
      case "div":
        if (b === 1) return x;
        return b === -1 ? this.neg(x) : a === 1 ? this.unary("reciprocal", y) : undefined;
      case "pow":
        if (b === 1) return x;
        return b === 2 ? this.square(x) : b === -1 ? this.unary("reciprocal", x) : undefined;
      case "max":
      case "min":
        return x === y ? x : undefined;
      default:
        return undefined;
    }
  }

  /** A number as a node beside `other`: an int where both are, a real otherwise. */
  private lift(x: Node | number, other?: Node | number): Node {
    if (typeof x !== "number") return x;
    const int = typeof other === "object" && other.dtype !== "real" && Number.isInteger(x);
    const dtype: DType = int ? "int" : "real";
    return this.constant(x, [], dtype);
  }
  private u(fn: UnaryFn, x: Node | number): Node {
    return this.unary(fn, this.lift(x));
  }
  private b(fn: BinaryFn, x: Node | number, y: Node | number): Node {
    return this.binary(fn, this.lift(x, y), this.lift(y, x));
  }

  neg(x: Node | number): Node {
    return this.u("neg", x);
  }
  not(x: Node | number): Node {
    return this.u("not", x);
  }
  abs(x: Node | number): Node {
    return this.u("abs", x);
  }
  sign(x: Node | number): Node {
    return this.u("sign", x);
  }
  floor(x: Node | number): Node {
    return this.u("floor", x);
  }
  ceil(x: Node | number): Node {
    return this.u("ceil", x);
  }
  round(x: Node | number): Node {
    return this.u("round", x);
  }
  trunc(x: Node | number): Node {
    return this.u("trunc", x);
  }
  exp(x: Node | number): Node {
    return this.u("exp", x);
  }
  log(x: Node | number): Node {
    return this.u("log", x);
  }
  log1p(x: Node | number): Node {
    return this.u("log1p", x);
  }
  expm1(x: Node | number): Node {
    return this.u("expm1", x);
  }
  sqrt(x: Node | number): Node {
    return this.u("sqrt", x);
  }
  square(x: Node | number): Node {
    return this.u("square", x);
  }
  reciprocal(x: Node | number): Node {
    return this.u("reciprocal", x);
  }
  sin(x: Node | number): Node {
    return this.u("sin", x);
  }
  cos(x: Node | number): Node {
    return this.u("cos", x);
  }
  tan(x: Node | number): Node {
    return this.u("tan", x);
  }
  asin(x: Node | number): Node {
    return this.u("asin", x);
  }
  acos(x: Node | number): Node {
    return this.u("acos", x);
  }
  atan(x: Node | number): Node {
    return this.u("atan", x);
  }
  sinh(x: Node | number): Node {
    return this.u("sinh", x);
  }
  cosh(x: Node | number): Node {
    return this.u("cosh", x);
  }
  tanh(x: Node | number): Node {
    return this.u("tanh", x);
  }
  asinh(x: Node | number): Node {
    return this.u("asinh", x);
  }
  acosh(x: Node | number): Node {
    return this.u("acosh", x);
  }
  atanh(x: Node | number): Node {
    return this.u("atanh", x);
  }
  sigmoid(x: Node | number): Node {
    return this.u("sigmoid", x);
  }
  /** log(1 + exp x). */
  softplus(x: Node | number): Node {
    return this.u("softplus", x);
  }
  /** log(1 − exp x) for x < 0. */
  log1mexp(x: Node | number): Node {
    return this.u("log1mexp", x);
  }
  lgamma(x: Node | number): Node {
    return this.u("lgamma", x);
  }
  digamma(x: Node | number): Node {
    return this.u("digamma", x);
  }
  trigamma(x: Node | number): Node {
    return this.u("trigamma", x);
  }
  erf(x: Node | number): Node {
    return this.u("erf", x);
  }
  erfc(x: Node | number): Node {
    return this.u("erfc", x);
  }
  /** exp(x²) erfc(x). */
  erfcx(x: Node | number): Node {
    return this.u("erfcx", x);
  }
  /** log Φ(x). */
  logNdtr(x: Node | number): Node {
    return this.u("log_ndtr", x);
  }
  /** Φ⁻¹(p). */
  ndtri(p: Node | number): Node {
    return this.u("ndtri", p);
  }
  /** log I₀(x). */
  logI0(x: Node | number): Node {
    return this.u("log_i0", x);
  }
  /** I₁(x) / I₀(x). */
  besselRatio(x: Node | number): Node {
    return this.u("bessel_ratio", x);
  }

  add(x: Node | number, y: Node | number): Node {
    return this.b("add", x, y);
  }
  sub(x: Node | number, y: Node | number): Node {
    return this.b("sub", x, y);
  }
  mul(x: Node | number, y: Node | number): Node {
    return this.b("mul", x, y);
  }
  div(x: Node | number, y: Node | number): Node {
    return this.b("div", x, y);
  }
  pow(x: Node | number, y: Node | number): Node {
    return this.b("pow", x, y);
  }
  atan2(y: Node | number, x: Node | number): Node {
    return this.b("atan2", y, x);
  }
  /** Remainder with the sign of the divisor. */
  mod(x: Node | number, y: Node | number): Node {
    return this.b("mod", x, y);
  }
  max(x: Node | number, y: Node | number): Node {
    return this.b("max", x, y);
  }
  min(x: Node | number, y: Node | number): Node {
    return this.b("min", x, y);
  }
  lt(x: Node | number, y: Node | number): Node {
    return this.b("lt", x, y);
  }
  le(x: Node | number, y: Node | number): Node {
    return this.b("le", x, y);
  }
  gt(x: Node | number, y: Node | number): Node {
    return this.b("gt", x, y);
  }
  ge(x: Node | number, y: Node | number): Node {
    return this.b("ge", x, y);
  }
  eq(x: Node | number, y: Node | number): Node {
    return this.b("eq", x, y);
  }
  ne(x: Node | number, y: Node | number): Node {
    return this.b("ne", x, y);
  }
  and(x: Node | number, y: Node | number): Node {
    return this.b("and", x, y);
  }
  or(x: Node | number, y: Node | number): Node {
    return this.b("or", x, y);
  }
  /** Regularised lower incomplete gamma P(a, x). */
  gammaP(a: Node | number, x: Node | number): Node {
    return this.b("gamma_p", a, x);
  }
  /** ∂P(a, x)/∂a. */
  gammaPShape(a: Node | number, x: Node | number): Node {
    return this.b("gamma_p_da", a, x);
  }
  /** `condition ? x : y`, elementwise. */
  select(condition: Node, x: Node | number, y: Node | number): Node {
    return this.ternary("select", condition, this.lift(x, y), this.lift(y, x));
  }
  /** Regularised incomplete beta I_z(a, b). */
  betaInc(a: Node | number, b: Node | number, z: Node | number): Node {
    return this.ternary("beta_inc", this.lift(a), this.lift(b), this.lift(z));
  }
}

/** Whether commutative operands stand in the wrong order: constants second, then older first. */
function swaps(a: Node, b: Node): boolean {
  const ca = uniformValue(a) !== undefined;
  const cb = uniformValue(b) !== undefined;
  return ca === cb ? a.id > b.id : ca;
}
