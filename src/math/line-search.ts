/** A function to minimise: writes its gradient at x to `gradient` and returns its value. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/** One point of a line search: x + step · direction, with the value and gradient there. */
export interface LinePoint {
  readonly step: number;
  readonly value: number;
  /** Directional derivative: gradient · direction. */
  readonly slope: number;
  readonly x: Float64Array;
  readonly gradient: Float64Array;
}

/** Sufficient decrease and curvature constants of the strong Wolfe conditions. */
const C1 = 1e-4;
const C2 = 0.9;
/** Relative rounding of the objective below which its differences say nothing. */
const NOISE = 1e-14;
const EXPANSION = 4;
const MAX_EVALUATIONS = 60;

/**
 * A step that meets the strong Wolfe conditions, by bracketing and zoom: Nocedal and Wright,
 * Numerical Optimization (2nd ed.), algorithms 3.5 and 3.6, cubic interpolation (3.59) kept in the
 * inner 80 % of the bracket. Two departures. A trial where the value or gradient is not finite
 * counts as an infinitely high one, so the search backs off into the domain. Where the value
 * changes by rounding only, the approximate Wolfe condition of Hager and Zhang (2005, equation
 * 4.1) replaces sufficient decrease: it reads slopes, which keep their digits near a minimum.
 *
 * `start` is the point at step 0, of negative slope. Undefined if no such step is found.
 */
export function strongWolfe(
  evaluate: (step: number) => LinePoint,
  start: LinePoint,
  firstStep: number,
): LinePoint | undefined {
  let left = MAX_EVALUATIONS;
  let previous = start;
  let step = firstStep;
  while (left > 0) {
    const point = evaluate(step);
    left -= 1;
    if (!isFinitePoint(point) || !decreases(point, start) || isAbove(point, previous, start)) {
      return zoom(evaluate, start, previous, point, left);
    }
    if (Math.abs(point.slope) <= -C2 * start.slope) return point;
    if (point.slope >= 0) return zoom(evaluate, start, point, previous, left);
    previous = point;
    step *= EXPANSION;
    if (!(step < Infinity)) return undefined;
  }
  return undefined;
}

/**
 * Algorithm 3.6: narrows a bracket whose `low` end meets sufficient decrease with the lowest value
 * so far and slopes down towards `high`.
 */
function zoom(
  evaluate: (step: number) => LinePoint,
  start: LinePoint,
  firstLow: LinePoint,
  firstHigh: LinePoint,
  evaluations: number,
): LinePoint | undefined {
  let low = firstLow;
  let high = firstHigh;
  for (let left = evaluations; left > 0; left--) {
    const step = interpolate(low, high);
    if (step === low.step || step === high.step) break;
    const point = evaluate(step);
    if (!isFinitePoint(point) || !decreases(point, start) || isAbove(point, low, start)) {
      high = point;
      continue;
    }
    if (Math.abs(point.slope) <= -C2 * start.slope) return point;
    if (point.slope * (high.step - low.step) >= 0) high = low;
    low = point;
  }
  // The bracket is exhausted: a decrease without the curvature condition is still progress.
  return low.step > 0 && low.value < start.value ? low : undefined;
}

function isFinitePoint(point: LinePoint): boolean {
  return Number.isFinite(point.value) && point.gradient.every((g) => Number.isFinite(g));
}

/** Sufficient decrease, or its approximate form where only rounding is left of the value. */
function decreases(point: LinePoint, start: LinePoint): boolean {
  if (point.value <= start.value + C1 * point.step * start.slope) return true;
  const flat = point.value <= start.value + NOISE * Math.abs(start.value);
  return flat && point.slope <= (2 * C1 - 1) * start.slope;
}

/** Whether a point lies above another by more than rounding. */
function isAbove(point: LinePoint, other: LinePoint, start: LinePoint): boolean {
  if (other.step === 0) return false;
  return point.value > other.value + NOISE * Math.abs(start.value);
}

/** The minimiser of the cubic through both ends, or the middle where there is none. */
function interpolate(low: LinePoint, high: LinePoint): number {
  const width = high.step - low.step;
  const middle = low.step + 0.5 * width;
  if (!isFinitePoint(high)) return low.step + 0.2 * width;
  const d1 = low.slope + high.slope - (3 * (high.value - low.value)) / width;
  const d2 = Math.sign(width) * Math.sqrt(d1 * d1 - low.slope * high.slope);
  const cubic = high.step - (width * (high.slope + d2 - d1)) / (high.slope - low.slope + 2 * d2);
  const fraction = (cubic - low.step) / width;
  return fraction >= 0.1 && fraction <= 0.9 ? cubic : middle;
}
