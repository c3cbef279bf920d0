/**
 * Conditionals that are a family cut off to an interval: truncated priors, supports declared
 * narrower, bounds that the data set (`x[i] ~ Uniform(0, b)`). Inside the interval the gradient
 * shows the family as always; the ends do not show in it, so they are found from the density: it is
 * −∞ beyond them, and bisection finds the last place where it is not, to one rounding.
 */
import type { RandomStream } from "../../math/rng/random.js";
import { stream } from "../../math/rng/random.js";
import type { Expr, Support } from "../../model/ir.js";
import type { KernelInstance } from "../contract.js";
import type { DirectJoint, DirectSite } from "../logjoint/direct.js";
import { inputBuffer } from "./kernels.js";
import { type SiteGradient, siteGradient } from "./natural.js";
import { type DrawState, loadState } from "./states.js";

/** `Power` has T = log v: Pareto from below, beta(a, 1) from above. */
export type CutFamily = "Power" | "Normal" | "Gamma" | "InverseGamma";

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

export interface Truncated {
  readonly name: string;
  readonly site: number;
  /** Scalars, which are independent of each other given the rest. */
  readonly length: number;
  readonly family: CutFamily;
  /** What the declared support allows. */
  readonly support: Interval;
  /** Whether the density has narrower ends, which have to be found at each state. */
  readonly probes: boolean;
}

/** Ends are found by some hundred densities for each scalar. */
const PROBED_LIMIT = 200;
const TOLERANCE = 1e-8;
const FLOOR = 1e-13;
const TEST_STATES = 3;
const TEST_POINTS = 3;
const SEED = 19_310_627;
/** Where a half line is tried for its end: squares of it are numbers. */
const HORIZON = 1e150;

/** T′ of each family. */
const slopes: Readonly<Record<CutFamily, (v: number) => readonly number[]>> = {
  Power: (v) => [1 / v],
  Normal: (v) => [1, 2 * v],
  Gamma: (v) => [1 / v, 1],
  InverseGamma: (v) => [1 / v, -1 / (v * v)],
};

/** The interval of a site's support where its ends are numbers of the text. */
export function supportInterval(site: DirectSite): Interval | undefined {
  const found = site.supports.map(intervalOf);
  const [first] = found;
  if (first === undefined) return undefined;
  const same = found.every((i) => i?.lower === first.lower && i?.upper === first.upper);
  return same && first.lower < first.upper ? first : undefined;
}

function intervalOf(support: Support): Interval | undefined {
  switch (support.kind) {
    case "real":
      return { lower: -Infinity, upper: Infinity };
    case "positive":
    case "nonnegative":
      return { lower: 0, upper: Infinity };
    case "unit":
      return { lower: 0, upper: 1 };
    case "interval": {
      const lower = support.lower === undefined ? -Infinity : numberOf(support.lower);
      const upper = support.upper === undefined ? Infinity : numberOf(support.upper);
      return lower === undefined || upper === undefined ? undefined : { lower, upper };
    }
    default:
      return undefined;
  }
}

function numberOf(e: Expr): number | undefined {
  if (e.kind === "const") return e.value;
  if (e.kind === "call" && e.fn === "neg") {
    const value = numberOf(e.args[0]);
    return value === undefined ? undefined : -value;
  }
  return undefined;
}

/** The densities and gradients of a site whose scalars are independent given the rest. */
export class CutSite {
  readonly values: Float64Array;
  readonly #density: () => number;
  readonly #evaluate: SiteGradient;
  readonly #support: Interval;

  /** @param instance kernels with `density_<site>` and `grad_<site>` */
  constructor(joint: DirectJoint, instance: KernelInstance, site: number, support: Interval) {
    this.values = instance.f64(inputBuffer(site)).subarray(0, joint.sites[site].latent.length);
    this.#density = instance.fn(`density_${site}`);
    this.#evaluate = siteGradient(joint, site, instance);
    this.#support = support;
  }

  /** Whether the density is positive at the values. */
  isInside(): boolean {
    return this.#density() > -Infinity;
  }

  /** Moves every scalar where it has a positive density, if it can; for starts. */
  enter(): boolean {
    if (this.isInside()) return true;
    // All at once: a place that suits all, then each by itself from there.
    const { lower, upper } = this.#support;
    const before = this.values.slice();
    const isBounded = Number.isFinite(lower) && Number.isFinite(upper);
    for (let k = 1; k <= 60; k++) {
      const places = isBounded
        ? [1, 2].flatMap((i) => {
            const part = 2 ** -((k + i) % 60);
            return [lower + (upper - lower) * part, upper - (upper - lower) * part];
          })
        : Number.isFinite(lower)
          ? [lower + 2 ** k, lower + 2 ** -k]
          : Number.isFinite(upper)
            ? [upper - 2 ** k, upper - 2 ** -k]
            : [2 ** k, -(2 ** k), 2 ** -k, -(2 ** -k)];
      for (const place of places) {
        this.values.fill(place);
        if (this.isInside()) return true;
      }
    }
    this.values.set(before);
    return false;
  }

  /** The interval of scalar i at this state, in which its value lies. */
  interval(i: number): Interval {
    const { lower, upper } = this.#support;
    const before = this.values[i];
    const holds = (v: number): boolean => {
      this.values[i] = v;
      return this.#density() > -Infinity;
    };
    const end = (limit: number): number => {
      // An end that the family does not include (0 of a gamma) is tried just inside.
      const far = Number.isFinite(limit)
        ? limit + (before - limit) * 2 ** -50
        : Math.sign(limit) * HORIZON;
      if (holds(far)) return limit;
      let [inside, outside] = [before, far];
      for (let k = 0; k < 1200; k++) {
        const middle = between(inside, outside);
        if (middle === inside || middle === outside) break;
        if (holds(middle)) inside = middle;
        else outside = middle;
      }
      return inside;
    };
    const found = { lower: end(lower), upper: end(upper) };
    this.values[i] = before;
    return found;
  }

  /** η of every scalar, each from two places in its interval; the values are left as they were. */
  naturals(family: CutFamily, intervals: readonly Interval[]): (readonly number[])[] {
    const before = this.values.slice();
    const at = [0, 1].map((k) => {
      const points = intervals.map((i) => innerPoint(i, k === 0 ? 0.125 : 0.875));
      this.values.set(points);
      return { points, gradient: this.#evaluate.gradient().slice(0, this.values.length) };
    });
    this.values.set(before);
    return intervals.map((_, i) => {
      const [[v0, v1], [g0, g1]] = [at.map((a) => a.points[i]), at.map((a) => a.gradient[i])];
      const [s0, s1] = [slopes[family](v0), slopes[family](v1)];
      if (s0.length === 1) return [g0 / s0[0]];
      // Cramer's rule.
      const determinant = s0[0] * s1[1] - s0[1] * s1[0];
      return [(g0 * s1[1] - g1 * s0[1]) / determinant, (s0[0] * g1 - s1[0] * g0) / determinant];
    });
  }

  /** Whether gradients at random places of the intervals are those of the family. */
  holds(family: CutFamily, intervals: readonly Interval[], rng: RandomStream): boolean {
    const etas = this.naturals(family, intervals);
    const before = this.values.slice();
    let agrees = true;
    for (let p = 0; p < TEST_POINTS && agrees; p++) {
      const points = intervals.map((i) => innerPoint(i, 0.02 + 0.96 * rng.uniform()));
      this.values.set(points);
      const found = this.#evaluate.gradient();
      const terms = points.map((v, i) => slopes[family](v).map((s, k) => s * etas[i][k]));
      const scales = terms.map((t) => t.reduce((sum, x) => sum + Math.abs(x), 0));
      const largest = Math.max(...scales);
      agrees = terms.every((t, i) => {
        const value = t.reduce((sum, x) => sum + x, 0);
        const limit = TOLERANCE * scales[i] + FLOOR * largest;
        // Beside an infinite scale everything would agree.
        return Number.isFinite(limit) && Math.abs(found[i] - value) <= limit;
      });
    }
    this.values.set(before);
    return agrees;
  }
}

/** Halfway in the numbers' own order where they are far apart, else in their values. */
function between(a: number, b: number): number {
  if (a > 0 && b > 0 && (a > 4 * b || b > 4 * a)) return Math.sqrt(a) * Math.sqrt(b);
  if (a < 0 && b < 0 && (a < 4 * b || b < 4 * a)) return -Math.sqrt(-a) * Math.sqrt(-b);
  return a + (b - a) / 2;
}

/** A place inside: a part of the way where both ends are numbers, else by the half line's scale. */
function innerPoint({ lower, upper }: Interval, part: number): number {
  if (Number.isFinite(lower) && Number.isFinite(upper)) return lower + part * (upper - lower);
  const end = Number.isFinite(lower) ? lower : upper;
  if (!Number.isFinite(end)) return 32 * (part - 0.5);
  const distance = Math.max(1, Math.abs(end)) * 2 ** (16 * part - 8);
  return Number.isFinite(lower) ? end + distance : end - distance;
}

/**
 * The truncated family of a site in its own coordinates, or undefined.
 * @param instance kernels with `density_<site>` and `grad_<site>`
 */
export function findTruncated(
  joint: DirectJoint,
  site: number,
  instance: KernelInstance,
  draw: DrawState,
): Truncated | undefined {
  const direct = joint.sites[site];
  const { latent } = direct;
  const support = supportInterval(direct);
  if (support === undefined || latent.variable.eventRank > 0) return undefined;
  const cut = new CutSite(joint, instance, site, support);
  const isPositive = support.lower >= 0;
  const families: readonly CutFamily[] = isPositive
    ? ["Power", "Normal", "Gamma", "InverseGamma"]
    : ["Normal"];
  let probes = false;
  const left = new Set(families);
  for (let s = 0; s < TEST_STATES; s++) {
    const rng = stream(SEED, 0, site, s);
    loadState(joint, instance, draw(rng));
    if (!cut.enter()) return undefined;
    if (cut.values.length > PROBED_LIMIT && needsProbes(cut, support)) return undefined;
    const intervals =
      cut.values.length > PROBED_LIMIT
        ? Array.from(cut.values, () => support)
        : Array.from(cut.values, (_, i) => cut.interval(i));
    for (const { lower, upper } of intervals) {
      if (lower !== support.lower || upper !== support.upper) probes = true;
      if (!(lower < upper)) return undefined;
    }
    for (const family of left) if (!cut.holds(family, intervals, rng)) left.delete(family);
    if (!gapless(cut, intervals, rng)) return undefined;
  }
  const [family] = left;
  if (family === undefined) return undefined;
  return { name: latent.name, site, length: latent.length, family, support, probes };
}

/** For many scalars: whether some place near the support's ends is ruled out. */
function needsProbes(cut: CutSite, { lower, upper }: Interval): boolean {
  const before = cut.values.slice();
  const isRuledOut = [lower, upper].some((limit) => {
    cut.values.set(
      before.map((v) =>
        Number.isFinite(limit) ? limit + (v - limit) * 2 ** -50 : Math.sign(limit) * HORIZON,
      ),
    );
    return !cut.isInside();
  });
  cut.values.set(before);
  return isRuledOut;
}

/** Whether the density is positive in the intervals and not only near the value it was found from. */
function gapless(cut: CutSite, intervals: readonly Interval[], rng: RandomStream): boolean {
  const before = cut.values.slice();
  let agrees = true;
  for (let p = 0; p < 2 * TEST_POINTS && agrees; p++) {
    cut.values.set(intervals.map((i) => innerPoint(i, 0.01 + 0.98 * rng.uniform())));
    agrees = cut.isInside();
  }
  cut.values.set(before);
  return agrees;
}
