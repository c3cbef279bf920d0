/**
 * The schedule of Stan's warmup: a first phase in which only the step size adapts, windows of
 * doubling length at whose ends the metric is renewed, and a last phase for the step size
 * (Stan Reference Manual, "Automatic parameter tuning").
 */

export interface WarmupPhases {
  readonly first: number;
  readonly last: number;
  readonly window: number;
}

export const STAN_PHASES: WarmupPhases = { first: 75, last: 50, window: 25 };

/** Warmups shorter than this leave the metric as it is. */
const SHORTEST_WITH_METRIC = 20;

export interface WarmupSchedule {
  readonly warmup: number;
  /** Positions from `from` to `to - 1` enter the metric's estimate. */
  readonly from: number;
  readonly to: number;
  /** Iterations (from 0) after which the estimate becomes the metric and starts anew. */
  readonly ends: readonly number[];
}

/**
 * The schedule of `warmup` iterations. Where the phases do not fit they become 15 %, 75 % (one
 * window) and 10 % of it.
 */
export function warmupSchedule(warmup: number, phases: WarmupPhases = STAN_PHASES): WarmupSchedule {
  if (warmup < SHORTEST_WITH_METRIC) return { warmup, from: 0, to: 0, ends: [] };
  let { first, last, window } = phases;
  if (first + last + window > warmup) {
    first = Math.floor(0.15 * warmup);
    last = Math.floor(0.1 * warmup);
    window = warmup - first - last;
  }
  const to = warmup - last;
  const ends: number[] = [];
  let end = first + window - 1;
  while (end < to - 1) {
    ends.push(end);
    window *= 2;
    const next = end + window;
    // The window after the next would not fit: stretch the next one to the end of the phase.
    end = next !== to - 1 && next + 2 * window >= to ? to - 1 : next;
  }
  ends.push(to - 1);
  return { warmup, from: first, to, ends };
}
