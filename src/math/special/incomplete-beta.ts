import { logSplitMass } from "./saddle.js";

const TINY = 1e-300;

/**
 * The regularised incomplete beta function I_x(a, b), the distribution function at x of a
 * beta(a, b) variable. Relative error below 1e-12 for the smaller of it and its complement, except
 * that for a or b below 1 the complement is taken by subtraction. `y` is 1 - x, given apart where
 * the caller has it more precisely. NaN for a ≤ 0, b ≤ 0 or x outside [0, 1].
 */
export function betaI(a: number, b: number, x: number, y = 1 - x): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NaN;
  if (x === 0) return 0;
  if (y === 0) return 1;
  // The fraction converges fast below the mean; above it, I_x(a, b) = 1 - I_y(b, a).
  if (x <= (a + 1) / (a + b + 2)) return lowerFraction(a, b, x, y);
  return 1 - lowerFraction(b, a, y, x);
}

/** 1 - I_x(a, b) = I_{1-x}(b, a), in relative accuracy in the upper tail. */
export function betaIComplement(a: number, b: number, x: number, y = 1 - x): number {
  return betaI(b, a, y, x);
}

/** The continued fraction DLMF 8.17.22, modified Lentz, in steps of two. */
function lowerFraction(a: number, b: number, x: number, y: number): number {
  const sum = a + b;
  let c = 1;
  let d = 1 / guard(1 - (sum * x) / (a + 1));
  let h = d;
  for (let m = 1; ; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + even * d);
    c = guard(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (sum + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + odd * d);
    c = guard(1 + odd / c);
    const delta = d * c;
    h *= delta;
    if (Math.abs(delta - 1) < 2.3e-16) break;
  }
  // xᵃ yᵇ / (a B(a, b)), as a binomial mass.
  return Math.exp(logSplitMass(a, b, x, y)) * (b / sum) * h;
}

function guard(value: number): number {
  return value === 0 ? TINY : value;
}
