import {
  QUANTILE_CENTER_P,
  QUANTILE_CENTER_Q,
  QUANTILE_FAR_P,
  QUANTILE_FAR_Q,
  QUANTILE_NEAR_P,
  QUANTILE_NEAR_Q,
} from "./coefficients.js";
import { erf, erfcx, expSquare } from "./erf.js";
import { HALF_LOG_2PI } from "./gamma.js";
import { rational } from "./polynomial.js";

const SQRT_HALF = Math.SQRT1_2;
const SQRT_HALF_PI = 1.2533141373155003;
const INVERSE_SQRT_2PI = 0.3989422804014327;

/** Φ(-x) for x ≥ 0: with exp(-x²/2) taken on x itself, the rounding of x/√2 does no harm. */
function upperTail(x: number): number {
  return 0.5 * expSquare(x, -0.5) * erfcx(x * SQRT_HALF);
}

/** The standard normal distribution function Φ(x), in full relative accuracy in the lower tail. */
export function normalCdf(x: number): number {
  return x < 0 ? upperTail(-x) : 1 - upperTail(x);
}

/**
 * log Φ(x), in relative accuracy over the whole line: in the lower tail it follows -x²/2 - log|x|
 * to -∞, in the upper tail it is -Φ(-x).
 */
export function normalLogCdf(x: number): number {
  if (x > 0) return Math.log1p(-upperTail(x));
  return Math.log(0.5 * erfcx(-x * SQRT_HALF)) - 0.5 * x * x;
}

/** d log Φ(x) / dx = φ(x) / Φ(x), the inverse Mills ratio at -x; about -x in the lower tail. */
export function normalLogCdfGradient(x: number): number {
  return x < 0
    ? 1 / (SQRT_HALF_PI * erfcx(-x * SQRT_HALF))
    : (expSquare(x, -0.5) * INVERSE_SQRT_2PI) / (1 - upperTail(x));
}

/**
 * The quantile Φ⁻¹(p): a rational start of relative error 1e-9 and one step of Newton with a
 * second-order correction (Halley), which squares it away. Relative error a few ε, near p = 1/2
 * too; ∓∞ at 0 and 1, NaN outside [0, 1].
 */
export function normalQuantile(p: number): number {
  if (p > 0.925) return -lowerQuantile(1 - p, Math.log1p(-p));
  if (p < 0.075) return lowerQuantile(p, Math.log(p));
  const q = p - 0.5;
  const x = q * rational(QUANTILE_CENTER_P, QUANTILE_CENTER_Q, q * q);
  const density = Math.exp(-0.5 * x * x - HALF_LOG_2PI);
  return halley(x, (0.5 * erf(x * SQRT_HALF) - q) / density);
}

/** Φ⁻¹(exp(logP)) for logP ≤ 0: the quantile where p itself would underflow. */
export function normalQuantileOfLog(logP: number): number {
  if (logP > -Math.LN2) return normalQuantile(Math.exp(logP));
  return logP < Math.log(0.075)
    ? lowerQuantile(Math.exp(logP), logP)
    : normalQuantile(Math.exp(logP));
}

/** The quantile of p < 0.075, given with its logarithm. */
function lowerQuantile(p: number, logP: number): number {
  if (!(p >= 0)) return NaN;
  if (logP === -Infinity) return -Infinity;
  const r = Math.sqrt(-logP);
  let x = -lowerStart(r);
  // Φ(x) - p over φ(x), from logarithms: exact where both underflow.
  const steps = r > 27.4 ? 3 : 1;
  for (let i = 0; i < steps; i++) {
    const mills = SQRT_HALF_PI * erfcx(-x * SQRT_HALF);
    x = halley(x, -mills * Math.expm1(logP - normalLogCdf(x)));
  }
  return x;
}

function lowerStart(r: number): number {
  if (r <= 5) return rational(QUANTILE_NEAR_P, QUANTILE_NEAR_Q, r - 3);
  if (r <= 27.4) return r * rational(QUANTILE_FAR_P, QUANTILE_FAR_Q, 5 / r);
  // x² ≈ 2r² - log(2π x²), from the leading term of Mills' ratio.
  const square = 2 * r * r;
  return Math.sqrt(square - Math.log(2 * Math.PI * (square - Math.log(2 * Math.PI * square))));
}

/** One Halley step for Φ(x) = p from the error e = (Φ(x) - p) / φ(x): Φ″/Φ′ = -x. */
function halley(x: number, e: number): number {
  return x - e / (1 + 0.5 * x * e);
}

/** The inverse of erf on (-1, 1): ±∞ at ±1, NaN outside. */
export function erfInverse(y: number): number {
  if (Math.abs(y) > 0.85) {
    const x = -lowerQuantile((1 - Math.abs(y)) / 2, Math.log((1 - Math.abs(y)) / 2)) * SQRT_HALF;
    return y < 0 ? -x : x;
  }
  const q = 0.5 * y;
  const x = q * rational(QUANTILE_CENTER_P, QUANTILE_CENTER_Q, q * q);
  const density = Math.exp(-0.5 * x * x - HALF_LOG_2PI);
  return halley(x, (0.5 * erf(x * SQRT_HALF) - q) / density) * SQRT_HALF;
}
