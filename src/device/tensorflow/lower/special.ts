/**
 * Functions that TensorFlow lacks, or has with fewer digits: the algorithms of src/math/special with
 * its coefficients. Both sides of a choice are computed.
 */
import * as c from "../../../math/special/coefficients.js";
import { type Maths, typed } from "../graph/maths.js";
import type { Tensor } from "../graph/scope.js";

const SQRT_PI = 1.772453850905516;

/** Towards zero. */
export function trunc(m: Maths, x: Tensor): Tensor {
  return m.select(m.compare("Less", x, 0), m.call("Ceil", x), m.call("Floor", x));
}

/** NaN for ±1 to the power ±∞ or NaN, as in JavaScript; C and TensorFlow say 1. */
export function pow(m: Maths, x: Tensor, y: Tensor): Tensor {
  const finite = m.scope.op("IsFinite", [y], "bool", { attrs: typed(m.type) });
  const isOne = m.compare("Equal", m.call("Abs", x), 1);
  const isUnknown = m.logical("LogicalAnd", isOne, m.logical("LogicalNot", finite));
  return m.select(isUnknown, Number.NaN, m.call("Pow", x, y));
}

/** Held where it is ±1 long since: TensorFlow's own in f32 is NaN at infinity. */
export function erf(m: Maths, x: Tensor): Tensor {
  return m.call("Erf", m.call("Minimum", m.call("Maximum", x, -10), 10));
}

/** Halves away from zero: TensorFlow's own goes to the even number. */
export function round(m: Maths, x: Tensor): Tensor {
  const t = trunc(m, x);
  const isUp = m.compare("GreaterEqual", m.call("Abs", m.sub(x, t)), 0.5);
  return m.select(isUp, m.add(t, m.call("Sign", x)), t);
}

/** max(x, 0) + log1p(exp(−|x|)). */
export function softplus(m: Maths, x: Tensor): Tensor {
  const rest = m.call("Log1p", m.call("Exp", m.neg(m.call("Abs", x))));
  return m.add(m.call("Maximum", x, 0), rest);
}

/** log(1 − eˣ), Mächler (2012), equation 7. */
export function log1mexp(m: Maths, x: Tensor): Tensor {
  const near = m.call("Log", m.neg(m.call("Expm1", x)));
  const far = m.call("Log1p", m.neg(m.call("Exp", x)));
  return m.select(m.compare("Greater", x, -Math.LN2), near, far);
}

/** ψ′ by the zeta function; below 0 by reflection, π² / sin²(πx) − ψ′(1 − x). */
export function trigamma(m: Maths, x: Tensor): Tensor {
  const isLeft = m.compare("LessEqual", x, 0);
  const positive = m.call("Polygamma", 1, m.select(isLeft, m.sub(1, x), x));
  // sin πx of the distance to the next whole number: exact where x is large.
  const r = m.sub(x, round(m, x));
  const s = m.div(Math.PI, m.call("Sin", m.mul(Math.PI, r)));
  return m.select(isLeft, m.sub(m.mul(s, s), positive), positive);
}

/** erfc(x) exp(x²) for x ≥ 0. */
function erfcxPositive(m: Maths, x: Tensor): Tensor {
  const near = m.rational(c.ERFCX_NEAR_P, c.ERFCX_NEAR_Q, m.call("Minimum", x, 3));
  const z = m.call("Reciprocal", m.call("Maximum", x, 3));
  const far = m.mul(m.rational(c.ERFCX_FAR_P, c.ERFCX_FAR_Q, m.mul(z, z)), z);
  return m.select(m.compare("Less", x, 3), near, m.div(far, SQRT_PI));
}

/** exp(factor x²), x split so that the large square is exact (Cody 1969). */
function expSquare(m: Maths, x: Tensor, factor: number): Tensor {
  // To a multiple of 2⁻⁴: the square of what is below 64 has few bits.
  const high = m.div(m.call("Floor", m.mul(x, 16)), 16);
  const rest = m.mul(m.mul(m.sub(x, high), factor), m.add(x, high));
  const split = m.mul(m.call("Exp", m.mul(m.mul(high, factor), high)), m.call("Exp", rest));
  const plain = m.call("Exp", m.mul(m.mul(x, factor), x));
  return m.select(m.compare("Less", m.call("Abs", x), 64), split, plain);
}

/** exp(x²) erfc(x). */
export function erfcx(m: Maths, x: Tensor): Tensor {
  const positive = erfcxPositive(m, m.call("Abs", x));
  const left = m.sub(m.mul(2, expSquare(m, x, 1)), positive);
  return m.select(m.compare("Less", x, 0), left, positive);
}

/** log Φ(x). */
export function logNdtr(m: Maths, x: Tensor): Tensor {
  const a = m.call("Abs", x);
  const scaled = m.mul(0.5, erfcxPositive(m, m.mul(a, Math.SQRT1_2)));
  const right = m.call("Log1p", m.neg(m.mul(expSquare(m, a, -0.5), scaled)));
  const left = m.sub(m.call("Log", scaled), m.mul(m.mul(0.5, x), x));
  return m.select(m.compare("Greater", x, 0), right, left);
}

/** Φ⁻¹(p): NaN outside [0, 1] in every version. */
export function ndtri(m: Maths, p: Tensor): Tensor {
  const isLow = m.compare("GreaterEqual", p, 0);
  const isInside = m.logical("LogicalAnd", isLow, m.compare("LessEqual", p, 1));
  return m.select(isInside, m.call("Ndtri", p), Number.NaN);
}

/** log I₀(x): by its series near 0, where that is x²/4. */
export function logI0(m: Maths, x: Tensor): Tensor {
  const a = m.call("Abs", x);
  const near = m.call("Minimum", a, 8);
  const w = m.mul(m.mul(0.25, near), near);
  const series = m.call("Log1p", m.mul(w, m.polynomial(c.I0_NEAR_P, w)));
  const far = m.add(a, m.call("Log", m.call("BesselI0e", a)));
  const isFar = m.compare("Less", a, Number.POSITIVE_INFINITY);
  return m.select(m.compare("Less", a, 8), series, m.select(isFar, far, a));
}

/** I₁(x) / I₀(x). */
export function besselRatio(m: Maths, x: Tensor): Tensor {
  const finite = m.compare("Less", m.call("Abs", x), Number.POSITIVE_INFINITY);
  const ratio = m.div(m.call("BesselI1e", x), m.call("BesselI0e", x));
  return m.select(finite, ratio, m.call("Sign", x));
}
