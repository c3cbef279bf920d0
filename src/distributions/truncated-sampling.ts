/**
 * Draws and quantiles of truncated distributions on the host. Rejection where the interval has
 * mass enough, inversion of the log tails otherwise: exact in either tail however far.
 */
import { internalError } from "../base/internal.js";
import type { RandomStream } from "../math/rng/random.js";
import { log1mexp, logaddexp, logsubexp } from "../math/special/logspace.js";
import { GraphBuilder } from "../tensor/builder.js";
import { evaluate } from "../tensor/evaluate.js";
import type { Distribution, HostArgs } from "./contract.js";

/** Rejections before inversion, which costs about as much as a hundred of them. */
const TRIES = 100;
/** log of the largest double: the search for a continuous quantile stays below it. */
const LOG_MAX = 709;

/** A scalar distribution's log P(X ≤ x) and log P(X > x) at given arguments. */
interface Tails {
  readonly below: (x: number) => number;
  readonly above: (x: number) => number;
}

function tailsOf(base: Distribution, args: HostArgs): Tails {
  const { logCdf, logCcdf } = base;
  if (logCdf === undefined || logCcdf === undefined) {
    return internalError(`${base.name} has no tails to truncate`);
  }
  const g = new GraphBuilder();
  const x = g.input("x", []);
  const nodes = Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, g.constant(value)]),
  );
  const below = logCdf(g, x, nodes);
  const above = logCcdf(g, x, nodes);
  return {
    below: (v) => evaluate([below], { x: [v] })[0][0],
    above: (v) => evaluate([above], { x: [v] })[0][0],
  };
}

/**
 * The smallest x (an integer for discrete distributions) with P(lower ≤ X ≤ x) ≥ p of the mass
 * between the bounds, for 0 < p < 1. Bounds may be infinite. Discrete distributions are those of
 * counts: none of the table goes below 0.
 */
export function truncatedQuantile(
  p: number,
  base: Distribution,
  args: HostArgs,
  lower = -Infinity,
  upper = Infinity,
): number {
  const discrete = base.event.scalar !== "real";
  const tails = tailsOf(base, args);
  const start = discrete ? Math.max(Math.ceil(lower), 0) - 1 : lower;
  const end = discrete ? Math.floor(upper) : upper;
  const belowStart = start === -Infinity ? -Infinity : tails.below(start);
  const aboveStart = start === -Infinity ? 0 : tails.above(start);
  const belowEnd = end === Infinity ? 0 : tails.below(end);
  const aboveEnd = end === Infinity ? -Infinity : tails.above(end);
  const mass =
    belowStart > -Math.LN2 ? logsubexp(aboveStart, aboveEnd) : logsubexp(belowEnd, belowStart);
  if (!(mass > -Infinity)) return internalError("a truncation to an interval without mass");
  const targetBelow = logaddexp(belowStart, Math.log(p) + mass);
  const targetAbove = logaddexp(aboveEnd, log1mexp(Math.log(p)) + mass);
  // The smaller of both tails is the one that still has digits.
  const reached =
    targetBelow < targetAbove
      ? (x: number) => tails.below(x) >= targetBelow
      : (x: number) => tails.above(x) <= targetAbove;
  return discrete ? searchInteger(reached, start, end) : searchReal(reached, start, end);
}

/** The smallest integer of (start, end] that has `reached`, which stays true once it is. */
function searchInteger(reached: (x: number) => boolean, start: number, end: number): number {
  let low = start;
  let step = 1;
  let high = Math.min(end, low + step);
  while (high < end && !reached(high)) {
    low = high;
    step *= 2;
    high = Math.min(end, low + step);
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Bisection on t with x = sign(t) (e^|t| − 1), which reaches all of the line in equal steps. */
function searchReal(reached: (x: number) => boolean, start: number, end: number): number {
  const toLine = (t: number): number => Math.sign(t) * Math.expm1(Math.abs(t));
  const fromLine = (x: number): number => Math.sign(x) * Math.min(LOG_MAX, Math.log1p(Math.abs(x)));
  let low = fromLine(start);
  let high = fromLine(end);
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (reached(toLine(middle))) high = middle;
    else low = middle;
  }
  return Math.min(Math.max(toLine(high), start), end);
}

/** One draw of `base` between the bounds (both included). */
export function sampleTruncated(
  rng: RandomStream,
  base: Distribution,
  args: HostArgs,
  lower = -Infinity,
  upper = Infinity,
): number {
  for (let k = 0; k < TRIES; k++) {
    const x = base.sample(rng, args);
    if (typeof x !== "number") return internalError(`${base.name} is not scalar`);
    if (x >= lower && x <= upper) return x;
  }
  return truncatedQuantile(rng.uniform(), base, args, lower, upper);
}
