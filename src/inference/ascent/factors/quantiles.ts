/** Quantiles of the families that have no closed form for them. */
import { betaI, gammaQuantile, lbeta } from "../../../math/special/index.js";

/** Of Gamma(shape, rate). */
export function gammaQuantileOf(shape: number, rate: number, p: number): number {
  return gammaQuantile(shape, p) / rate;
}

/** Of Beta(a, b), by bisection on the log odds with Newton steps inside the bracket. */
export function betaQuantile(a: number, b: number, p: number): number {
  let low = -745;
  let high = 745;
  const scale = lbeta(a, b);
  let t = Math.log(a / b);
  for (let k = 0; k < 200; k++) {
    const x = 1 / (1 + Math.exp(-t));
    const y = 1 / (1 + Math.exp(t));
    const error = betaI(a, b, x, y) - p;
    if (error === 0) break;
    if (error > 0) high = t;
    else low = t;
    // The density in the log odds is x^a y^b / B(a, b).
    const slope = Math.exp(a * Math.log(x) + b * Math.log(y) - scale);
    const newton = t - error / slope;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    const moved = Math.abs(next - t);
    t = next;
    if (moved <= 1e-14 * (1 + Math.abs(t))) break;
  }
  return 1 / (1 + Math.exp(-t));
}
