/** Slice sampling of one coordinate: Neal, "Slice sampling" (2003), figures 3 and 5. */
import type { RandomStream } from "../../math/rng/random.js";

/** Steps out at most so many widths in all; beyond, the draw is still exact. */
export const MAX_STEPS = 100;
/** Widths are adapted from this sweep of the warmup on, and stay above a least one. */
export const ADAPTED_FROM = 10;
export const LEAST_WIDTH = 1e-6;

/**
 * A draw that leaves the density invariant.
 * @param x0 where it stands
 * @param y0 the log density there, finite
 * @param width how far the first interval reaches
 * @param density the log density at any place; −∞ outside the support, NaN counts as −∞
 */
export function sliceDraw(
  x0: number,
  y0: number,
  width: number,
  density: (x: number) => number,
  rng: RandomStream,
): { readonly x: number; readonly y: number } {
  const level = y0 - rng.exponential();
  let left = x0 - width * rng.uniform();
  let right = left + width;
  let toLeft = Math.floor(MAX_STEPS * rng.uniform());
  let toRight = MAX_STEPS - 1 - toLeft;
  while (toLeft > 0 && density(left) > level) {
    left -= width;
    toLeft--;
  }
  while (toRight > 0 && density(right) > level) {
    right += width;
    toRight--;
  }
  for (;;) {
    const x = left + (right - left) * rng.uniform();
    const y = density(x);
    if (y > level) return { x, y };
    // The interval has shrunk to where it began: rounding leaves no other number.
    if (!(x !== x0)) return { x: x0, y: y0 };
    if (x < x0) left = x;
    else right = x;
  }
}
