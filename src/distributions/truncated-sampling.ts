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
/** Points at which a tail is taken at once: evaluating a graph costs more than its elements. */
const SECTIONS = 64;

/** A scalar distribution's log P(X ≤ x) and log P(X > x) at given arguments. */
interface Tails {
  readonly below: (x: number) => number;
  readonly above: (x: number) => number;
  /** The same at `SECTIONS` points. */
  readonly manyBelow: (x: Float64Array) => Float64Array;
  readonly manyAbove: (x: Float64Array) => Float64Array;
}

function tailsOf(base: Distribution, args: HostArgs): Tails {
  const { logCdf, logCcdf } = base;
  if (logCdf === undefined || logCcdf === undefined) {
    return internalError(`${base.name} has no tails to truncate`);
  }
  const g = new GraphBuilder();
  const x = g.input("x", [SECTIONS]);
  const nodes = Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, g.constant(value)]),
  );
  const belowNode = logCdf(g, x, nodes);
  const aboveNode = logCcdf(g, x, nodes);
  const manyBelow = (v: Float64Array): Float64Array => evaluate([belowNode], { x: v })[0];
  const manyAbove = (v: Float64Array): Float64Array => evaluate([aboveNode], { x: v })[0];
  const filled = (v: number): Float64Array => new Float64Array(SECTIONS).fill(v);
  return {
    below: (v) => manyBelow(filled(v))[0],
    above: (v) => manyAbove(filled(v))[0],
    manyBelow,
    manyAbove,
  };
}

/** Which of `SECTIONS` increasing points lie at or beyond a quantile: false …, then true …. */
type Reached = (x: Float64Array) => readonly boolean[];

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
  const reached: Reached =
    targetBelow < targetAbove
      ? (x) => Array.from(tails.manyBelow(x), (v) => v >= targetBelow)
      : (x) => Array.from(tails.manyAbove(x), (v) => v <= targetAbove);
  return discrete ? searchInteger(reached, start, end) : searchReal(reached, start, end);
}

/** The smallest integer of (start, end] that has `reached`; `end` where none below has. */
function searchInteger(reached: Reached, start: number, end: number): number {
  let low = start;
  let step = 1;
  // Sections of width `step`, which grows until one holds the quantile and then shrinks to 1.
  let growing = true;
  for (;;) {
    const points = Float64Array.from({ length: SECTIONS }, (_, i) =>
      Math.min(end, low + (i + 1) * step),
    );
    const first = reached(points).indexOf(true);
    const high = first < 0 ? points[SECTIONS - 1] : points[first];
    if (first < 0 && high < end) {
      low = high;
      if (growing) step *= SECTIONS;
      continue;
    }
    growing = false;
    if (first > 0) low = points[first - 1];
    else if (first < 0) low = Math.max(low, points[SECTIONS - 2]);
    if (high - low <= 1) return high;
    step = Math.max(1, Math.ceil((high - low) / SECTIONS));
  }
}

/** Sections of t with x = sign(t) (e^|t| − 1), which reaches all of the line in even steps. */
function searchReal(reached: Reached, start: number, end: number): number {
  const toLine = (t: number): number => Math.sign(t) * Math.expm1(Math.abs(t));
  const fromLine = (x: number): number => Math.sign(x) * Math.min(LOG_MAX, Math.log1p(Math.abs(x)));
  let low = fromLine(start);
  let high = fromLine(end);
  for (;;) {
    const width = high - low;
    const ts = Float64Array.from(
      { length: SECTIONS },
      (_, i) => low + (width * (i + 1)) / (SECTIONS + 1),
    );
    const first = reached(ts.map(toLine)).indexOf(true);
    const nextLow = first === 0 ? low : ts[(first < 0 ? SECTIONS : first) - 1];
    const nextHigh = first < 0 ? high : ts[first];
    // Rounding ends it: the sections are no smaller than the interval was.
    if (!(nextHigh - nextLow < width)) break;
    low = nextLow;
    high = nextHigh;
    if (high - low <= Number.EPSILON * Math.max(Math.abs(low), Math.abs(high))) break;
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
