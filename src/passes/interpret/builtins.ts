/**
 * The language's functions evaluated on the host: total tables over the builtin names. Elementwise
 * ones are functions of numbers; the others see whole arrays.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Span } from "../../base/span.js";
import * as linalg from "../../math/linalg/index.js";
import * as special from "../../math/special/index.js";
import type {
  BinaryBuiltin,
  ReductionBuiltin,
  StructuralBuiltin,
  UnaryBuiltin,
} from "../../model/builtins.js";
import { type DataValue, elementCount } from "../../model/data.js";
import { emptyArray, scalarValue } from "./frame.js";

const truth = (b: boolean): number => (b ? 1 : 0);

/** Half away from zero; trunc(x + 0.5) would round 0.49999999999999994 up. */
function roundHalfAway(x: number): number {
  const t = Math.trunc(x);
  return Math.abs(x - t) >= 0.5 ? t + Math.sign(x) : t;
}

/** x − y ⌊x / y⌋, with the sign of y. */
function floorMod(x: number, y: number): number {
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r;
}

export const unaryRules: { readonly [K in UnaryBuiltin]: (x: number) => number } = {
  neg: (x) => -x,
  not: (x) => truth(x === 0),
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfAway,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  sigmoid: special.logistic,
  logit: special.logit,
  softplus: special.log1pexp,
  log1mexp: special.log1mexp,
  lgamma: special.lgamma,
  digamma: special.digamma,
  erf: special.erf,
  erfc: special.erfc,
  normal_cdf: special.normalCdf,
  normal_quantile: special.normalQuantile,
  stop_gradient: (x) => x,
  real: (x) => x,
  int: Math.trunc,
};

export const binaryRules: { readonly [K in BinaryBuiltin]: (x: number, y: number) => number } = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  idiv: (x, y) => Math.floor(x / y),
  mod: floorMod,
  pow: (x, y) => x ** y,
  atan2: Math.atan2,
  maximum: Math.max,
  minimum: Math.min,
  lt: (x, y) => truth(x < y),
  le: (x, y) => truth(x <= y),
  gt: (x, y) => truth(x > y),
  ge: (x, y) => truth(x >= y),
  eq: (x, y) => truth(x === y),
  ne: (x, y) => truth(x !== y),
  and: (x, y) => truth(x !== 0 && y !== 0),
  or: (x, y) => truth(x !== 0 || y !== 0),
  lbeta: special.lbeta,
  lchoose: special.lchoose,
};

/** Neumaier's compensated sum (1974). */
function sum(x: Float64Array): number {
  let total = 0;
  let lost = 0;
  for (const v of x) {
    const next = total + v;
    lost += Math.abs(total) >= Math.abs(v) ? total - next + v : v - next + total;
    total = next;
  }
  return Number.isFinite(lost) ? total + lost : total;
}

/** NaN where any element is; the start where there is none. */
function extreme(x: Float64Array, start: number, pick: (a: number, b: number) => number): number {
  let best = start;
  for (const v of x) best = pick(best, v);
  return best;
}

/** With denominator n − 1. */
function variance(x: Float64Array): number {
  const mean = sum(x) / x.length;
  return sum(x.map((v) => (v - mean) ** 2)) / (x.length - 1);
}

export const reductionRules: { readonly [K in ReductionBuiltin]: (x: Float64Array) => number } = {
  sum,
  prod: (x) => x.reduce((a, b) => a * b, 1),
  max: (x) => extreme(x, Number.NEGATIVE_INFINITY, Math.max),
  min: (x) => extreme(x, Number.POSITIVE_INFINITY, Math.min),
  mean: (x) => sum(x) / x.length,
  sd: (x) => Math.sqrt(variance(x)),
  variance,
  logsumexp: (x) => special.logsumexp(x),
  all: (x) => truth(x.every((v) => v !== 0)),
  any: (x) => truth(x.some((v) => v !== 0)),
};

/** `args` are whole values; sizes among them have rank 0. */
type StructuralRule = (args: readonly DataValue[], span: Span) => DataValue;

const vector = (data: Float64Array): DataValue => ({ dims: [data.length], data });
const nans = (dims: readonly number[]): DataValue => {
  const out = emptyArray(dims);
  out.data.fill(Number.NaN);
  return out;
};

function matmul([a, b]: readonly DataValue[], span: Span): DataValue {
  const inner = a.dims[a.dims.length - 1];
  if (inner !== b.dims[0]) mismatch(a, b, span);
  const rows = a.dims.length === 2 ? a.dims[0] : 1;
  const columns = b.dims.length === 2 ? b.dims[1] : 1;
  return {
    dims: [...a.dims.slice(0, -1), ...b.dims.slice(1)],
    data: linalg.matmul(a.data, b.data, rows, inner, columns),
  };
}

/** Reports two shapes that should agree. */
export function mismatch(a: DataValue, b: DataValue, span: Span): never {
  const show = (x: DataValue) => `[${x.dims.join(", ")}]`;
  return fail("size_mismatch_at_run", span, { left: show(a), right: show(b) });
}

function square([a]: readonly DataValue[], span: Span): number {
  if (a.dims[0] !== a.dims[1]) mismatch(a, { dims: [a.dims[1], a.dims[0]], data: a.data }, span);
  return a.dims[0];
}

function sizes(args: readonly DataValue[], span: Span): number[] {
  return args.map(({ data: [n] }) => {
    if (n >= 0) return n;
    return fail("data_size_negative", span, { what: "here", value: n });
  });
}

function filled(value: number, args: readonly DataValue[], span: Span): DataValue {
  const out = emptyArray(sizes(args, span));
  out.data.fill(value);
  return out;
}

function diagonal(args: readonly DataValue[], span: Span): Float64Array {
  const n = square(args, span);
  return Float64Array.from({ length: n }, (_, i) => args[0].data[i * n + i]);
}

function running(x: Float64Array, start: number, step: (a: number, b: number) => number) {
  let total = start;
  return vector(x.map((v) => (total = step(total, v))));
}

function logSoftmax(x: Float64Array): Float64Array {
  const total = special.logsumexp(x);
  return x.map((v) => v - total);
}

export const structuralRules: { readonly [K in StructuralBuiltin]: StructuralRule } = {
  matmul,
  dot: matmul,
  outer: ([a, b]) => ({
    dims: [a.data.length, b.data.length],
    data: linalg.matmul(a.data, b.data, a.data.length, 1, b.data.length),
  }),
  transpose: ([a]) => ({
    dims: [a.dims[1], a.dims[0]],
    data: linalg.transpose(a.data, a.dims[0], a.dims[1]),
  }),
  zeros: (args, span) => filled(0, args, span),
  ones: (args, span) => filled(1, args, span),
  fill: ([x, ...dims], span) => filled(x.data[0], dims, span),
  eye: (args, span) => {
    const [n] = sizes(args, span);
    return { dims: [n, n], data: linalg.identity(n) };
  },
  range: (args) => {
    const [from, to] = args.length === 1 ? [0, args[0].data[0]] : args.map((a) => a.data[0]);
    return vector(Float64Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i));
  },
  diag: (args, span) => vector(diagonal(args, span)),
  diag_matrix: ([x]) => {
    const n = x.data.length;
    const out = emptyArray([n, n]);
    x.data.forEach((v, i) => {
      out.data[i * n + i] = v;
    });
    return out;
  },
  trace: (args, span) => scalarValue(sum(diagonal(args, span))),
  cholesky: (args, span) => {
    const n = square(args, span);
    const data = linalg.cholesky(args[0].data, n);
    return data === undefined ? nans([n, n]) : { dims: [n, n], data };
  },
  inverse: (args, span) => {
    const n = square(args, span);
    const data = linalg.inverse(args[0].data, n);
    return data === undefined ? nans([n, n]) : { dims: [n, n], data };
  },
  solve: (args, span) => {
    const n = square(args, span);
    const [a, b] = args;
    if (b.dims[0] !== n) mismatch(a, b, span);
    const data = linalg.solve(a.data, b.data, n, b.dims.length === 2 ? b.dims[1] : 1);
    return data === undefined ? nans(b.dims) : { dims: b.dims, data };
  },
  log_det: (args, span) => {
    const n = square(args, span);
    return scalarValue(linalg.logDeterminant(args[0].data, n).logAbs);
  },
  cumsum: ([x]) => running(x.data, 0, (a, b) => a + b),
  cumprod: ([x]) => running(x.data, 1, (a, b) => a * b),
  softmax: ([x]) => vector(logSoftmax(x.data).map(Math.exp)),
  log_softmax: ([x]) => vector(logSoftmax(x.data)),
  concat: (args, span) => {
    const rest = args[0].dims.slice(1);
    for (const a of args) {
      if (elementCount(a.dims.slice(1)) !== elementCount(rest)) mismatch(args[0], a, span);
    }
    const out = emptyArray([args.reduce((n, a) => n + a.dims[0], 0), ...rest]);
    let at = 0;
    for (const a of args) {
      out.data.set(a.data, at);
      at += a.data.length;
    }
    return out;
  },
  reverse: ([x]) => {
    const [n, ...rest] = x.dims;
    const row = elementCount(rest);
    const out = emptyArray(x.dims);
    for (let i = 0; i < n; i++) {
      out.data.set(x.data.subarray((n - 1 - i) * row, (n - i) * row), i * row);
    }
    return out;
  },
  size: ([x, axis]) => scalarValue(axis === undefined ? x.data.length : x.dims[axis.data[0]]),
  reshape: ([x, ...args], span) => {
    const dims = sizes(args, span);
    if (elementCount(dims) !== x.data.length) mismatch(x, { dims, data: x.data }, span);
    return { dims, data: x.data };
  },
  row_sums: ([a]) => {
    const [rows, columns] = a.dims;
    return vector(
      Float64Array.from({ length: rows }, (_, i) =>
        sum(a.data.subarray(i * columns, (i + 1) * columns)),
      ),
    );
  },
  col_sums: ([a]) => {
    const [rows, columns] = a.dims;
    const t = linalg.transpose(a.data, rows, columns);
    return vector(
      Float64Array.from({ length: columns }, (_, j) => sum(t.subarray(j * rows, (j + 1) * rows))),
    );
  },
};

/** An elementwise function of one array. */
export function mapUnary(f: (x: number) => number, x: DataValue): DataValue {
  return { dims: x.dims, data: x.data.map(f) };
}

/** An elementwise function of two values: equal dims, or one of them a scalar. */
export function mapBinary(
  f: (x: number, y: number) => number,
  x: DataValue,
  y: DataValue,
  span: Span,
): DataValue {
  if (x.dims.length === 0) {
    const [a] = x.data;
    return { dims: y.dims, data: y.data.map((v) => f(a, v)) };
  }
  if (y.dims.length === 0) {
    const [b] = y.data;
    return { dims: x.dims, data: x.data.map((v) => f(v, b)) };
  }
  if (x.dims.length !== y.dims.length || x.dims.some((d, k) => d !== y.dims[k])) {
    return mismatch(x, y, span);
  }
  return { dims: x.dims, data: x.data.map((v, i) => f(v, y.data[i])) };
}

/** The value of a builtin that must have a rule. */
export function rule<T>(table: Readonly<Record<string, T>>, fn: string): T {
  return Object.hasOwn(table, fn) ? table[fn] : internalError(`no evaluation of ${fn}`);
}
