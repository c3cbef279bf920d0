import { digamma } from "./gamma.js";
import { logPoissonMass } from "./saddle.js";

/** Above this shape the sums would take 10⁵ terms, and the first of an expansion is exact enough. */
const LARGE = 1e9;
const TINY = 1e-300;

/**
 * ∂P(a, x)/∂a of the regularised lower incomplete gamma function: never positive. In the lower tail
 * and in the upper one it has the relative accuracy of P and Q there. NaN for a ≤ 0 or x < 0.
 *
 * With P = m Σ_n x^n / ((a + 1) … (a + n)), m = x^a e^−x / Γ(a + 1), it is m times the series with each
 * term times log x − ψ(a + 1) − Σ_j 1/(a + j); above x = a + 1 the continued fraction of Q is
 * differentiated along with its recursion (Moore 1982, Applied Statistics 31, algorithm AS 187).
 */
export function gammaPShape(a: number, x: number): number {
  if (!(a > 0 && x >= 0) || a === Infinity) return NaN;
  if (x === 0 || x === Infinity) return 0;
  const mass = Math.exp(logPoissonMass(a, x));
  // ∂x/∂a at a constant P is 1 + (x − a)/(2 a) + …, and the density a m/x.
  if (a >= LARGE) return (-mass * a * (1 + (x - a) / (2 * a))) / x;
  const log = Math.log(x) - digamma(a + 1);
  return x <= a + 1 ? mass * lowerSum(a, x, log) : -mass * upperFraction(a, x, log);
}

function lowerSum(a: number, x: number, log: number): number {
  let term = 1;
  let harmonic = 0;
  let plain = 1;
  let weighted = 0;
  for (let n = 1; term > plain * 1e-17; n++) {
    term *= x / (a + n);
    harmonic += 1 / (a + n);
    plain += term;
    weighted += term * harmonic;
  }
  return log * plain - weighted;
}

/** ∂Q/∂a over m: ∂/∂a of a h m with h the fraction. */
function upperFraction(a: number, x: number, log: number): number {
  const away = (v: number): number => (v === 0 ? TINY : v);
  let b = x + 1 - a;
  let d = 1 / b;
  let dd = d * d;
  let c = 1 / TINY;
  let dc = 0;
  let h = d;
  let dh = dd;
  let delta = 0;
  let slope = 1;
  for (let n = 1; Math.abs(delta - 1) >= 2.3e-16 || Math.abs(slope) >= 1e-16; n++) {
    if (n > 1_000_000) break;
    const an = n * (a - n);
    b += 2;
    const denominator = away(an * d + b);
    const moved = n * d + an * dd - 1;
    dd = -moved / (denominator * denominator);
    d = 1 / denominator;
    dc = n / c - (an * dc) / (c * c) - 1;
    c = away(b + an / c);
    delta = c * d;
    slope = dc * d + c * dd;
    dh = dh * delta + h * slope;
    h *= delta;
  }
  return (a * log + 1) * h + a * dh;
}
