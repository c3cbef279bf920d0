/**
 * Stochastic gradient ascent in stages of falling step size: a stage ends when the objective, smoothed
 * over windows, has stopped to rise, and the iterates of the last one are averaged (Dhaka et al. 2020;
 * Polyak and Juditsky 1992). What is to be done comes from `stages`, whoever takes the steps.
 */
import type { StepSettings, TracedClimber } from "./climber.js";
import { isFlat, meanOf } from "./smoothing.js";

export const schedules = ["auto", "constant", "cosine"] as const;
/** How the step size falls: in stages, not at all, or along half a cosine to a hundredth. */
export type Schedule = (typeof schedules)[number];

export interface StagedSearch {
  /** Most steps. */
  readonly steps: number;
  /** Largest step size. */
  readonly rate: number;
  readonly schedule: Schedule;
  /** Steps over which the step size rises from 0. */
  readonly warmup: number;
  /** Of the first moment (adam), or of the velocity (sgd). */
  readonly momentum: number;
  /** Largest norm of a gradient; 0 for none. */
  readonly clip: number;
  /** A rise of the smoothed objective by less than this ends a stage. */
  readonly tolerance: number;
  /** Those who take turns; no rise of one number tells when they are done, so all steps are taken. */
  readonly players?: readonly Player[];
}

/** One of several numbers that are climbed in turn. */
export interface Player {
  readonly name: string;
  /** Its steps in a round; rounds begin at step 0, and players follow in their order. */
  readonly steps: number;
}

/** Means of the estimates of each window, with the number of steps up to its end. */
export type History = readonly { readonly step: number; readonly value: number }[];

type Growing = { step: number; value: number }[];
/** What a run saw so far, also where it is ended from outside. */
export interface Heard {
  readonly history: Growing;
  /** Of several players. */
  readonly players: readonly { readonly name: string; readonly history: Growing }[];
}

/** Nothing so far. */
export function heardOf({ players = [] }: StagedSearch): Heard {
  return { history: [], players: players.map((p) => ({ name: p.name, history: [] })) };
}

export interface StagedFit {
  readonly kind: "fitted";
  /** Of several players, what each of them saw in its own steps; `history` is the first one's. */
  readonly players?: readonly { readonly name: string; readonly history: History }[];
  readonly history: History;
  readonly steps: number;
  /** Whether the smoothed objective had stopped to rise. */
  readonly converged: boolean;
  readonly interrupted: boolean;
}

/** The objective or its gradient stopped being finite; `last` are the params where they were. */
export interface StagedFailure {
  readonly kind: "diverged";
  readonly step: number;
  readonly value: number;
  /** Index of the first element of the gradient that is not finite; −1 where only the value is not. */
  readonly element: number;
  readonly last: Float64Array;
}

/** Steps that are to be taken. */
export interface Order {
  readonly first: number;
  readonly count: number;
  /**
   * Step sizes, constant over stretches of `grain` steps which begin at multiples of it: of the stretch
   * that `first` is in, and of those after it.
   */
  readonly rates: readonly number[];
  readonly grain: number;
  readonly averaging: boolean;
  /** Moments are forgotten before: a stage begins. */
  readonly forgets: boolean;
  /** The average of the iterates begins here. */
  readonly startsAverage: boolean;
}

/** What came of them. */
export interface Done {
  /** Steps that were taken: all but where one failed. */
  readonly count: number;
  /** The objective's estimate at each, and at the one that failed. */
  readonly values: Float64Array;
  /** How many the next order may be at most; 0 ends the run. */
  readonly limit: number;
}

/** The step whose objective or gradient was not finite. */
export interface Stopped {
  readonly kind: "stopped";
  readonly step: number;
  readonly value: number;
}

/** A fit whose params are to become the average of the iterates where there is one. */
export interface Staged extends StagedFit {
  /** Iterates in the average. */
  readonly averaged: number;
}

const STAGES = [1, 0.3, 0.1, 0.03, 0.01] as const;
/** Windows of a stage, at least. */
const LEAST_WINDOWS = 4;
/** Of the step size that a cosine ends at. */
const LEAST_RATE = 0.01;
/** Decay of the second moment. */
export const BETA2 = 0.999;

/** Steps of a window. */
export function windowOf(steps: number, most: number): number {
  return Math.max(10, Math.min(most, 400, Math.floor(steps / 50)));
}

/** The step size of a stretch of steps in a stage, by its first one. */
function rateAt({ steps, schedule, rate, warmup }: StagedSearch, step: number, stage: number) {
  const rise = warmup > 0 ? Math.min(1, (step + 1) / warmup) : 1;
  const part = Math.PI * (step / steps);
  const fall =
    schedule === "cosine" ? LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + Math.cos(part)) : 1;
  return rate * rise * fall * STAGES[stage];
}

/**
 * Orders steps until the run has converged, all are taken, or it is told to end.
 * @param most steps of one order, at most
 * @param limit of the first order
 * @param mostRates step sizes of one order, at most
 */
export function* stages(
  search: StagedSearch,
  most: number,
  limit: number,
  mostRates = 1,
  heard = heardOf(search),
): Generator<Order, Staged | Stopped, Done> {
  const { steps, schedule, players } = search;
  const window = windowOf(steps, most);
  // Between these steps the step size is constant.
  const grain = schedule === "cosine" || search.warmup > 0 ? Math.ceil(window / 20) : window;
  const count = schedule === "auto" && players === undefined ? STAGES.length : 1;
  const { history, players: told } = heard;
  const estimates = new Float64Array(window);
  const turns = (players ?? []).flatMap((p, k) => Array<number>(p.steps).fill(k));
  let left = limit;
  let done = 0;
  let averaged = 0;
  let converged = false;
  for (let stage = 0; stage < count && left > 0; stage++) {
    const isLast = stage === count - 1;
    // Long steps do most of the work: each stage may take half of what is left.
    const end = isLast ? steps : done + Math.floor((steps - done) / 2);
    const means: number[] = [];
    const errors: number[] = [];
    let forgets = true;
    let averaging = false;
    let flat = false;
    while (done < end && !flat && left > 0) {
      const size = Math.min(window, end - done);
      let startsAverage: boolean = schedule === "auto" && isLast && means.length > 0 && !averaging;
      averaging ||= startsAverage;
      let filled = 0;
      while (filled < size && left > 0) {
        const first = done + filled;
        const start = first - (first % grain);
        const piece = Math.min(size - filled, left, start + mostRates * grain - first);
        // By the stretches' first steps: however a run is cut into calls, its steps are the same.
        const rates = Array.from({ length: Math.ceil((first + piece - start) / grain) }, (_, k) =>
          rateAt(search, start + k * grain, stage),
        );
        const made = yield { first, count: piece, rates, grain, averaging, forgets, startsAverage };
        forgets = false;
        startsAverage = false;
        if (made.count < piece) {
          return { kind: "stopped", step: first + made.count, value: made.values[made.count] };
        }
        estimates.set(made.values.subarray(0, piece), filled);
        filled += piece;
        if (averaging) averaged += piece;
        left = made.limit;
      }
      done += filled;
      if (filled < size) break;
      const seen = estimates.subarray(0, size);
      if (players !== undefined) {
        // A window may hold no step of one of them.
        told.forEach(({ history: own }, k) => {
          const its = seen.filter((_, i) => turns[(done - size + i) % turns.length] === k);
          if (its.length > 0) own.push({ step: done, value: meanOf(its).mean });
        });
        continue;
      }
      const { mean, error } = meanOf(seen);
      means.push(mean);
      errors.push(error);
      history.push({ step: done, value: mean });
      const least = isLast ? 4 * LEAST_WINDOWS : LEAST_WINDOWS;
      const isStill = isFlat(means, errors, search.tolerance, least);
      // A step size that falls by itself or still rises has its own end.
      flat = isStill && done > search.warmup && (schedule !== "cosine" || done === steps);
    }
    // A stage that ran out of steps says nothing of those after it, whose steps are shorter.
    converged = flat && (stage === 0 || converged);
  }
  const result = { steps: done, converged, interrupted: left <= 0, averaged };
  if (players === undefined) return { kind: "fitted", history, ...result };
  return { kind: "fitted", history: told[0].history, players: told, ...result };
}

/**
 * Ascends from the climber's params, where the result is left. `pace` is asked after every call how
 * many steps the next one may take; 0 ends the run. What is seen is written to `heard`.
 */
export async function climb(
  climber: TracedClimber,
  search: StagedSearch,
  pace: (done: number) => Promise<number>,
  heard = heardOf(search),
): Promise<StagedFit | StagedFailure> {
  const orders = stages(search, climber.mostSteps, await pace(0), climber.mostRates, heard);
  let next = orders.next();
  let bad = -1;
  while (next.done !== true) {
    const { first, count, rates, grain, averaging, forgets, startsAverage } = next.value;
    if (forgets) climber.forget();
    if (startsAverage) climber.restartAverage();
    const { clip, momentum } = search;
    const settings: StepSettings = {
      ...{ rate: rates[0], clip, averaging, beta1: momentum, beta2: BETA2 },
      rates: { values: rates, grain, offset: first % grain },
    };
    const taken = await climber.take(first, count, settings);
    bad = taken.bad;
    const limit = taken.count < count ? 0 : await pace(first + count);
    next = orders.next({ count: taken.count, values: taken.values, limit });
  }
  const found = next.value;
  if (found.kind === "stopped") {
    const { step, value } = found;
    return { kind: "diverged", step, value, element: bad, last: await climber.before() };
  }
  const { averaged, ...fit } = found;
  if (averaged > 0) climber.setParams(await climber.average());
  return fit;
}
