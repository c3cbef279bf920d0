/**
 * Scalar code of the elementwise functions: one total table per arity. What an instruction or a
 * line of them can do is done in place; the rest is a call of the math library by name.
 */
import * as k from "../../kernel/build.js";
import type { BinaryInstr, Expr } from "../../kernel/ir.js";
import type { BinaryFn, TernaryFn, UnaryFn } from "../../tensor/ops.js";

/** `cost` is in multiplications, roughly; `copies` says that the operand is used more than once. */
export interface UnaryRule {
  readonly cost: number;
  readonly copies?: true;
  readonly emit: (x: Expr) => Expr;
}
/**
 * `value` rules give a number. The others give an i32 condition: `comparison` of two numbers,
 * `logic` of two conditions.
 */
export type BinaryRule =
  | { readonly kind: "value"; readonly cost: number; readonly emit: (x: Expr, y: Expr) => Expr }
  | { readonly kind: "comparison" | "logic"; readonly cost: number; readonly fn: BinaryInstr };

const one = k.f64(1);
const zero = k.f64(0);

/** A truth value of the graph, which is the number 0 or 1, as an i32 condition. */
export function conditionOf(x: Expr): Expr {
  return k.binary("ne", x, zero);
}
/** An i32 condition as a number. */
export function numberOf(condition: Expr): Expr {
  return k.select(condition, one, zero);
}

const library = (fn: string, cost = 20): UnaryRule => ({ cost, emit: (x) => k.call(fn, [x]) });

export const unaryRules: { readonly [F in UnaryFn]: UnaryRule } = {
  neg: { cost: 0, emit: k.neg },
  not: { cost: 1, emit: (x) => k.select(k.eq(x, zero), one, zero) },
  abs: { cost: 0, emit: (x) => k.unary("abs", x) },
  // Keeps NaN and the sign of zero.
  sign: {
    cost: 2,
    copies: true,
    emit: (x) => k.select(k.gt(k.unary("abs", x), zero), k.binary("copysign", one, x), x),
  },
  floor: { cost: 1, emit: (x) => k.unary("floor", x) },
  ceil: { cost: 1, emit: (x) => k.unary("ceil", x) },
  // Halves away from zero: trunc(x) moved by one where the rest is at least ½ (exact, as x − trunc
  // x is). The sign of zero is x's.
  round: {
    cost: 4,
    copies: true,
    emit: (x) => {
      const whole = k.unary("trunc", x);
      const rest = k.unary("abs", k.sub(x, whole));
      const away = k.binary("copysign", one, x);
      return k.select(k.ge(rest, k.f64(0.5)), k.add(whole, away), whole);
    },
  },
  trunc: { cost: 1, emit: (x) => k.unary("trunc", x) },
  exp: library("exp", 12),
  log: library("log", 12),
  log1p: library("log1p"),
  expm1: library("expm1"),
  sqrt: { cost: 6, emit: (x) => k.unary("sqrt", x) },
  square: { cost: 1, copies: true, emit: (x) => k.mul(x, x) },
  reciprocal: { cost: 4, emit: (x) => k.div(one, x) },
  sin: library("sin"),
  cos: library("cos"),
  tan: library("tan"),
  asin: library("asin"),
  acos: library("acos"),
  atan: library("atan"),
  sinh: library("sinh"),
  cosh: library("cosh"),
  tanh: library("tanh"),
  asinh: library("asinh"),
  acosh: library("acosh"),
  atanh: library("atanh"),
  sigmoid: library("sigmoid"),
  softplus: library("softplus"),
  log1mexp: library("log1mexp"),
  lgamma: library("lgamma", 40),
  digamma: library("digamma", 40),
  trigamma: library("trigamma", 40),
  erf: library("erf"),
  erfc: library("erfc"),
  erfcx: library("erfcx"),
  log_ndtr: library("log_ndtr", 40),
  ndtri: library("ndtri", 40),
  log_i0: library("log_i0", 40),
  bessel_ratio: library("bessel_ratio", 40),
};

function arithmetic(cost: number, emit: (x: Expr, y: Expr) => Expr): BinaryRule {
  return { kind: "value", cost, emit };
}
function binaryLibrary(fn: string, cost: number): BinaryRule {
  return arithmetic(cost, (x, y) => k.call(fn, [x, y]));
}
function compare(fn: BinaryInstr): BinaryRule {
  return { kind: "comparison", cost: 1, fn };
}

export const binaryRules: { readonly [F in BinaryFn]: BinaryRule } = {
  add: arithmetic(1, k.add),
  sub: arithmetic(1, k.sub),
  mul: arithmetic(1, k.mul),
  div: arithmetic(4, k.div),
  pow: binaryLibrary("pow", 40),
  atan2: binaryLibrary("atan2", 20),
  mod: binaryLibrary("mod", 20),
  max: arithmetic(1, (x, y) => k.binary("max", x, y)),
  min: arithmetic(1, (x, y) => k.binary("min", x, y)),
  lt: compare("lt"),
  le: compare("le"),
  gt: compare("gt"),
  ge: compare("ge"),
  eq: compare("eq"),
  ne: compare("ne"),
  and: { kind: "logic", cost: 1, fn: "and" },
  or: { kind: "logic", cost: 1, fn: "or" },
  gamma_p: binaryLibrary("gamma_p", 100),
  gamma_p_da: binaryLibrary("gamma_p_da", 200),
};

/** `select` takes a condition first; the others take numbers. */
export interface TernaryRule {
  readonly cost: number;
  readonly condition: boolean;
  readonly emit: (x: Expr, y: Expr, z: Expr) => Expr;
}

export const ternaryRules: { readonly [F in TernaryFn]: TernaryRule } = {
  select: { cost: 1, condition: true, emit: k.select },
  beta_inc: { cost: 100, condition: false, emit: (x, y, z) => k.call("beta_inc", [x, y, z]) },
};
