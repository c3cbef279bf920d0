/**
 * Circular functions and their inverses, branch-free. Polynomials are those of fdlibm (k_sin.c,
 * k_cos.c, e_asin.c) and of Cephes (atan.c, Moshier 1995).
 */
import {
  add,
  and,
  binary,
  div,
  eq,
  f64,
  gt,
  i64,
  le,
  lt,
  mul,
  neg,
  select,
  sub,
  unary,
} from "../build.js";
import type { Expr, KernelFunction } from "../ir.js";
import {
  abs,
  type Body,
  bitsOf,
  copysign,
  define,
  fromBits,
  horner,
  isNaNExpr,
  lowBits,
  ratio,
  sqrt,
} from "./define.js";
import { twoSum } from "./exponential.js";

const HALF_PI = Math.PI / 2;
const HALF_PI_LOW = 6.123233995736766e-17;

/** π/2 in parts of 22 bits, whose products with integers below 2³¹ are exact, and a last part. */
const HALF_PI_PARTS = [
  1.570796012878418, 3.139164164167596e-7, 6.223371969669989e-14, 2.0222659584103533e-21,
  2.9038559739793605e-28,
];

/** Beyond this sin, cos and tan give NaN: their phase would need more parts of π. */
const LARGEST_ANGLE = 2 ** 30;

const SIN = [
  -0.16666666666666632, 0.00833333333332249, -0.0001984126982985795, 0.0000027557313707070068,
  -2.5050760253406863e-8, 1.58969099521155e-10,
];
const COS = [
  0.0416666666666666, -0.001388888888887411, 0.00002480158728947673, -2.7557314351390663e-7,
  2.087572321298175e-9, -1.1359647557788195e-11,
];

/** sin r and cos r of x = n π/2 + r, |r| ≤ π/4, and the low bits of n. */
function reduced(b: Body, x: Expr): { sin: Expr; cos: Expr; quadrant: Expr } {
  const k = b.let(unary("nearest", mul(x, f64(2 / Math.PI))));
  const [p0, p1, p2, p3, p4] = HALF_PI_PARTS.map((part) => mul(k, f64(part)));
  const exact = b.let(sub(sub(x, p0), p1));
  const third = twoSum(b, exact, b.let(neg(p2)));
  const fourth = twoSum(b, third.high, b.let(neg(p3)));
  const lows = sub(add(third.low, fourth.low), p4);
  const { high: r, low } = twoSum(b, fourth.high, b.let(lows));
  const z = b.let(mul(r, r));
  // k_sin.c with a correction `low` of r: r - ((z (low/2 - z r S') - low) - z r S1)
  const cube = b.let(mul(z, r));
  const sinTail = sub(mul(f64(0.5), low), mul(cube, horner(SIN.slice(1), z)));
  const sinInner = sub(sub(mul(z, sinTail), low), mul(cube, f64(SIN[0])));
  const sin = b.let(select(eq(x, f64(0)), x, sub(r, sinInner)));
  // k_cos.c: 1 - z/2 with its rounding error made up.
  const half = b.let(mul(f64(0.5), z));
  const w = b.let(sub(f64(1), half));
  const cosTail = sub(mul(mul(z, z), horner(COS, z)), mul(r, low));
  const cos = b.let(add(w, add(sub(sub(f64(1), w), half), cosTail)));
  return { sin, cos, quadrant: b.let(lowBits(k)) };
}

/** `value` with its sign flipped where bit 1 of `quadrant` is set; NaN for too large angles. */
function signed(value: Expr, quadrant: Expr, x: Expr): Expr {
  const flip = binary("shl", and(quadrant, i64(2n)), i64(62n));
  const result = fromBits(binary("xor", bitsOf(value), flip));
  return select(le(abs(x), f64(LARGEST_ANGLE)), result, f64(NaN));
}

const isOdd = (quadrant: Expr): Expr => binary("ne", and(quadrant, i64(1n)), i64(0n));

const sin = define("sin", ["x"], (b, x) => {
  const { sin: s, cos: c, quadrant } = reduced(b, x);
  return signed(b.let(select(isOdd(quadrant), c, s)), quadrant, x);
});

const cos = define("cos", ["x"], (b, x) => {
  const { sin: s, cos: c, quadrant } = reduced(b, x);
  const value = b.let(select(isOdd(quadrant), s, c));
  return signed(value, add(quadrant, i64(1n)), x);
});

const tan = define("tan", ["x"], (b, x) => {
  const { sin: s, cos: c, quadrant } = reduced(b, x);
  const odd = b.let(isOdd(quadrant));
  const value = div(select(odd, neg(c), s), select(odd, s, c));
  return select(le(abs(x), f64(LARGEST_ANGLE)), value, f64(NaN));
});

/** (asin(x) - x) / x³ in x², |x| ≤ 1/2 (e_asin.c). */
const ASIN_P = [
  0.16666666666666666, -0.3255658186224009, 0.20121253213486293, -0.04005553450067941,
  0.0007915349942898145, 0.00003479331075960212,
];
const ASIN_Q = [
  1, -2.403394911734414, 2.0209457602335057, -0.6882839716054533, 0.07703815055590194,
];

/** asin(t) and t of t = |x| below 1/2 and √((1 - |x|)/2) above, where asin x = π/2 - 2 asin t. */
function halfAngle(b: Body, x: Expr): { far: Expr; angle: Expr } {
  const a = b.let(abs(x));
  const far = b.let(gt(a, f64(0.5)));
  const z = b.let(select(far, mul(f64(0.5), sub(f64(1), a)), mul(a, a)));
  const t = b.let(select(far, sqrt(z), a));
  return { far, angle: b.let(add(t, mul(t, mul(z, ratio(ASIN_P, ASIN_Q, z))))) };
}

const asin = define("asin", ["x"], (b, x) => {
  const { far, angle } = halfAngle(b, x);
  const complement = sub(f64(HALF_PI), sub(mul(f64(2), angle), f64(HALF_PI_LOW)));
  return copysign(select(far, complement, angle), x);
});

const acos = define("acos", ["x"], (b, x) => {
  const { far, angle } = halfAngle(b, x);
  const double = b.let(mul(f64(2), angle));
  const below = b.let(lt(x, f64(0)));
  const opposite = sub(f64(Math.PI), sub(double, f64(2 * HALF_PI_LOW)));
  const near = sub(f64(HALF_PI), sub(copysign(angle, x), f64(HALF_PI_LOW)));
  return select(far, select(below, opposite, double), near);
});

const ATAN_P = [
  -64.85021904942025, -122.88666844901361, -75.00855792314705, -16.157537187333652,
  -0.8750608600031904,
];
const ATAN_Q = [
  194.5506571482614, 485.3903996359137, 432.88106049129027, 165.02700983169885, 24.858464901423062,
  1,
];

/** atan(a) for a ≥ 0: from 0, π/4 or π/2 by the addition theorem. */
function atanPositive(b: Body, a: Expr): Expr {
  const steep = b.let(gt(a, f64(2.414213562373095)));
  const middle = b.let(gt(a, f64(0.66)));
  const top = select(steep, f64(-1), select(middle, sub(a, f64(1)), a));
  const bottom = select(steep, a, select(middle, add(a, f64(1)), f64(1)));
  const t = b.let(div(top, bottom));
  const z = b.let(mul(t, t));
  const angle = add(t, mul(t, mul(z, ratio(ATAN_P, ATAN_Q, z))));
  const start = select(steep, f64(HALF_PI), select(middle, f64(Math.PI / 4), f64(0)));
  const low = select(steep, f64(HALF_PI_LOW), select(middle, f64(HALF_PI_LOW / 2), f64(0)));
  return b.let(add(start, add(angle, low)));
}

const atan = define("atan", ["x"], (b, x) => copysign(atanPositive(b, b.let(abs(x))), x));

/** The angle of the point (x, y), in [-π, π], with the signs of zeros as in C. */
const atan2 = define("atan2", ["y", "x"], (b, y, x) => {
  const ax = b.let(abs(x));
  const ay = b.let(abs(y));
  const small = b.let(select(lt(ay, ax), ay, ax));
  const large = b.let(select(lt(ay, ax), ax, ay));
  const quotient = select(eq(large, f64(0)), f64(0), div(small, large));
  const a = b.let(select(eq(small, f64(Infinity)), f64(1), quotient));
  const acute = atanPositive(b, a);
  const turned = sub(f64(HALF_PI), sub(acute, f64(HALF_PI_LOW)));
  const right = b.let(select(gt(ay, ax), turned, acute));
  const left = sub(f64(Math.PI), sub(right, f64(2 * HALF_PI_LOW)));
  const angle = b.let(select(lt(copysign(f64(1), x), f64(0)), left, right));
  const value = copysign(angle, y);
  return select(binary("or", isNaNExpr(x), isNaNExpr(y)), f64(NaN), value);
});

export const trigonometricFunctions: readonly KernelFunction[] = [
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  atan2,
];
