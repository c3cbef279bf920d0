import { erfc } from "./erf.js";
import { HALF_LOG_2PI, lgamma1p } from "./gamma.js";
import { deviance, logPoissonMass } from "./saddle.js";

/** Above this shape the sums would take 10⁵ terms, and Temme's expansion needs only two. */
const TEMME = 1e9;
const TINY = 1e-300;

/**
 * The regularised lower incomplete gamma function P(a, x), the distribution function at x of a
 * gamma variable of shape a > 0 and rate 1. Relative error below 1e-13 where the result is not
 * itself an underflow. NaN for a ≤ 0 or x < 0.
 */
export function gammaP(a: number, x: number): number {
  return regularised(a, x, true);
}

/** The upper one, Q(a, x) = 1 - P(a, x), in relative accuracy in the upper tail. */
export function gammaQ(a: number, x: number): number {
  return regularised(a, x, false);
}

function regularised(a: number, x: number, lower: boolean): number {
  if (!(a > 0 && x >= 0) || a === Infinity) return NaN;
  if (x === 0) return lower ? 0 : 1;
  if (x === Infinity) return lower ? 1 : 0;
  if (a >= TEMME) return temme(a, x, lower);
  if (x < 1.1 && a < 1 && x >= lowerLimit(a)) {
    const q = upperSmall(a, x);
    return lower ? 1 - q : q;
  }
  if (x <= a + 1) {
    const p = lowerSeries(a, x);
    return lower ? p : 1 - p;
  }
  const q = upperFraction(a, x);
  return lower ? 1 - q : q;
}

/** The x below which P(a, x) < 1/2, roughly, for a < 1: xᵃ = 1/2 with Γ(a + 1) ≈ 1. */
function lowerLimit(a: number): number {
  return Math.exp(-0.7 / a);
}

/** P by its power series, DLMF 8.11.4: positive terms. */
function lowerSeries(a: number, x: number): number {
  let sum = 1;
  let term = 1;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return Math.exp(logPoissonMass(a, x)) * sum;
}

/** Q by the continued fraction DLMF 8.9.2 (contracted), modified Lentz; x > a + 1. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let h = d;
  for (let n = 1; ; n++) {
    const an = n * (a - n);
    b += 2;
    d = an * d + b;
    if (d === 0) d = TINY;
    d = 1 / d;
    c = b + an / c;
    if (c === 0) c = TINY;
    const delta = c * d;
    h *= delta;
    if (Math.abs(delta - 1) < 2.3e-16) break;
  }
  return Math.exp(logPoissonMass(a, x)) * a * h;
}

/**
 * Q for x ≤ 1.1 and a < 1 where P is near 1: 1 - xᵃ/Γ(1 + a) from expm1, less the alternating
 * rest of the series DLMF 8.7.1.
 */
function upperSmall(a: number, x: number): number {
  const logHead = a * Math.log(x) - (a <= 0.5 ? lgamma1p(a) : lgamma1p(a - 1) + Math.log(a));
  let sum = 0;
  let term = 1;
  for (let n = 1; n < 60; n++) {
    term *= -x / n;
    const next = sum + term / (a + n);
    if (next === sum) break;
    sum = next;
  }
  return -Math.expm1(logHead) - a * Math.exp(logHead) * sum;
}

/**
 * Temme's uniform expansion for large a, DLMF 8.12.3 to 8.12.10, with c₀ and c₁ by their series
 * in η: at a ≥ 1e9 the result is 0 or 1 to double precision wherever |η| > 1.3e-3.
 */
function temme(a: number, x: number, lower: boolean): number {
  const half = deviance(a, x);
  const eta = Math.sign(x - a) * Math.sqrt((2 * half) / a);
  const side = lower ? -1 : 1;
  const c0 = -1 / 3 + eta * (1 / 12 + eta * (-2 / 135 + eta * (1 / 864 + eta / 2835)));
  const c1 = -1 / 540 - eta / 288;
  const rest = Math.exp(-half - HALF_LOG_2PI) * ((c0 + c1 / a) / Math.sqrt(a));
  const result = 0.5 * erfc(side * Math.sign(eta) * Math.sqrt(half)) + side * rest;
  return half > 745 ? (x > a === lower ? 1 : 0) : result;
}
