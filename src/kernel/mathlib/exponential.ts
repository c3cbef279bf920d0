/**
 * exp, log and their relatives, branch-free. The reductions are those of fdlibm (Sun Microsystems,
 * 1993: e_exp.c, e_log.c, s_log1p.c); exp's polynomial is made by scripts/reference/kernel_exp.py.
 */
import {
  add,
  and,
  binary,
  call,
  div,
  eq,
  f64,
  gt,
  i64,
  lt,
  mul,
  neg,
  or,
  select,
  sub,
  unary,
} from "../build.js";
import type { Expr, KernelFunction } from "../ir.js";
import {
  abs,
  atLeast,
  atMost,
  type Body,
  bitsOf,
  copysign,
  define,
  evenOdd,
  fromBits,
  isNaNExpr,
  powerOfTwo,
  sqrt,
  sum,
} from "./define.js";
import { EXPM1_TAIL } from "./exp-coefficients.js";

/** ln 2 in two parts; products of the first with integers below 2²⁰ are exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** (log(1 + f) - f + f²/2 …) in s² where s = f/(2 + f): Lg1 … Lg7 of fdlibm's e_log.c. */
const LOG_SERIES = [
  0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784,
  0.1818357216161805, 0.15313837699209373, 0.14798198605116586,
];

const SQRT_HALF_BITS = 0x3fe6a09e667f3bcdn;
const ONE_BITS = 0x3ff0000000000000n;
const MANTISSA = 0x000fffffffffffffn;
const TWO_52 = 4503599627370496;
const TWO_52_BITS = 0x4330000000000000n;

/** x = k ln 2 + r with |r| ≤ (ln 2)/2, and eʳ - 1; `low` is a correction added to x. */
export function reduceExp(b: Body, x: Expr, low?: Expr): { k: Expr; p: Expr } {
  const k = b.let(unary("nearest", mul(x, f64(Math.LOG2E))));
  const high = sub(x, mul(k, f64(LN2_HIGH)));
  const tail = mul(k, f64(LN2_LOW));
  const r = b.let(sub(high, low === undefined ? tail : sub(tail, low)));
  const square = b.let(mul(r, r));
  const p = b.let(add(r, mul(square, evenOdd(EXPM1_TAIL, r, square))));
  return { k, p };
}

/** (1 + p) 2ᵏ for -1076 ≤ k ≤ 1025, rounded once also where the result is subnormal. */
export function scaleExp(b: Body, k: Expr, p: Expr): Expr {
  const half = b.let(unary("floor", mul(k, f64(0.5))));
  const scaled = mul(add(f64(1), p), powerOfTwo(half));
  return mul(scaled, powerOfTwo(sub(k, half)));
}

const exp = define("exp", ["x"], (b, x) => {
  // Beyond these limits the result is 0 or ∞ whatever x is.
  const clamped = b.let(atLeast(b.let(atMost(x, 710)), -746));
  const { k, p } = reduceExp(b, clamped);
  return scaleExp(b, k, p);
});

/** eˣ - 1 = 2 (2ᵏ⁻¹ p + (2ᵏ⁻¹ - 1/2)). */
const expm1 = define("expm1", ["x"], (b, x) => {
  const clamped = b.let(atLeast(b.let(atMost(x, 710)), -40));
  const { k, p } = reduceExp(b, clamped);
  const scale = b.let(powerOfTwo(sub(k, f64(1))));
  const value = mul(f64(2), add(mul(p, scale), sub(scale, f64(0.5))));
  // Tiny arguments are their own result: halving would lose bits of subnormals, and the sign of 0.
  return select(lt(abs(x), f64(1e-300)), x, value);
});

/** The exponent k and the fraction m in [√½, √2) of a normal x = m 2ᵏ. */
export function splitExponent(b: Body, x: Expr): { k: Expr; m: Expr } {
  const shifted = b.let(add(bitsOf(x), i64(ONE_BITS - SQRT_HALF_BITS)));
  // The biased exponent becomes an f64 as the low bits of 2⁵² + exponent.
  const exponent = binary("or", binary("shr_u", shifted, i64(52n)), i64(TWO_52_BITS));
  const k = b.let(sub(fromBits(exponent), f64(TWO_52 + 1023)));
  const m = b.let(fromBits(add(and(shifted, i64(MANTISSA)), i64(SQRT_HALF_BITS))));
  return { k, m };
}

/** k ln 2 + log(1 + f) + c, fdlibm's order of summation. */
function logSum(b: Body, k: Expr, f: Expr, c?: Expr): Expr {
  const s = b.let(div(f, add(f64(2), f)));
  const z = b.let(mul(s, s));
  const z2 = b.let(mul(z, z));
  const series = b.let(mul(z, evenOdd(LOG_SERIES, z, z2)));
  const half = b.let(mul(mul(f64(0.5), f), f));
  const low = mul(k, f64(LN2_LOW));
  const tail = add(mul(s, add(half, series)), c === undefined ? low : add(low, c));
  return b.let(sub(mul(k, f64(LN2_HIGH)), sub(sub(half, tail), f)));
}

/** The logarithm's values at 0, ∞, NaN and below 0 put over `value`, for log(at) at `x`. */
function logSpecial(at: Expr, value: Expr): Expr {
  const special = select(eq(at, f64(0)), f64(-Infinity), select(gt(at, f64(0)), at, f64(NaN)));
  return select(and(gt(at, f64(0)), lt(at, f64(Infinity))), value, special);
}

const log = define("log", ["x"], (b, x) => {
  const tiny = b.let(lt(x, f64(2.2250738585072014e-308)));
  const scaled = b.let(select(tiny, mul(x, f64(2 ** 54)), x));
  const { k, m } = splitExponent(b, scaled);
  const exponent = b.let(sub(k, select(tiny, f64(54), f64(0))));
  return logSpecial(x, logSum(b, exponent, sub(m, f64(1))));
});

/** log(1 + x): u = 1 + x rounded, and c makes up for the rounding. */
const log1p = define("log1p", ["x"], (b, x) => {
  const u = b.let(add(f64(1), x));
  const { k, m } = splitExponent(b, u);
  const near = b.let(eq(k, f64(0)));
  const lost = b.let(select(gt(x, f64(1)), sub(f64(1), sub(u, x)), sub(x, sub(u, f64(1)))));
  const c = b.let(select(near, f64(0), div(lost, u)));
  const f = b.let(select(near, x, sub(m, f64(1))));
  const value = logSpecial(u, logSum(b, k, f, c));
  return select(lt(abs(x), f64(1e-300)), x, value);
});

const sigmoid = define("sigmoid", ["x"], (b, x) => {
  const e = b.let(call("exp", [neg(abs(x))]));
  return div(select(lt(x, f64(0)), e, f64(1)), add(f64(1), e));
});

const softplus = define("softplus", ["x"], (b, x) => {
  const tail = b.let(call("log1p", [call("exp", [neg(abs(x))])]));
  return add(atLeast(x, 0), tail);
});

/** Mächler, "Accurately computing log(1 - exp(-|a|))" (2012), equation 7. */
const log1mexp = define("log1mexp", ["x"], (b, x) => {
  const near = b.let(gt(x, f64(-Math.LN2)));
  // One logarithm serves both forms: log(y) = log1p(y - 1) would cancel, so both are evaluated.
  const small = call("log", [neg(call("expm1", [x]))]);
  const large = call("log1p", [neg(call("exp", [x]))]);
  return select(near, b.let(small), b.let(large));
});

const tanh = define("tanh", ["x"], (b, x) => {
  const t = b.let(call("expm1", [mul(f64(-2), abs(x))]));
  return copysign(div(neg(t), add(t, f64(2))), x);
});

/** eˣ/2 without overflow before the result does, x ≥ 0. */
function halfExp(b: Body, a: Expr): Expr {
  const root = b.let(call("exp", [mul(f64(0.5), a)]));
  return b.let(mul(mul(f64(0.5), root), root));
}

const sinh = define("sinh", ["x"], (b, x) => {
  const a = b.let(abs(x));
  const e = b.let(call("expm1", [atMost(a, 700)]));
  const value = mul(f64(0.5), add(e, div(e, add(e, f64(1)))));
  const big = halfExp(b, a);
  return copysign(select(gt(a, f64(22)), big, select(lt(a, f64(1e-300)), a, value)), x);
});

const cosh = define("cosh", ["x"], (b, x) => {
  const a = b.let(abs(x));
  const e = b.let(call("exp", [atMost(a, 700)]));
  const value = add(mul(f64(0.5), e), div(f64(0.5), e));
  const big = halfExp(b, a);
  return select(gt(a, f64(22)), big, value);
});

const asinh = define("asinh", ["x"], (b, x) => {
  const a = b.let(abs(x));
  const square = b.let(mul(a, a));
  const inner = add(a, div(square, add(f64(1), sqrt(add(square, f64(1))))));
  const small = b.let(call("log1p", [inner]));
  const large = b.let(add(call("log", [a]), f64(Math.LN2)));
  return copysign(select(gt(a, f64(2 ** 28)), large, small), x);
});

const acosh = define("acosh", ["x"], (b, x) => {
  const t = b.let(sub(x, f64(1)));
  const small = b.let(call("log1p", [add(t, sqrt(add(mul(f64(2), t), mul(t, t))))]));
  const large = b.let(add(call("log", [x]), f64(Math.LN2)));
  const value = select(gt(x, f64(2 ** 28)), large, small);
  return select(lt(x, f64(1)), f64(NaN), value);
});

const atanh = define("atanh", ["x"], (b, x) => {
  const a = b.let(abs(x));
  const value = mul(f64(0.5), call("log1p", [div(mul(f64(2), a), sub(f64(1), a))]));
  return copysign(select(lt(a, f64(1e-300)), a, b.let(value)), x);
});

/** Veltkamp's splitting: x = high + low with 26 bits each, |x| < 2⁹⁹⁶. */
function splitHalves(b: Body, x: Expr): { high: Expr; low: Expr } {
  const scaled = b.let(mul(f64(134217729), x));
  const high = b.let(sub(scaled, sub(scaled, x)));
  return { high, low: b.let(sub(x, high)) };
}

/** x y = high + low exactly (Dekker 1971). */
function twoProduct(b: Body, x: Expr, y: Expr): { high: Expr; low: Expr } {
  const high = b.let(mul(x, y));
  const xs = splitHalves(b, x);
  const ys = splitHalves(b, y);
  const head = sub(mul(xs.high, ys.high), high);
  const cross = add(add(head, mul(xs.high, ys.low)), mul(xs.low, ys.high));
  return { high, low: b.let(add(cross, mul(xs.low, ys.low))) };
}

/** x + y = high + low exactly (Knuth). */
export function twoSum(b: Body, x: Expr, y: Expr): { high: Expr; low: Expr } {
  const high = b.let(add(x, y));
  const second = b.let(sub(high, x));
  return { high, low: b.let(add(sub(x, sub(high, second)), sub(y, second))) };
}

/**
 * xʸ as exp(y log x) with the logarithm in two f64 (about 2⁻⁶⁰), so that the error does not grow
 * with the exponent. Special values are those of JavaScript's `**`.
 */
const pow = define("pow", ["x", "y"], (b, x, y) => {
  const a = b.let(abs(x));
  const tiny = b.let(lt(a, f64(2.2250738585072014e-308)));
  const split = splitExponent(b, b.let(select(tiny, mul(a, f64(2 ** 54)), a)));
  const k = b.let(sub(split.k, select(tiny, f64(54), f64(0))));
  const f = b.let(sub(split.m, f64(1)));
  // log m = 2 s + s z (2/3 + …), s = f / (2 + f) with its rounding error made up.
  const d = twoSum(b, f64(2), f);
  const s = b.let(div(f, d.high));
  const back = twoProduct(b, s, d.high);
  const residual = sub(sub(sub(f, back.high), back.low), mul(s, d.low));
  const sLow = b.let(div(residual, d.high));
  const z = b.let(mul(s, s));
  const series = mul(mul(s, z), evenOdd(LOG_SERIES, z, b.let(mul(z, z))));
  const main = twoSum(b, mul(k, f64(LN2_HIGH)), mul(f64(2), s));
  const rest = sum(main.low, mul(f64(2), sLow), mul(k, f64(LN2_LOW)), series);
  const logarithm = twoSum(b, main.high, b.let(rest));
  // Any larger exponent gives 0, 1 or ∞ as these do.
  const bounded = b.let(atLeast(b.let(atMost(y, 2 ** 70)), -(2 ** 70)));
  const t = twoProduct(b, bounded, logarithm.high);
  const correction = b.let(add(t.low, mul(bounded, logarithm.low)));
  const clamped = b.let(atLeast(b.let(atMost(t.high, 710)), -746));
  const inside = b.let(eq(clamped, t.high));
  const reduced = reduceExp(b, clamped, select(inside, correction, f64(0)));
  const magnitude = b.let(scaleExp(b, reduced.k, reduced.p));

  const grows = binary("eq", gt(a, f64(1)), gt(y, f64(0)));
  const extreme = or(or(eq(a, f64(0)), eq(a, f64(Infinity))), eq(abs(y), f64(Infinity)));
  const limit = select(eq(a, f64(1)), f64(NaN), select(grows, f64(Infinity), f64(0)));
  const positive = b.let(select(extreme, limit, magnitude));
  const whole = b.let(eq(unary("nearest", y), y));
  const half = b.let(mul(y, f64(0.5)));
  const odd = and(and(whole, binary("ne", unary("floor", half), half)), lt(abs(y), f64(2 ** 53)));
  const negative = b.let(lt(copysign(f64(1), x), f64(0)));
  const signed = b.let(select(and(negative, odd), neg(positive), positive));
  const undefinedRoot = and(and(lt(x, f64(0)), gt(x, f64(-Infinity))), unary("eqz", whole));
  const invalid = or(or(isNaNExpr(x), isNaNExpr(y)), undefinedRoot);
  return select(eq(y, f64(0)), f64(1), select(invalid, f64(NaN), signed));
});

/**
 * x − y ⌊x / y⌋, with the sign of y. The quotient's rounding can leave the remainder one y off,
 * which is put right; exact where |x / y| < 2⁵³ and the product has no rounding (whole numbers).
 */
const mod = define("mod", ["x", "y"], (b, x, y) => {
  const quotient = b.let(unary("floor", div(x, y)));
  const first = b.let(sub(x, mul(quotient, y)));
  const size = b.let(abs(y));
  const flipped = b.let(mul(first, copysign(f64(1), y)));
  const above = b.let(select(lt(flipped, size), flipped, sub(flipped, size)));
  const inside = b.let(select(lt(above, f64(0)), add(above, size), above));
  return mul(inside, copysign(f64(1), y));
});

const square = define("square", ["x"], (_, x) => mul(x, x));
const reciprocal = define("reciprocal", ["x"], (_, x) => div(f64(1), x));

export const exponentialFunctions: readonly KernelFunction[] = [
  exp,
  expm1,
  log,
  log1p,
  sigmoid,
  softplus,
  log1mexp,
  tanh,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  pow,
  mod,
  square,
  reciprocal,
];
