/** The scalar functions in TensorFlow's: one total table an arity. */
import type { BinaryFn, TernaryFn, UnaryFn } from "../../../tensor/ops.js";
import type { Maths } from "../graph/maths.js";
import type { TfOp } from "../graph/ops.js";
import type { Tensor } from "../graph/scope.js";
import * as special from "./special.js";

export type Kind = "real" | "bool";

/** Operands broadcast against each other, but where `needsEqualShapes`. */
export interface ScalarRule<Args extends readonly Tensor[]> {
  readonly takes: readonly Kind[];
  readonly gives: Kind;
  readonly emit: (m: Maths, ...args: Args) => Tensor;
  readonly needsEqualShapes?: true;
}
type Unary = ScalarRule<[Tensor]>;
type Binary = ScalarRule<[Tensor, Tensor]>;

const real = (emit: (m: Maths, x: Tensor) => Tensor): Unary => ({
  takes: ["real"],
  gives: "real",
  emit,
});
const own = (op: TfOp): Unary => real((m, x) => m.call(op, x));

export const unaryRules: { readonly [F in UnaryFn]: Unary } = {
  neg: own("Neg"),
  not: { takes: ["bool"], gives: "bool", emit: (m, x) => m.logical("LogicalNot", x) },
  abs: own("Abs"),
  sign: own("Sign"),
  floor: own("Floor"),
  ceil: own("Ceil"),
  round: real(special.round),
  trunc: real(special.trunc),
  exp: own("Exp"),
  log: own("Log"),
  log1p: own("Log1p"),
  expm1: own("Expm1"),
  sqrt: own("Sqrt"),
  square: own("Square"),
  reciprocal: own("Reciprocal"),
  sin: own("Sin"),
  cos: own("Cos"),
  tan: own("Tan"),
  asin: own("Asin"),
  acos: own("Acos"),
  atan: own("Atan"),
  sinh: own("Sinh"),
  cosh: own("Cosh"),
  tanh: own("Tanh"),
  asinh: own("Asinh"),
  acosh: own("Acosh"),
  atanh: own("Atanh"),
  sigmoid: own("Sigmoid"),
  softplus: real(special.softplus),
  log1mexp: real(special.log1mexp),
  lgamma: own("Lgamma"),
  digamma: own("Digamma"),
  trigamma: real(special.trigamma),
  erf: real(special.erf),
  erfc: own("Erfc"),
  erfcx: real(special.erfcx),
  log_ndtr: real(special.logNdtr),
  ndtri: real(special.ndtri),
  log_i0: real(special.logI0),
  bessel_ratio: real(special.besselRatio),
};

const arithmetic = (op: TfOp): Binary => ({
  takes: ["real", "real"],
  gives: "real",
  emit: (m, x, y) => m.call(op, x, y),
});
const comparison = (op: TfOp): Binary => ({
  takes: ["real", "real"],
  gives: "bool",
  emit: (m, x, y) => m.compare(op, x, y),
});
const logical = (op: "LogicalAnd" | "LogicalOr"): Binary => ({
  takes: ["bool", "bool"],
  gives: "bool",
  emit: (m, x, y) => m.logical(op, x, y),
});

export const binaryRules: { readonly [F in BinaryFn]: Binary } = {
  add: arithmetic("AddV2"),
  sub: arithmetic("Sub"),
  mul: arithmetic("Mul"),
  div: arithmetic("RealDiv"),
  pow: { takes: ["real", "real"], gives: "real", emit: special.pow },
  atan2: arithmetic("Atan2"),
  mod: arithmetic("FloorMod"),
  max: arithmetic("Maximum"),
  min: arithmetic("Minimum"),
  lt: comparison("Less"),
  le: comparison("LessEqual"),
  gt: comparison("Greater"),
  ge: comparison("GreaterEqual"),
  eq: comparison("Equal"),
  ne: comparison("NotEqual"),
  and: logical("LogicalAnd"),
  or: logical("LogicalOr"),
  gamma_p: arithmetic("Igamma"),
  gamma_p_da: arithmetic("IgammaGradA"),
};

export const ternaryRules: { readonly [F in TernaryFn]: ScalarRule<[Tensor, Tensor, Tensor]> } = {
  select: {
    takes: ["bool", "real", "real"],
    gives: "real",
    emit: (m, x, y, z) => m.select(x, y, z),
  },
  beta_inc: {
    takes: ["real", "real", "real"],
    gives: "real",
    emit: (m, x, y, z) => m.call("Betainc", x, y, z),
    needsEqualShapes: true,
  },
};
