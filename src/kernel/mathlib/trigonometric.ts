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
  -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4,
  2.75573137070700676789e-6, -2.50507602534068634195e-8, 1.58969099521155010221e-10,
];
const COS = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5,
  -2.75573143513906633035e-7, 2.0875723212981748279e-9, -1.13596475577881948265e-11,
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
  1.66666666666666657415e-1, -3.25565818622400915405e-1, 2.01212532134862925881e-1,
  -4.00555345006794114027e-2, 7.91534994289814532176e-4, 3.4793310759602116757e-5,
];
const ASIN_Q = [
  1, -2.40339491173441421878, 2.02094576023350569471, -6.8828397160545329303e-1,
  7.70381505559019352791e-2,
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
  -6.485021904942025371773e1, -1.22886668449013617341e2, -7.50085579231470466734e1,
  -1.615753718733365076637e1, -8.750608600031904122785e-1,
];
const ATAN_Q = [
  1.945506571482613964425e2, 4.853903996359136964868e2, 4.328810604912902668951e2,
  1.650270098316988542046e2, 2.485846490142306297962e1, 1,
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
