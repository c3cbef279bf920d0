import { I0_FAR_P, I0_NEAR_P, I1_FAR_P, I1_NEAR_P } from "./coefficients.js";
import { polynomial } from "./polynomial.js";

/** Below this the power series in (x/2)² serves, above it a polynomial in 1/x. */
const NEAR = 8;

/** exp(-|x|) I₀(x), the modified Bessel function of order 0, scaled. */
export function besselI0e(x: number): number {
  const a = Math.abs(x);
  if (a < NEAR) {
    const w = 0.25 * a * a;
    return Math.exp(-a) * (1 + w * polynomial(I0_NEAR_P, w));
  }
  return polynomial(I0_FAR_P, 1 / a - 0.0625) / Math.sqrt(a);
}

/** exp(-|x|) I₁(x), the modified Bessel function of order 1, scaled; odd in x. */
export function besselI1e(x: number): number {
  const a = Math.abs(x);
  if (a < NEAR) return Math.exp(-a) * 0.5 * x * polynomial(I1_NEAR_P, 0.25 * a * a);
  return (Math.sign(x) * polynomial(I1_FAR_P, 1 / a - 0.0625)) / Math.sqrt(a);
}

/** log I₀(x), in relative accuracy at 0 (where it is x²/4) as at infinity. */
export function logBesselI0(x: number): number {
  const a = Math.abs(x);
  if (a < NEAR) {
    const w = 0.25 * a * a;
    return Math.log1p(w * polynomial(I0_NEAR_P, w));
  }
  return a + Math.log(besselI0e(a));
}

/** I₁(x) / I₀(x) = d log I₀(x) / dx: the mean resultant length of a von Mises distribution. */
export function besselRatio(x: number): number {
  const a = Math.abs(x);
  if (a === Infinity) return Math.sign(x);
  if (a < NEAR) {
    const w = 0.25 * a * a;
    return (0.5 * x * polynomial(I1_NEAR_P, w)) / (1 + w * polynomial(I0_NEAR_P, w));
  }
  const s = 1 / a - 0.0625;
  return (Math.sign(x) * polynomial(I1_FAR_P, s)) / polynomial(I0_FAR_P, s);
}
