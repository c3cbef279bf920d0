/** The scalar functions as WGSL expressions: one total table an arity. */
import type { BinaryFn, ReduceFn, TernaryFn, UnaryFn } from "../../../tensor/ops.js";

/** `cost` is in multiplications, roughly. Operands are names or literals: they may be repeated. */
export interface ScalarRule<Args extends readonly string[]> {
  readonly cost: number;
  readonly text: (...args: Args) => string;
}
type Unary = ScalarRule<[string]>;
type Binary = ScalarRule<[string, string]>;

const call = (fn: string, cost = 20): Unary => ({ cost, text: (x) => `${fn}(${x})` });
const call2 = (fn: string, cost: number): Binary => ({ cost, text: (x, y) => `${fn}(${x}, ${y})` });
const infix = (symbol: string, cost: number): Binary => ({
  cost,
  text: (x, y) => `(${x} ${symbol} ${y})`,
});

export const unaryText: { readonly [F in UnaryFn]: Unary } = {
  neg: { cost: 0, text: (x) => `(-${x})` },
  not: { cost: 1, text: (x) => `select(1.0f, 0.0f, is_true(${x}))` },
  abs: call("abs", 0),
  sign: call("m_sign", 2),
  floor: call("floor", 1),
  ceil: call("ceil", 1),
  round: call("m_round", 3),
  trunc: call("trunc", 1),
  exp: call("m_exp", 14),
  log: call("m_log", 16),
  log1p: call("m_log1p"),
  expm1: call("m_expm1"),
  sqrt: call("m_sqrt", 8),
  square: { cost: 1, text: (x) => `(${x} * ${x})` },
  reciprocal: { cost: 4, text: (x) => `(1.0f / ${x})` },
  sin: call("m_sin"),
  cos: call("m_cos"),
  tan: call("m_tan", 40),
  asin: call("m_asin"),
  acos: call("m_acos"),
  atan: call("m_atan"),
  sinh: call("m_sinh"),
  cosh: call("m_cosh"),
  tanh: call("m_tanh"),
  asinh: call("m_asinh"),
  acosh: call("m_acosh"),
  atanh: call("m_atanh"),
  sigmoid: call("m_sigmoid"),
  softplus: call("m_softplus", 32),
  log1mexp: call("m_log1mexp", 32),
  lgamma: call("m_lgamma", 60),
  digamma: call("m_digamma", 60),
  trigamma: call("m_trigamma", 60),
  erf: call("m_erf", 30),
  erfc: call("m_erfc", 40),
  erfcx: call("m_erfcx", 40),
  log_ndtr: call("m_log_ndtr", 60),
  ndtri: call("m_ndtri", 80),
  log_i0: call("m_log_i0", 40),
  bessel_ratio: call("m_bessel_ratio", 40),
};

export const binaryText: { readonly [F in BinaryFn]: Binary } = {
  add: infix("+", 1),
  sub: infix("-", 1),
  mul: infix("*", 1),
  div: infix("/", 4),
  pow: call2("m_pow", 50),
  atan2: call2("m_atan2", 30),
  mod: call2("m_mod", 10),
  max: call2("m_max", 3),
  min: call2("m_min", 3),
  lt: call2("m_lt", 3),
  le: call2("m_le", 3),
  gt: { cost: 3, text: (x, y) => `m_lt(${y}, ${x})` },
  ge: { cost: 3, text: (x, y) => `m_le(${y}, ${x})` },
  eq: call2("m_eq", 3),
  ne: call2("m_ne", 3),
  and: { cost: 2, text: (x, y) => `select(0.0f, 1.0f, is_true(${x}) && is_true(${y}))` },
  or: { cost: 2, text: (x, y) => `select(0.0f, 1.0f, is_true(${x}) || is_true(${y}))` },
  gamma_p: call2("m_gamma_p", 200),
  gamma_p_da: call2("m_gamma_p_da", 400),
};

export const ternaryText: {
  readonly [F in TernaryFn]: ScalarRule<[string, string, string]>;
} = {
  select: { cost: 1, text: (x, y, z) => `select(${z}, ${y}, is_true(${x}))` },
  beta_inc: { cost: 200, text: (x, y, z) => `m_beta_inc(${x}, ${y}, ${z})` },
};

/** How reductions start and combine. */
export const foldText: {
  readonly [F in ReduceFn]: {
    readonly start: number;
    readonly combine: (a: string, b: string) => string;
  };
} = {
  sum: { start: 0, combine: (a, b) => `(${a} + ${b})` },
  prod: { start: 1, combine: (a, b) => `(${a} * ${b})` },
  max: { start: Number.NEGATIVE_INFINITY, combine: (a, b) => `m_max(${a}, ${b})` },
  min: { start: Number.POSITIVE_INFINITY, combine: (a, b) => `m_min(${a}, ${b})` },
};
