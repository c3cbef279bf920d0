/**
 * Stochastic gradient ascent in stages of falling step size: a stage ends when the objective, smoothed
 * over windows, has stopped to rise, and the iterates of the last one are averaged (Dhaka et al. 2020;
 * Polyak and Juditsky 1992). What is to be done comes from `stages`, whoever takes the steps.
 */
import type { Checkpoints } from "../checkpoints.js";
import type { ClimberState, StepSettings, TracedClimber } from "./climber.js";
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

/**
 * Where a run stands, also where it is ended from outside: what its next steps depend on beside the
 * params and moments, and what it saw so far.
 */
export interface StagedProgress {
  stage: number;
  /** The stage's last step, and whether it has begun. */
  end: number;
  isOpen: boolean;
  /** Steps in whole windows, and those of the present window with their estimates. */
  done: number;
  filled: number;
  readonly estimates: Float64Array;
  /** Windows of the stage. */
  means: number[];
  errors: number[];
  /** Whether iterates are averaged, and how many are in the average. */
  averaging: boolean;
  averaged: number;
  converged: boolean;
  readonly history: Growing;
  /** Of several players. */
  readonly players: { name: string; history: Growing }[];
}

/** Before the first step. @param most steps of one order, at most */
export function progressOf(search: StagedSearch, most: number): StagedProgress {
  const { steps, players = [] } = search;
  return {
    ...{ stage: 0, end: 0, isOpen: false, done: 0, filled: 0 },
    estimates: new Float64Array(windowOf(steps, most)),
    ...{ means: [], errors: [], averaging: false, averaged: 0, converged: false },
    history: [],
    players: players.map((p) => ({ name: p.name, history: [] })),
  };
}

/** What was seen so far, as a fit that was interrupted after `steps` steps. */
export function interruptedAt(search: StagedSearch, at: StagedProgress, steps: number): StagedFit {
  const [first] = at.players;
  return {
    kind: "fitted",
    history: first === undefined ? at.history : first.history,
    ...(search.players && { players: at.players }),
    ...{ steps, converged: false, interrupted: true },
  };
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
 * @param at where the run stands, which is kept up to date: between two orders it is what a further
 *   run needs to go on
 */
export function* stages(
  search: StagedSearch,
  most: number,
  limit: number,
  mostRates = 1,
  at = progressOf(search, most),
): Generator<Order, Staged | Stopped, Done> {
  const { steps, schedule, players } = search;
  const window = windowOf(steps, most);
  // Between these steps the step size is constant.
  const grain = schedule === "cosine" || search.warmup > 0 ? Math.ceil(window / 20) : window;
  const count = schedule === "auto" && players === undefined ? STAGES.length : 1;
  const { history, players: told, estimates } = at;
  const turns = (players ?? []).flatMap((p, k) => Array<number>(p.steps).fill(k));
  let left = limit;
  for (; at.stage < count && left > 0; at.stage++) {
    const isLast = at.stage === count - 1;
    let forgets = !at.isOpen;
    if (!at.isOpen) {
      // Long steps do most of the work: each stage may take half of what is left.
      const end = isLast ? steps : at.done + Math.floor((steps - at.done) / 2);
      Object.assign(at, { end, isOpen: true, means: [], errors: [], averaging: false });
    }
    const { end, means, errors } = at;
    let flat = false;
    while (at.done < end && !flat && left > 0) {
      const size = Math.min(window, end - at.done);
      let startsAverage: boolean =
        schedule === "auto" && isLast && means.length > 0 && !at.averaging;
      at.averaging ||= startsAverage;
      while (at.filled < size && left > 0) {
        const first = at.done + at.filled;
        const start = first - (first % grain);
        const piece = Math.min(size - at.filled, left, start + mostRates * grain - first);
        // By the stretches' first steps: however a run is cut into calls, its steps are the same.
        const rates = Array.from({ length: Math.ceil((first + piece - start) / grain) }, (_, k) =>
          rateAt(search, start + k * grain, at.stage),
        );
        const { averaging } = at;
        const made = yield { first, count: piece, rates, grain, averaging, forgets, startsAverage };
        forgets = false;
        startsAverage = false;
        if (made.count < piece) {
          return { kind: "stopped", step: first + made.count, value: made.values[made.count] };
        }
        estimates.set(made.values.subarray(0, piece), at.filled);
        at.filled += piece;
        if (at.averaging) at.averaged += piece;
        left = made.limit;
      }
      if (at.filled < size) return ended(at, search, true, false);
      at.done += size;
      at.filled = 0;
      const seen = estimates.subarray(0, size);
      if (players !== undefined) {
        // A window may hold no step of one of them.
        told.forEach(({ history: own }, k) => {
          const its = seen.filter((_, i) => turns[(at.done - size + i) % turns.length] === k);
          if (its.length > 0) own.push({ step: at.done, value: meanOf(its).mean });
        });
        continue;
      }
      const { mean, error } = meanOf(seen);
      means.push(mean);
      errors.push(error);
      history.push({ step: at.done, value: mean });
      const least = isLast ? 4 * LEAST_WINDOWS : LEAST_WINDOWS;
      const isStill = isFlat(means, errors, search.tolerance, least);
      // A step size that falls by itself or still rises has its own end.
      flat = isStill && at.done > search.warmup && (schedule !== "cosine" || at.done === steps);
    }
    if (at.done < end && !flat) return ended(at, search, true, false);
    // A stage that ran out of steps says nothing of those after it, whose steps are shorter.
    at.converged = flat && (at.stage === 0 || at.converged);
    at.isOpen = false;
  }
  return ended(at, search, left <= 0, at.converged);
}

function ended(
  { done, filled, averaged, history, players }: StagedProgress,
  search: StagedSearch,
  interrupted: boolean,
  converged: boolean,
): Staged {
  const result = { steps: done + filled, converged, interrupted, averaged };
  if (search.players === undefined) return { kind: "fitted", history, ...result };
  return { kind: "fitted", history: players[0].history, players, ...result };
}

/** A climb that goes on where another one stood. */
export interface ClimbState {
  readonly at: StagedProgress;
  readonly climber: ClimberState;
}

/** Where a climb stands, and where it is kept. */
export interface ClimbKeeping {
  readonly at: StagedProgress;
  readonly checkpoints?: Checkpoints<ClimbState>;
}

/**
 * Ascends from the climber's params, where the result is left. `pace` is asked after every call how
 * many steps the next one may take; 0 ends the run.
 */
export async function climb(
  climber: TracedClimber,
  search: StagedSearch,
  pace: (done: number) => Promise<number>,
  { at, checkpoints }: ClimbKeeping = { at: progressOf(search, climber.mostSteps) },
): Promise<StagedFit | StagedFailure> {
  if (checkpoints?.past !== undefined) climber.restore(checkpoints.past.climber);
  const keep = async (): Promise<void> => {
    if (checkpoints !== undefined) checkpoints.write({ at, climber: await climber.save() });
  };
  const orders = stages(search, climber.mostSteps, await pace(0), climber.mostRates, at);
  let next = orders.next();
  let bad = -1;
  while (next.done !== true) {
    const { first, count, rates, grain, averaging, forgets, startsAverage } = next.value;
    if (forgets) climber.forget();
    if (startsAverage) climber.restartAverage();
    if (checkpoints?.isDue()) await keep();
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
  if (fit.interrupted) await keep();
  if (averaged > 0) climber.setParams(await climber.average());
  return fit;
}
