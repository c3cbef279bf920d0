import {
  DIGAMMA_CORE_P,
  DIGAMMA_CORE_Q,
  DIGAMMA_TAIL_P,
  DIGAMMA_ZERO,
  LGAMMA_CORE_P,
  LGAMMA_CORE_Q,
  STIRLING_P,
  TRIGAMMA_TAIL_P,
} from "./coefficients.js";
import { polynomial, rational } from "./polynomial.js";

/** log √(2π). */
export const HALF_LOG_2PI = 0.9189385332046728;
const LOG_PI = 1.1447298858494002;

/** Where the asymptotic series in 1/x² take over. */
const ASYMPTOTIC = 8;

/**
 * sin(πx) and cos(πx) with the argument reduced exactly: zero at integers (half-integers), correct
 * for every finite x.
 */
export function sinPi(x: number): number {
  const [s, half] = reduce(x);
  return half === 0 ? Math.sin(Math.PI * s) : -Math.sin(Math.PI * s);
}

/** cos(πx); see `sinPi`. */
export function cosPi(x: number): number {
  const [s, half] = reduce(x);
  // cos(πs) = sin(π(1/2 - |s|)), which vanishes exactly at |s| = 1/2.
  const c = Math.sin(Math.PI * (0.5 - Math.abs(s)));
  return half === 0 ? c : -c;
}

/** x = s + n with |s| ≤ 1/2: s, and n modulo 2. */
function reduce(x: number): readonly [s: number, half: number] {
  const n = Math.round(x);
  return [x - n, Math.abs(n % 2)];
}

/**
 * lgamma(x) - ((x - 1/2) log x - x + log √(2π)) for x ≥ 0: what Stirling's formula leaves out,
 * 1/(12x) - 1/(360x³) + …. Also lgamma(x + 1) less Stirling's x log x - x + log √(2πx).
 * Relative error a few ε from 8 on; below 8 it is a difference, in error by 1e-14 absolute.
 */
export function stirlingCorrection(x: number): number {
  if (x >= ASYMPTOTIC) return polynomial(STIRLING_P, 1 / (x * x)) / x;
  return lgamma(x) - ((x - 0.5) * Math.log(x) - x + HALF_LOG_2PI);
}

/** lgamma(2 + s) for s in [-1/2, 1], with full relative accuracy at the zeros s = 0 and -1. */
function lgammaCore(s: number): number {
  return s * (1 + s) * rational(LGAMMA_CORE_P, LGAMMA_CORE_Q, s);
}

/** lgamma(1 + s) for s in [-1/2, 1/2], with full relative accuracy at s = 0. */
export function lgamma1p(s: number): number {
  return lgammaCore(s) - Math.log1p(s);
}

/** Stirling's formula, x ≥ 8. */
function lgammaLarge(x: number): number {
  // With log x - 1 factored out the product overflows only where the result does.
  return (x - 0.5) * (Math.log(x) - 1) + (HALF_LOG_2PI - 0.5) + stirlingCorrection(x);
}

/**
 * log |Γ(x)|. Relative error a few ε for x > 0, the zeros at 1 and 2 included; for x < 0 the error
 * is a few ε absolute near the zeros. +∞ at 0, at the negative integers and at ±∞. Five branches
 * for x > 0: [0, 1/2), [1/2, 3/2), [3/2, 3) from one rational core, [3, 8) shifted up by 5, and
 * Stirling's series (coefficients.ts).
 */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x === Infinity || x === -Infinity) return Infinity;
  if (x >= ASYMPTOTIC) return lgammaLarge(x);
  if (x >= 3) {
    return lgammaLarge(x + 5) - Math.log(x * (x + 1) * (x + 2) * (x + 3) * (x + 4));
  }
  if (x >= 1.5) return lgammaCore(x - 2);
  if (x >= 0.5) return lgamma1p(x - 1);
  if (x > 0) return lgammaCore(x) - Math.log1p(x) - Math.log(x);
  if (x === Math.floor(x)) return Infinity;
  // Γ(x) Γ(-x) = -π / (x sin πx); for tiny x, x sin πx underflows, but Γ(x) ≈ 1/x.
  if (x > -1e-150) return -Math.log(-x);
  return LOG_PI - Math.log(Math.abs(x * sinPi(x))) - lgamma(-x);
}

/** The sign of Γ(x): 1 or -1, NaN at the poles below 0. */
export function gammaSign(x: number): number {
  if (x > 0 || Object.is(x, 0)) return 1;
  if (Object.is(x, -0)) return -1;
  return x === Math.floor(x) ? NaN : Math.floor(x) % 2 === 0 ? 1 : -1;
}

/**
 * The digamma function ψ(x) = d log Γ(x) / dx. Relative error a few ε for x > 0, the zero at
 * 1.4616… included; for x < 0 absolute near the zeros. NaN at the negative integers and -∞, ∓∞ at
 * ±0.
 */
export function digamma(x: number): number {
  if (x >= ASYMPTOTIC) {
    if (x === Infinity) return Infinity;
    const w = 1 / (x * x);
    return Math.log(x) - 0.5 / x - w * polynomial(DIGAMMA_TAIL_P, w);
  }
  if (x > 2) {
    const shift = 1 / x + 1 / (x + 1) + 1 / (x + 2) + 1 / (x + 3) + 1 / (x + 4) + 1 / (x + 5);
    return digamma(x + 6) - shift;
  }
  if (x >= 1) return digammaCore(x - 1);
  if (x > 0) return digammaCore(x) - 1 / x;
  if (x === 0) return -1 / x;
  if (Number.isNaN(x) || x === Math.floor(x)) return NaN;
  // Next to the pole at 0: ψ(x) = ψ(1) - 1/x + O(x).
  if (x > -1e-17) return digammaCore(0) - 1 / x;
  // ψ(x) = ψ(-x) - 1/x - π cot πx
  return digamma(-x) - 1 / x - (Math.PI * cosPi(x)) / sinPi(x);
}

/** ψ(1 + s), s in [0, 1]. */
function digammaCore(s: number): number {
  const fromZero = s - (DIGAMMA_ZERO[0] - 1) - DIGAMMA_ZERO[1];
  return fromZero * rational(DIGAMMA_CORE_P, DIGAMMA_CORE_Q, s - 0.5);
}

/**
 * The trigamma function ψ′(x). Relative error a few ε. +∞ at 0 and at the negative integers, NaN
 * at -∞.
 */
export function trigamma(x: number): number {
  if (x >= ASYMPTOTIC) {
    const z = 1 / x;
    const w = z * z;
    return z + 0.5 * w + w * z * polynomial(TRIGAMMA_TAIL_P, w);
  }
  if (x > 0) {
    let sum = 0;
    let y = x;
    for (; y < ASYMPTOTIC; y += 1) sum += 1 / y / y;
    return sum + trigamma(y);
  }
  if (Number.isNaN(x) || x === -Infinity) return NaN;
  if (x === Math.floor(x)) return Infinity;
  // ψ′(x) + ψ′(1 - x) = π² / sin² πx, and ψ′(1 - x) = ψ′(-x) - 1/x².
  if (x > -1e-9) return 1 / x / x + trigamma(1 - x);
  const s = Math.PI / sinPi(x);
  return s * s - trigamma(1 - x);
}

/**
 * log of the multivariate gamma function Γ_p(a), p an integer ≥ 1, a > (p - 1)/2:
 * p(p - 1)/4 log π + Σⱼ lgamma(a - j/2), j = 0 … p - 1.
 */
export function lmvgamma(p: number, a: number): number {
  let sum = ((p * (p - 1)) / 4) * LOG_PI;
  for (let j = 0; j < p; j++) sum += lgamma(a - j / 2);
  return sum;
}
