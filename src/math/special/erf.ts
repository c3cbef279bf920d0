import {
  ERF_CORE_P,
  ERF_CORE_Q,
  ERFCX_FAR_P,
  ERFCX_FAR_Q,
  ERFCX_NEAR_P,
  ERFCX_NEAR_Q,
} from "./coefficients.js";
import { rational } from "./polynomial.js";

const SQRT_PI = 1.772453850905516;

/**
 * exp(factor · x²) without the error of squaring: x is split into a part of 24 bits, whose
 * square is exact, and the rest (Cody 1969). `factor` is a power of two.
 */
export function expSquare(x: number, factor: number): number {
  const high = Math.fround(x);
  if (!(Math.abs(high) < 1e18)) return Math.exp(factor * x * x);
  return Math.exp(factor * high * high) * Math.exp(factor * (x - high) * (x + high));
}

/** erf(x) for |x| ≤ 1. */
function erfCore(x: number): number {
  return x * rational(ERF_CORE_P, ERF_CORE_Q, x * x);
}

/** erfcx(x) for x ≥ 0. */
function erfcxPositive(x: number): number {
  if (x < 3) return rational(ERFCX_NEAR_P, ERFCX_NEAR_Q, x);
  const z = 1 / x;
  return (rational(ERFCX_FAR_P, ERFCX_FAR_Q, z * z) * z) / SQRT_PI;
}

/** The error function 2/√π ∫₀ˣ exp(-t²) dt; relative error a few ε. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a <= 1) return erfCore(x);
  const tail = expSquare(a, -1) * erfcxPositive(a);
  return x > 0 ? 1 - tail : tail - 1;
}

/** 1 - erf(x), in full relative accuracy down to the underflow near x = 26.5. */
export function erfc(x: number): number {
  if (x < 0.5) return x < -1 ? 2 - expSquare(x, -1) * erfcxPositive(-x) : 1 - erfCore(x);
  return expSquare(x, -1) * erfcxPositive(x);
}

/** The scaled function exp(x²) erfc(x); +∞ below x ≈ -26.6. */
export function erfcx(x: number): number {
  return x < 0 ? 2 * expSquare(x, 1) - erfcxPositive(-x) : erfcxPositive(x);
}

/** log erfc(x), in relative accuracy also where erfc itself underflows. */
export function logErfc(x: number): number {
  if (x < 0.5) return x < -1 ? Math.log(erfc(x)) : Math.log1p(-erfCore(x));
  return Math.log(erfcxPositive(x)) - x * x;
}
