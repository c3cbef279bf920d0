/** Slice sampling of one number by doubling-free stepping out: Neal (2003), figures 3 and 5. */
import type { RandomStream } from "../../../math/rng/random.js";

const MAX_STEPS = 100;

/**
 * A draw that leaves the density invariant.
 * @param x0 where it stands, of finite log density
 * @param width how far the first interval reaches
 * @param density the log density; −∞ outside the support, NaN counts as −∞
 */
export function sliceUpdate(
  x0: number,
  width: number,
  density: (x: number) => number,
  rng: RandomStream,
): number {
  const level = density(x0) - rng.exponential();
  let left = x0 - width * rng.uniform();
  let right = left + width;
  let toLeft = Math.floor(MAX_STEPS * rng.uniform());
  let toRight = MAX_STEPS - 1 - toLeft;
  while (toLeft-- > 0 && density(left) > level) left -= width;
  while (toRight-- > 0 && density(right) > level) right += width;
  for (;;) {
    const x = left + (right - left) * rng.uniform();
    if (density(x) > level) return x;
    // The interval has shrunk to where it began: rounding leaves no other number.
    if (!(x !== x0)) return x0;
    if (x < x0) left = x;
    else right = x;
  }
}
