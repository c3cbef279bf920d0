/** The typing of the builtin functions: one rule each, and the other names that they go by. */
import type { Span } from "../base/span.js";
import type { BuiltinName } from "../model/builtins.js";
import { bool, type Expr, int, real, type ScalarKind, type Type } from "../model/ir.js";
import { printType } from "../model/print.js";
import { addSizes, mulSizes, type Size, subSizes } from "../model/size.js";
import type { Cx } from "./context.js";
import { quote } from "./context.js";
import { canBeInType, dimsAgree, isDeferred, sizesAgree, toSize } from "./sizes.js";

/** Where a call stands and how the user wrote the function: `+`, `sqrt`, `inv_logit`. */
export interface CallSite {
  readonly cx: Cx;
  readonly span: Span;
  readonly shown: string;
}

interface BuiltinRule {
  readonly min: number;
  readonly max: number;
  /** How it is called, for messages. */
  readonly usage: string;
  /** Bools among the arguments count as 0 and 1. */
  readonly promotes: boolean;
  /** The result's type; undefined after an error. */
  readonly type: (args: readonly Expr[], site: CallSite) => Type | undefined;
}

/** Other spellings of the same functions. */
export const builtinAliases: Readonly<Record<string, BuiltinName>> = {
  inv_logit: "sigmoid",
  logistic: "sigmoid",
  expit: "sigmoid",
  log1pexp: "softplus",
  log1p_exp: "softplus",
  log1m_exp: "log1mexp",
  Phi: "normal_cdf",
  inv_Phi: "normal_quantile",
  log_sum_exp: "logsumexp",
  var: "variance",
  det_log: "log_det",
  log_determinant: "log_det",
  inv: "inverse",
};

const scalarNames: readonly string[] = ["a scalar", "a vector", "a matrix"];

function withDims(scalar: ScalarKind, dims: readonly Size[]): Type {
  return { scalar, dims };
}

function isNumeric(args: readonly Expr[], site: CallSite): boolean {
  for (const a of args) {
    if (a.type.scalar === "bool") {
      site.cx.reporter.report("argument_type", a.span, {
        name: site.shown,
        expected: "a number",
        actual: printType(a.type),
      });
      return false;
    }
  }
  return true;
}

/** The common dims of elementwise arguments: equal, or scalars beside arrays. */
function elementwiseDims(args: readonly Expr[], site: CallSite): readonly Size[] | undefined {
  const arrays = args.filter((a) => a.type.dims.length > 0);
  if (arrays.length === 0) return [];
  for (const a of arrays.slice(1)) {
    if (!dimsAgree(arrays[0].type.dims, a.type.dims, site.cx.model)) {
      return site.cx.reporter.report("shape_mismatch", site.span, {
        shown: site.shown,
        left: printType(arrays[0].type),
        right: printType(a.type),
      });
    }
  }
  // Where one of two equal sizes is opaque, the plain one says more.
  return arrays[0].type.dims.map(
    (d, axis) =>
      arrays.map((a) => a.type.dims[axis]).find((x) => !isDeferred(x, site.cx.model)) ?? d,
  );
}

function elementwise(
  usage: string,
  count: number,
  result: (args: readonly Expr[]) => ScalarKind,
): BuiltinRule {
  return {
    min: count,
    max: count,
    usage,
    promotes: true,
    type: (args, site) => {
      const dims = elementwiseDims(args, site);
      return dims === undefined ? undefined : withDims(result(args), dims);
    },
  };
}

const realUnary = (name: string) => elementwise(`${name}(x)`, 1, () => "real");
const sameUnary = (name: string) => elementwise(`${name}(x)`, 1, (args) => joinScalars(args));
const intUnary = (name: string) => elementwise(`${name}(x)`, 1, () => "int");
const arithmetic = (usage: string) => elementwise(usage, 2, (args) => joinScalars(args));
const comparison = (usage: string) => elementwise(usage, 2, () => "bool");

function joinScalars(args: readonly Expr[]): ScalarKind {
  return args.some((a) => a.type.scalar === "real") ? "real" : "int";
}

/** int ^ constant ≥ 0 stays an int, so that `N^2` can be a size. */
function powScalar([base, exponent]: readonly Expr[]): ScalarKind {
  const isIntPower =
    base.type.scalar === "int" && exponent.kind === "const" && exponent.type.scalar === "int";
  return isIntPower && exponent.value >= 0 ? "int" : "real";
}

function intsOnly(usage: string): BuiltinRule {
  return { ...arithmetic(usage), type: (args, site) => intArgs(args, site) };
}
function intArgs(args: readonly Expr[], site: CallSite): Type | undefined {
  for (const a of args) {
    if (a.type.scalar !== "int") {
      return site.cx.reporter.report("argument_type", a.span, {
        name: site.shown,
        expected: "an int",
        actual: printType(a.type),
      });
    }
  }
  const dims = elementwiseDims(args, site);
  return dims === undefined ? undefined : withDims("int", dims);
}

function logical(usage: string, count: number): BuiltinRule {
  return {
    min: count,
    max: count,
    usage,
    promotes: false,
    type: (args, site) => {
      for (const a of args) {
        if (a.type.scalar !== "bool") {
          return site.cx.reporter.report("expected_bool", a.span, {
            what: `\`${site.shown}\``,
            actual: printType(a.type),
            text: quote(a.span),
          });
        }
      }
      const dims = elementwiseDims(args, site);
      return dims === undefined ? undefined : withDims("bool", dims);
    },
  };
}

type Body = (args: readonly Expr[], site: CallSite) => Type | undefined;

function structural(usage: string, min: number, max: number, type: Body): BuiltinRule {
  return {
    min,
    max,
    usage,
    promotes: true,
    type: (args, site) => (isNumeric(args, site) ? type(args, site) : undefined),
  };
}

function reduction(name: string, result: (args: readonly Expr[]) => ScalarKind): BuiltinRule {
  return structural(`${name}(x)`, 1, 1, (args, site) =>
    isArray(args[0], site) ? withDims(result(args), []) : undefined,
  );
}
function boolReduction(name: string): BuiltinRule {
  return {
    ...logical(`${name}(x)`, 1),
    type: (args, site) => {
      if (!isArray(args[0], site)) return undefined;
      return logical(name, 1).type(args, site) === undefined ? undefined : bool;
    },
  };
}

function isArray(a: Expr, site: CallSite): boolean {
  if (a.type.dims.length > 0) return true;
  site.cx.reporter.report("argument_type", a.span, {
    name: site.shown,
    expected: "an array",
    actual: printType(a.type),
  });
  return false;
}

function hasRank(a: Expr, rank: number, site: CallSite): boolean {
  if (a.type.dims.length === rank) return true;
  site.cx.reporter.report("argument_type", a.span, {
    name: site.shown,
    expected: scalarNames[rank],
    actual: printType(a.type),
  });
  return false;
}

function isSquare(a: Expr, site: CallSite): boolean {
  if (!hasRank(a, 2, site)) return false;
  const [rows, columns] = a.type.dims;
  if (sizesAgree(rows, columns, site.cx.model)) return true;
  site.cx.reporter.report("argument_type", a.span, {
    name: site.shown,
    expected: "a square matrix",
    actual: printType(a.type),
  });
  return false;
}

function mismatch(args: readonly Expr[], site: CallSite): undefined {
  return site.cx.reporter.report("shape_mismatch", site.span, {
    shown: site.shown,
    left: printType(args[0].type),
    right: printType(args[1].type),
  });
}

/** The size that an argument stands for; an error where it is no int known before sampling. */
export function sizeArgument(a: Expr, site: CallSite): Size | undefined {
  if (a.type.scalar !== "int" || a.type.dims.length > 0) {
    return site.cx.reporter.report("size_not_int", a.span, {
      text: quote(a.span),
      actual: printType(a.type),
    });
  }
  if (site.cx.model.isRandom(a)) {
    return site.cx.reporter.report("size_is_random", a.span, { text: quote(a.span) });
  }
  if (a.kind === "const" && a.value < 0) {
    return site.cx.reporter.report("size_negative", a.span, { text: quote(a.span) });
  }
  const size = toSize(a, site.cx.model);
  return canBeInType(site.cx, size, a.span) ? size : undefined;
}

function sizeArguments(args: readonly Expr[], site: CallSite): Size[] | undefined {
  const sizes = args.map((a) => sizeArgument(a, site));
  return sizes.every((s) => s !== undefined) ? sizes : undefined;
}

/** `a @ b`: matrix·matrix, matrix·vector, vector·matrix, vector·vector. */
function matmulType(args: readonly Expr[], site: CallSite): Type | undefined {
  const [a, b] = args.map((x) => x.type.dims);
  if (a.length === 0 || b.length === 0 || a.length > 2 || b.length > 2) {
    return site.cx.reporter.report("matmul_rank", site.span, {
      left: printType(args[0].type),
      right: printType(args[1].type),
    });
  }
  if (!sizesAgree(a[a.length - 1], b[0], site.cx.model)) {
    return site.cx.reporter.report("matmul_shape", site.span, {
      left: printType(args[0].type),
      right: printType(args[1].type),
    });
  }
  return withDims("real", [...a.slice(0, -1), ...b.slice(1)]);
}

function filled(name: string): BuiltinRule {
  return structural(`${name}(N, …)`, 1, 8, (args, site) => {
    const sizes = sizeArguments(args, site);
    return sizes === undefined ? undefined : withDims("real", sizes);
  });
}

function squareTo(usage: string, result: (n: Size) => readonly Size[]): BuiltinRule {
  return structural(usage, 1, 1, (args, site) =>
    isSquare(args[0], site) ? withDims("real", result(args[0].type.dims[0])) : undefined,
  );
}

function vectorMap(name: string, keepsInt: boolean): BuiltinRule {
  return structural(`${name}(x)`, 1, 1, (args, site) =>
    hasRank(args[0], 1, site)
      ? withDims(keepsInt ? args[0].type.scalar : "real", args[0].type.dims)
      : undefined,
  );
}

/** One rule a builtin. */
export const builtinRules: { readonly [K in BuiltinName]: BuiltinRule } = {
  neg: sameUnary("-"),
  not: logical("!x", 1),
  abs: sameUnary("abs"),
  sign: sameUnary("sign"),
  floor: intUnary("floor"),
  ceil: intUnary("ceil"),
  round: intUnary("round"),
  exp: realUnary("exp"),
  log: realUnary("log"),
  log1p: realUnary("log1p"),
  expm1: realUnary("expm1"),
  sqrt: realUnary("sqrt"),
  square: sameUnary("square"),
  sin: realUnary("sin"),
  cos: realUnary("cos"),
  tan: realUnary("tan"),
  asin: realUnary("asin"),
  acos: realUnary("acos"),
  atan: realUnary("atan"),
  sinh: realUnary("sinh"),
  cosh: realUnary("cosh"),
  tanh: realUnary("tanh"),
  stop_gradient: realUnary("stop_gradient"),
  asinh: realUnary("asinh"),
  acosh: realUnary("acosh"),
  atanh: realUnary("atanh"),
  sigmoid: realUnary("sigmoid"),
  logit: realUnary("logit"),
  softplus: realUnary("softplus"),
  log1mexp: realUnary("log1mexp"),
  lgamma: realUnary("lgamma"),
  digamma: realUnary("digamma"),
  erf: realUnary("erf"),
  erfc: realUnary("erfc"),
  normal_cdf: realUnary("normal_cdf"),
  normal_quantile: realUnary("normal_quantile"),
  real: realUnary("real"),
  int: {
    ...intUnary("int"),
    promotes: false,
    type: (args, site) => {
      if (args[0].type.scalar === "real" && site.cx.model.isRandom(args[0])) {
        return site.cx.reporter.report("int_of_random", args[0].span, {
          text: quote(args[0].span),
        });
      }
      return withDims("int", args[0].type.dims);
    },
  },
  add: arithmetic("a + b"),
  sub: arithmetic("a - b"),
  mul: arithmetic("a * b"),
  div: elementwise("a / b", 2, () => "real"),
  idiv: intsOnly("idiv(a, b)"),
  mod: arithmetic("a % b"),
  pow: elementwise("pow(x, y)", 2, powScalar),
  atan2: elementwise("atan2(y, x)", 2, () => "real"),
  maximum: arithmetic("max(a, b)"),
  minimum: arithmetic("min(a, b)"),
  lt: comparison("a < b"),
  le: comparison("a <= b"),
  gt: comparison("a > b"),
  ge: comparison("a >= b"),
  eq: comparison("a == b"),
  ne: comparison("a != b"),
  and: logical("a && b", 2),
  or: logical("a || b", 2),
  lbeta: elementwise("lbeta(a, b)", 2, () => "real"),
  lchoose: elementwise("lchoose(n, k)", 2, () => "real"),
  sum: reduction("sum", joinScalars),
  prod: reduction("prod", joinScalars),
  max: reduction("max", joinScalars),
  min: reduction("min", joinScalars),
  mean: reduction("mean", () => "real"),
  sd: reduction("sd", () => "real"),
  variance: reduction("variance", () => "real"),
  logsumexp: reduction("logsumexp", () => "real"),
  all: boolReduction("all"),
  any: boolReduction("any"),
  matmul: structural("a @ b", 2, 2, matmulType),
  dot: structural("dot(a, b)", 2, 2, (args, site) => {
    if (!args.every((a) => hasRank(a, 1, site))) return undefined;
    if (!dimsAgree(args[0].type.dims, args[1].type.dims, site.cx.model)) {
      return mismatch(args, site);
    }
    return real;
  }),
  outer: structural("outer(a, b)", 2, 2, (args, site) =>
    args.every((a) => hasRank(a, 1, site))
      ? withDims("real", [...args[0].type.dims, ...args[1].type.dims])
      : undefined,
  ),
  transpose: structural("transpose(A)", 1, 1, (args, site) =>
    hasRank(args[0], 2, site)
      ? withDims(args[0].type.scalar, [...args[0].type.dims].reverse())
      : undefined,
  ),
  zeros: filled("zeros"),
  ones: filled("ones"),
  fill: structural("fill(x, N, …)", 2, 9, (args, site) => {
    if (!hasRank(args[0], 0, site)) return undefined;
    const sizes = sizeArguments(args.slice(1), site);
    return sizes === undefined ? undefined : withDims(args[0].type.scalar, sizes);
  }),
  eye: structural("eye(N)", 1, 1, (args, site) => {
    const size = sizeArgument(args[0], site);
    return size === undefined ? undefined : withDims("real", [size, size]);
  }),
  range: structural("range(a, b)", 2, 2, (args, site) => {
    const ends = args.map((a) => signedSize(a, site));
    const [from, to] = ends;
    if (from === undefined || to === undefined) return undefined;
    return withDims("int", [subSizes(to, from)]);
  }),
  diag: squareTo("diag(A)", (n) => [n]),
  diag_matrix: structural("diag_matrix(x)", 1, 1, (args, site) =>
    hasRank(args[0], 1, site)
      ? withDims("real", [args[0].type.dims[0], args[0].type.dims[0]])
      : undefined,
  ),
  trace: squareTo("trace(A)", () => []),
  cholesky: squareTo("cholesky(A)", (n) => [n, n]),
  inverse: squareTo("inverse(A)", (n) => [n, n]),
  solve: structural("solve(A, b)", 2, 2, (args, site) => {
    if (!isSquare(args[0], site)) return undefined;
    const [a, b] = args.map((x) => x.type.dims);
    if (b.length === 0 || b.length > 2) {
      hasRank(args[1], 1, site);
      return undefined;
    }
    return sizesAgree(a[0], b[0], site.cx.model) ? withDims("real", b) : mismatch(args, site);
  }),
  log_det: squareTo("log_det(A)", () => []),
  cumsum: vectorMap("cumsum", true),
  cumprod: vectorMap("cumprod", true),
  softmax: vectorMap("softmax", false),
  log_softmax: vectorMap("log_softmax", false),
  concat: structural("concat(a, b, …)", 2, 16, concatType),
  reverse: structural("reverse(x)", 1, 1, (args, site) =>
    isArray(args[0], site) ? args[0].type : undefined,
  ),
  size: {
    ...structural("size(x) or size(x, axis)", 1, 2, sizeType),
    promotes: false,
    type: sizeType,
  },
  reshape: structural("reshape(x, N, …)", 2, 9, (args, site) => {
    const sizes = sizeArguments(args.slice(1), site);
    if (sizes === undefined) return undefined;
    const before = args[0].type.dims.reduce(mulSizes, one);
    const after = sizes.reduce(mulSizes, one);
    const result = withDims(args[0].type.scalar, sizes);
    if (!sizesAgree(before, after, site.cx.model)) {
      return site.cx.reporter.report("reshape_size", site.span, {
        from: printType(args[0].type),
        to: printType(result),
      });
    }
    return result;
  }),
  row_sums: structural("row_sums(A)", 1, 1, (args, site) =>
    hasRank(args[0], 2, site) ? withDims(args[0].type.scalar, [args[0].type.dims[0]]) : undefined,
  ),
  col_sums: structural("col_sums(A)", 1, 1, (args, site) =>
    hasRank(args[0], 2, site) ? withDims(args[0].type.scalar, [args[0].type.dims[1]]) : undefined,
  ),
};

const one: Size = { terms: [{ coefficient: 1, names: [] }] };

/** An end of a range: like a size, but it may be negative. */
function signedSize(a: Expr, site: CallSite): Size | undefined {
  return a.kind === "const" && a.type.scalar === "int"
    ? toSize(a, site.cx.model)
    : sizeArgument(a, site);
}

function concatType(args: readonly Expr[], site: CallSite): Type | undefined {
  if (!args.every((a) => isArray(a, site))) return undefined;
  const [first, ...others] = args;
  for (const a of others) {
    if (!dimsAgree(first.type.dims.slice(1), a.type.dims.slice(1), site.cx.model)) {
      return mismatch([first, a], site);
    }
  }
  const length = args.map((a) => a.type.dims[0]).reduce(addSizes);
  return withDims(joinScalars(args), [length, ...first.type.dims.slice(1)]);
}

function sizeType(args: readonly Expr[], site: CallSite): Type | undefined {
  const [x, axis] = args;
  if (!isArray(x, site)) return undefined;
  if (axis === undefined) return int;
  const rank = x.type.dims.length;
  if (axis.kind !== "const" || axis.type.scalar !== "int" || axis.value < 0 || axis.value >= rank) {
    return site.cx.reporter.report("bad_axis", axis.span, {
      text: quote(axis.span),
      type: printType(x.type),
      last: rank - 1,
    });
  }
  return int;
}

/** A call of a builtin on typed arguments; the number of arguments must be right. */
export function builtinCall(
  fn: BuiltinName,
  args: readonly Expr[],
  site: CallSite,
): Expr | undefined {
  const rule = builtinRules[fn];
  const mixed = args.some((a) => a.type.scalar !== "bool");
  // Two bools compare as bools; beside a number they count as one.
  const keepsBools = (fn === "eq" || fn === "ne") && !mixed;
  const numbers = rule.promotes && !keepsBools ? args.map(boolToInt) : args;
  const type = rule.type(numbers, site);
  if (type === undefined) return undefined;
  const folded = fold(fn, numbers);
  if (folded !== undefined) return { kind: "const", value: folded, span: site.span, type };
  return { kind: "call", fn, args: numbers, span: site.span, type };
}

/** `int(b)` for a bool. */
export function boolToInt(e: Expr): Expr {
  if (e.type.scalar !== "bool") return e;
  return { kind: "call", fn: "int", args: [e], span: e.span, type: { ...e.type, scalar: "int" } };
}

/** Constants under a sign, and exact int arithmetic, so that sizes and checks see their value. */
function fold(fn: BuiltinName, args: readonly Expr[]): number | undefined {
  const values = args.map((a) => (a.kind === "const" ? a.value : undefined));
  const [a, b] = values;
  if (a === undefined) return undefined;
  if (fn === "neg") return a === 0 ? 0 : -a;
  if (b === undefined || args.some((x) => x.type.scalar !== "int")) return undefined;
  const result = fn === "add" ? a + b : fn === "sub" ? a - b : fn === "mul" ? a * b : undefined;
  return result !== undefined && Number.isSafeInteger(result) ? result : undefined;
}
