/** Draws from families cut off to an interval. */

import type { RandomStream } from "../../math/rng/random.js";
import { normalLogCdf, normalQuantileOfLog } from "../../math/special/index.js";
import type { CutFamily, Interval } from "../conditionals/truncated.js";
import { sliceDraw } from "./slice.js";

/**
 * A draw that leaves exp(⟨η, T⟩) on the interval invariant, from the present value; undefined where
 * that is no distribution. Independent of the present value, but for what is said at `fallback`.
 */
export function truncatedDraw(
  family: CutFamily,
  eta: readonly number[],
  interval: Interval,
  present: number,
  rng: RandomStream,
): number | undefined {
  if (!eta.every(Number.isFinite)) return undefined;
  const x = draws[family](eta, interval, present, rng);
  if (x === undefined || Number.isNaN(x)) return undefined;
  // Rounding may leave an end of a closed interval by one place, or reach one of an open one.
  const { lower, upper } = interval;
  if (x > lower && x < upper) return x;
  const inside = Math.min(Math.max(x, lower), upper);
  return Number.isFinite(inside) && inside !== 0 ? inside : present;
}

type Draw = (
  eta: readonly number[],
  interval: Interval,
  present: number,
  rng: RandomStream,
) => number | undefined;

const draws: Readonly<Record<CutFamily, Draw>> = {
  /** Density vᶜ: inversion, in the ratio of the ends. */
  Power: ([c], { lower, upper }, _, rng) => {
    const a = c + 1;
    const u = rng.uniform();
    if (Math.abs(a) < 1e-12) {
      if (!(lower > 0 && upper < Infinity)) return undefined;
      return lower * (upper / lower) ** u;
    }
    if (a > 0) {
      if (!(upper < Infinity)) return undefined;
      const ratio = (lower / upper) ** a;
      return upper * (ratio + u * (1 - ratio)) ** (1 / a);
    }
    if (!(lower > 0)) return undefined;
    const ratio = (upper / lower) ** a;
    return lower * (ratio + u * (1 - ratio)) ** (1 / a);
  },

  /** Inversion in the left tail, in logs: exact to rounding however far the interval lies. */
  Normal: (eta, interval, present, rng) => {
    const [b, c] = eta;
    const { lower, upper } = interval;
    const width = upper - lower;
    // Too flat to have a spread of its own: an exponential, or uniform, piece.
    if (c === 0 || (width < Infinity && Math.abs(c) * width * width < 1e-12)) {
      return exponentialPiece(b + 2 * c * (Number.isFinite(lower) ? lower : upper), interval, rng);
    }
    if (c > 0) {
      return width < Infinity
        ? fallback((v) => (b + c * v) * v, interval, present, rng)
        : undefined;
    }
    const sd = Math.sqrt(-0.5 / c);
    const mean = b * sd * sd;
    const [low, high] = [(lower - mean) / sd, (upper - mean) / sd];
    const isRight = low > 0;
    const [near, far] = isRight ? [-low, -high] : [high, low];
    const [most, least] = [normalLogCdf(near), normalLogCdf(far)];
    const u = rng.uniform();
    const log = most + Math.log(u + (1 - u) * Math.exp(least - most));
    if (!Number.isFinite(log)) {
      return fallback((v) => (b + c * v) * v, interval, present, rng);
    }
    const z = normalQuantileOfLog(Math.min(log, 0));
    return mean + sd * (isRight ? -z : z);
  },

  Gamma: ([a, b], interval, present, rng) => {
    const log = (v: number): number => a * Math.log(v) + b * v;
    if (a > -1 && b < 0) {
      const whole = () => Math.exp(rng.logGamma(a + 1) - Math.log(-b));
      return rejection(whole, log, interval, present, rng);
    }
    const isProper =
      (interval.lower > 0 || a > -1) && (interval.upper < Infinity || b < 0 || (b === 0 && a < -1));
    return isProper ? fallback(log, interval, present, rng) : undefined;
  },
  InverseGamma: ([a, b], interval, present, rng) => {
    const log = (v: number): number => a * Math.log(v) + b / v;
    if (a < -1 && b < 0) {
      const whole = () => Math.exp(Math.log(-b) - rng.logGamma(-a - 1));
      return rejection(whole, log, interval, present, rng);
    }
    const isProper =
      (interval.upper < Infinity || a < -1) && (interval.lower > 0 || b < 0 || (b === 0 && a > -1));
    return isProper ? fallback(log, interval, present, rng) : undefined;
  },
};

/** Density exp(r v) on an interval, r of either sign. */
function exponentialPiece(
  rate: number,
  { lower, upper }: Interval,
  rng: RandomStream,
): number | undefined {
  const width = upper - lower;
  if (rate === 0) return width < Infinity ? lower + width * rng.uniform() : undefined;
  // From the end where it is highest, downwards.
  const fall = Math.abs(rate);
  const start = rate > 0 ? upper : lower;
  if (!Number.isFinite(start)) return undefined;
  const rest = -Math.expm1(-fall * width);
  const distance = -Math.log1p(-rng.uniform() * rest) / fall;
  return rate > 0 ? start - distance : start + distance;
}

const TRIES = 16;

/**
 * Draws of the whole family until one lies inside. Whether some do does not depend on the present
 * value, so the mixture with `fallback` leaves the density invariant too.
 */
function rejection(
  whole: () => number,
  log: (v: number) => number,
  interval: Interval,
  present: number,
  rng: RandomStream,
): number {
  for (let k = 0; k < TRIES; k++) {
    const x = whole();
    if (x > interval.lower && x < interval.upper) return x;
  }
  return fallback(log, interval, present, rng);
}

/** Slice sampling of the known density: no draw of its own, but a move that keeps it. */
function fallback(
  log: (v: number) => number,
  { lower, upper }: Interval,
  present: number,
  rng: RandomStream,
): number {
  const density = (v: number): number => (v > lower && v < upper ? log(v) : -Infinity);
  const width = upper - lower < Infinity ? upper - lower : Math.abs(present) + 1e-3;
  let x = present;
  let y = density(x);
  if (!Number.isFinite(y)) return present;
  for (let k = 0; k < 5; k++) {
    const moved = sliceDraw(x, y, width, density, rng);
    x = moved.x;
    y = moved.y;
  }
  return x;
}
