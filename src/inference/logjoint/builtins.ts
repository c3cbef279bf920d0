/** The language's functions as tensor operations: total tables over the builtin names. */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { lbeta, lchoose } from "../../distributions/shared/gamma.js";
import {
  type BinaryBuiltin,
  type BuiltinName,
  binaryBuiltins,
  type ReductionBuiltin,
  reductionBuiltins,
  type StructuralBuiltin,
  type UnaryBuiltin,
  unaryBuiltins,
} from "../../model/builtins.js";
import type { Expr } from "../../model/ir.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { type Context, eventRank, eventShape, expand, type Lowered, unionAxes } from "./context.js";
import { elementwise } from "./elementwise.js";
import { guardOf } from "./guards.js";
import { constantData, type Lowerer, scalarLowered } from "./lowerer.js";
import { lowerMatmul } from "./matmul.js";

type CallExpr = Extract<Expr, { kind: "call" }>;

export const unaryRules: { [K in UnaryBuiltin]: (g: GraphBuilder, x: Node) => Node } = {
  neg: (g, x) => g.neg(x),
  not: (g, x) => g.not(x),
  abs: (g, x) => g.abs(x),
  sign: (g, x) => g.sign(x),
  floor: (g, x) => g.floor(x),
  ceil: (g, x) => g.ceil(x),
  round: (g, x) => g.round(x),
  exp: (g, x) => g.exp(x),
  log: (g, x) => g.log(x),
  log1p: (g, x) => g.unary("log1p", x),
  expm1: (g, x) => g.unary("expm1", x),
  sqrt: (g, x) => g.sqrt(x),
  square: (g, x) => g.square(x),
  sin: (g, x) => g.sin(x),
  cos: (g, x) => g.cos(x),
  tan: (g, x) => g.tan(x),
  asin: (g, x) => g.asin(x),
  acos: (g, x) => g.acos(x),
  atan: (g, x) => g.atan(x),
  sinh: (g, x) => g.sinh(x),
  cosh: (g, x) => g.cosh(x),
  tanh: (g, x) => g.tanh(x),
  asinh: (g, x) => g.asinh(x),
  acosh: (g, x) => g.acosh(x),
  atanh: (g, x) => g.atanh(x),
  sigmoid: (g, x) => g.sigmoid(x),
  logit: (g, x) => g.sub(g.log(x), g.unary("log1p", g.neg(x))),
  softplus: (g, x) => g.softplus(x),
  log1mexp: (g, x) => g.unary("log1mexp", x),
  lgamma: (g, x) => g.lgamma(x),
  digamma: (g, x) => g.digamma(x),
  erf: (g, x) => g.erf(x),
  erfc: (g, x) => g.erfc(x),
  normal_cdf: (g, x) => g.mul(0.5, g.erfc(g.mul(x, -Math.SQRT1_2))),
  normal_quantile: (g, x) => g.ndtri(x),
  stop_gradient: (g, x) => g.stopGradient(x),
  real: (_, x) => x,
  int: (g, x) => g.trunc(x),
};

export const binaryRules: { [K in BinaryBuiltin]: (g: GraphBuilder, x: Node, y: Node) => Node } = {
  add: (g, x, y) => g.add(x, y),
  sub: (g, x, y) => g.sub(x, y),
  mul: (g, x, y) => g.mul(x, y),
  div: (g, x, y) => g.div(x, y),
  idiv: (g, x, y) => g.floor(g.div(x, y)),
  mod: (g, x, y) => g.mod(x, y),
  pow: (g, x, y) => g.pow(x, y),
  atan2: (g, x, y) => g.binary("atan2", x, y),
  maximum: (g, x, y) => g.max(x, y),
  minimum: (g, x, y) => g.min(x, y),
  lt: (g, x, y) => g.lt(x, y),
  le: (g, x, y) => g.le(x, y),
  gt: (g, x, y) => g.gt(x, y),
  ge: (g, x, y) => g.ge(x, y),
  eq: (g, x, y) => g.eq(x, y),
  ne: (g, x, y) => g.ne(x, y),
  and: (g, x, y) => g.and(x, y),
  or: (g, x, y) => g.or(x, y),
  lbeta,
  lchoose,
};

/** Over `axes`, which hold `count` entries. */
type ReductionRule = (g: GraphBuilder, x: Node, axes: readonly number[], count: number) => Node;
export const reductionRules: { [K in ReductionBuiltin]: ReductionRule } = {
  sum: (g, x, axes) => g.reduce("sum", x, axes),
  prod: (g, x, axes) => g.reduce("prod", x, axes),
  max: (g, x, axes) => g.reduce("max", x, axes),
  min: (g, x, axes) => g.reduce("min", x, axes),
  mean: (g, x, axes, count) => g.div(g.reduce("sum", x, axes), count),
  sd: (g, x, axes, count) => g.sqrt(variance(g, x, axes, count)),
  variance,
  logsumexp: (g, x, axes) => g.logsumexp(x, axes),
  // Of nothing: all hold, none does.
  all: (g, x, axes) => g.min(g.reduce("min", x, axes), 1),
  any: (g, x, axes) => g.max(g.reduce("max", x, axes), 0),
};

function variance(g: GraphBuilder, x: Node, axes: readonly number[], count: number): Node {
  const mean = g.div(g.reduce("sum", x, axes), count);
  const centred = g.sub(x, g.unreduce(mean, x, axes));
  return g.div(g.reduce("sum", g.square(centred), axes), count - 1);
}

type StructuralRule = (l: Lowerer, e: CallExpr, context: Context) => Lowered;
/** For rules of one array argument that keep its loops: `f` sees event dims after `batch` axes. */
const onEvent =
  (f: (g: GraphBuilder, x: Node, batch: number) => Node): StructuralRule =>
  (l, e, context) => {
    const x = l.lower(e.args[0], context);
    return { node: f(l.g, x.node, x.axes.length), axes: x.axes };
  };

const structuralRules: { [K in StructuralBuiltin]: StructuralRule } = {
  matmul: (l, e, context) =>
    lowerMatmul(l, l.lower(e.args[0], context), l.lower(e.args[1], context), context),
  dot: (l, e, context) =>
    lowerMatmul(l, l.lower(e.args[0], context), l.lower(e.args[1], context), context),
  outer: (l, e, context) => {
    const x = l.lower(e.args[0], context);
    const y = l.lower(e.args[1], context);
    const [m] = eventShape(x);
    const [n] = eventShape(y);
    const axes = unionAxes(context, [x, y]);
    const sizes = axes.map((a) => a.size);
    const lead = axes.map((_, k) => k);
    const shape = [...sizes, m, n];
    const rows = l.g.broadcast(expand(l.g, x, axes), shape, [...lead, axes.length]);
    const cols = l.g.broadcast(expand(l.g, y, axes), shape, [...lead, axes.length + 1]);
    return { node: l.g.mul(rows, cols), axes };
  },
  transpose: onEvent((g, x, batch) => {
    const lead = Array.from({ length: batch }, (_, k) => k);
    return g.transpose(x, [...lead, batch + 1, batch]);
  }),
  zeros: (l, e, context) => scalarLowered(l.g.full(sizes(l, e.args, context), 0)),
  ones: (l, e, context) => scalarLowered(l.g.full(sizes(l, e.args, context), 1)),
  fill: (l, e, context) => {
    const x = l.lower(e.args[0], context);
    const dims = sizes(l, e.args.slice(1), context);
    return { node: expand(l.g, x, x.axes, dims), axes: x.axes };
  },
  eye: (l, e, context) => {
    const [n] = sizes(l, e.args, context);
    const data = new Float64Array(n * n);
    for (let i = 0; i < n; i++) data[i * n + i] = 1;
    return scalarLowered(l.g.constant(data, [n, n]));
  },
  range: (l, e, context) => {
    const [from, to] =
      e.args.length === 1 ? [0, ints(l, e.args, context)[0]] : ints(l, e.args, context);
    const n = Math.max(0, to - from);
    const data = Float64Array.from({ length: n }, (_, i) => from + i);
    return scalarLowered(l.g.constant(data, [n], "int"));
  },
  diag: onEvent((g, x, batch) => {
    const n = Math.min(x.shape[batch], x.shape[batch + 1]);
    const columns = x.shape[batch + 1];
    const flat = g.reshape(x, [...x.shape.slice(0, batch), x.shape[batch] * columns]);
    const at = Float64Array.from({ length: n }, (_, i) => i * columns + i);
    return g.gather(flat, g.constant(at, [n], "int"), batch);
  }),
  diag_matrix: onEvent((g, x, batch) => {
    const n = x.shape[batch];
    const at = Float64Array.from({ length: n }, (_, i) => i * n + i);
    const lead = x.shape.slice(0, batch);
    const flat = g.scatterAdd(x, g.constant(at, [n], "int"), batch, [...lead, n * n]);
    return g.reshape(flat, [...lead, n, n]);
  }),
  trace: onEvent((g, x, batch) => {
    const n = Math.min(x.shape[batch], x.shape[batch + 1]);
    const columns = x.shape[batch + 1];
    const flat = g.reshape(x, [...x.shape.slice(0, batch), x.shape[batch] * columns]);
    const at = Float64Array.from({ length: n }, (_, i) => i * columns + i);
    return g.reduce("sum", g.gather(flat, g.constant(at, [n], "int"), batch), [batch]);
  }),
  cholesky: onEvent((g, x) => g.cholesky(x)),
  inverse: onEvent((g, x, batch) => {
    const n = x.shape[batch];
    const eye = new Float64Array(n * n);
    for (let i = 0; i < n; i++) eye[i * n + i] = 1;
    const identity = g.broadcast(g.constant(eye, [n, n]), x.shape, [batch, batch + 1]);
    return g.solve(x, identity);
  }),
  solve: (l, e, context) => {
    const a = l.lower(e.args[0], context);
    const b = l.lower(e.args[1], context);
    const axes = unionAxes(context, [a, b]);
    const right = expand(l.g, b, axes);
    const isVector = eventRank(b) === 1;
    const columns = isVector ? l.g.reshape(right, [...right.shape, 1]) : right;
    const solved = l.g.solve(expand(l.g, a, axes), columns);
    return { node: isVector ? l.g.reshape(solved, right.shape) : solved, axes };
  },
  log_det: onEvent((g, x) => g.logAbsDet(x)),
  cumsum: onEvent((g, x, batch) => g.cumulative("sum", x, batch)),
  cumprod: onEvent((g, x, batch) => g.cumulative("prod", x, batch)),
  softmax: onEvent((g, x, batch) => g.exp(logSoftmax(g, x, batch))),
  log_softmax: onEvent(logSoftmax),
  concat: (l, e, context) => {
    const parts = e.args.map((a) => l.lower(a, context));
    const axes = unionAxes(context, parts);
    return {
      node: l.g.concat(
        parts.map((p) => expand(l.g, p, axes)),
        axes.length,
      ),
      axes,
    };
  },
  reverse: onEvent((g, x, batch) => {
    const n = x.shape[batch];
    const at = Float64Array.from({ length: n }, (_, i) => n - 1 - i);
    return g.gather(x, g.constant(at, [n], "int"), batch);
  }),
  size: (l, e, context) => {
    const dims = eventShape(l.lower(e.args[0], context));
    const axis = e.args.length > 1 ? ints(l, e.args.slice(1), context)[0] : undefined;
    const size = axis === undefined ? dims.reduce((n, d) => n * d, 1) : dims[axis];
    return scalarLowered(l.g.constant(size, [], "int"));
  },
  reshape: (l, e, context) => {
    const x = l.lower(e.args[0], context);
    const dims = sizes(l, e.args.slice(1), context);
    const own = eventShape(x);
    if (own.reduce((n, d) => n * d, 1) !== dims.reduce((n, d) => n * d, 1)) {
      fail("size_mismatch_at_run", e.span, {
        left: `[${own.join(", ")}]`,
        right: `[${dims.join(", ")}]`,
      });
    }
    return { node: l.g.reshape(x.node, [...x.axes.map((a) => a.size), ...dims]), axes: x.axes };
  },
  row_sums: onEvent((g, x, batch) => g.reduce("sum", x, [batch + 1])),
  col_sums: onEvent((g, x, batch) => g.reduce("sum", x, [batch])),
};

function logSoftmax(g: GraphBuilder, x: Node, batch: number): Node {
  return g.sub(x, g.unreduce(g.logsumexp(x, [batch]), x, [batch]));
}

/** Integers that the data alone tells, such as sizes. */
function ints(l: Lowerer, args: readonly Expr[], context: Context): number[] {
  return args.map((a) => {
    const data = constantData(l, l.lower(a, context).node);
    if (data === undefined) return fail("random_index", a.span, {});
    return data[0];
  });
}

function sizes(l: Lowerer, args: readonly Expr[], context: Context): number[] {
  return ints(l, args, context).map((n, k) => {
    if (n >= 0) return n;
    return fail("data_size_negative", args[k].span, { what: "here", value: n });
  });
}

const isUnary: ReadonlySet<string> = new Set(unaryBuiltins);
const isBinary: ReadonlySet<string> = new Set(binaryBuiltins);
const isReduction: ReadonlySet<string> = new Set(reductionBuiltins);

/** A call of a builtin, for all index tuples of the context. */
export function lowerBuiltin(l: Lowerer, e: CallExpr, context: Context): Lowered {
  const { fn } = e;
  if (isUnary.has(fn)) {
    const x = l.lower(e.args[0], context);
    return { node: unaryRules[fn as UnaryBuiltin](l.g, x.node), axes: x.axes };
  }
  if (fn === "and" || fn === "or") {
    // The second operand counts only where the first does not decide: `i > 0 && x[i - 1] > 2`.
    const guard = guardOf(l, e.args[0], context);
    const first = l.lower(e.args[0], context);
    const isOpen = fn === "and";
    if (guard?.data.every((c) => (c !== 0) !== isOpen)) return first;
    const second = l.lower(e.args[1], guard?.where(isOpen) ?? context);
    return elementwise(l, context, [first, second], (x, y) => binaryRules[fn](l.g, x, y));
  }
  if (isBinary.has(fn)) {
    const values = e.args.map((a) => l.lower(a, context));
    return elementwise(l, context, values, (x, y) => binaryRules[fn as BinaryBuiltin](l.g, x, y));
  }
  if (isReduction.has(fn)) {
    const x = l.lower(e.args[0], context);
    const own = eventShape(x);
    const axes = own.map((_, k) => x.axes.length + k);
    const count = own.reduce((n, d) => n * d, 1);
    return { node: reductionRules[fn as ReductionBuiltin](l.g, x.node, axes, count), axes: x.axes };
  }
  const rule: StructuralRule | undefined = structuralRules[fn as StructuralBuiltin];
  if (rule === undefined)
    return internalError(`no lowering of the builtin ${fn satisfies BuiltinName}`);
  return rule(l, e, context);
}
