/**
 * Stochastic gradient ascent in stages of falling step size, on any machine that takes steps: a
 * stage ends when the objective, smoothed over windows, has stopped to rise, and the iterates of the
 * last one are averaged (Dhaka et al. 2020; Polyak and Juditsky 1992).
 */
import type { StepSettings, TracedClimber } from "./climber.js";
import { isFlat, meanOf } from "./smoothing.js";

/** How the step size falls: in stages, not at all, or along half a cosine to a hundredth. */
export type StepSchedule = "auto" | "constant" | "cosine";

export interface StagedSearch {
  /** Most steps. */
  readonly steps: number;
  /** Largest step size. */
  readonly rate: number;
  readonly schedule: StepSchedule;
  /** Steps over which the step size rises from 0. */
  readonly warmup: number;
  /** Of the first moment (adam), or of the velocity (sgd). */
  readonly momentum: number;
  /** Largest norm of a gradient; 0 for none. */
  readonly clip: number;
  /** A rise of the smoothed objective by less than this ends a stage. */
  readonly tolerance: number;
}

export interface StagedFit {
  readonly kind: "fitted";
  readonly history: readonly { readonly step: number; readonly value: number }[];
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

const STAGES = [1, 0.3, 0.1, 0.03, 0.01] as const;
/** Windows of a stage, at least. */
const LEAST_WINDOWS = 4;
/** Of the step size that a cosine ends at. */
const LEAST_RATE = 0.01;
/** Decay of the second moment. */
const BETA2 = 0.999;

/** Steps of a window. */
export function windowOf(steps: number, most: number): number {
  return Math.max(10, Math.min(most, 400, Math.floor(steps / 50)));
}

/**
 * Ascends from the climber's params, where the result is left. `pace` is asked after every call how
 * many steps the next one may take; 0 ends the run.
 */
export async function climb(
  climber: TracedClimber,
  search: StagedSearch,
  pace: (done: number, value: number) => Promise<number>,
): Promise<StagedFit | StagedFailure> {
  const { steps, schedule } = search;
  const window = windowOf(steps, climber.mostSteps);
  // Between these steps the step size is constant.
  const grain = schedule === "cosine" || search.warmup > 0 ? Math.ceil(window / 20) : window;
  const history: { step: number; value: number }[] = [];
  const stages = schedule === "auto" ? STAGES : [1];
  const estimates = new Float64Array(window);
  let done = 0;
  let converged = false;
  let limit = await pace(0, Number.NaN);

  const rateAt = (step: number, stage: number): number => {
    const rise = search.warmup > 0 ? Math.min(1, (step + 1) / search.warmup) : 1;
    const part = Math.PI * (step / steps);
    const fall =
      schedule === "cosine" ? LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + Math.cos(part)) : 1;
    return search.rate * rise * fall * stages[stage];
  };

  for (let stage = 0; stage < stages.length && limit > 0; stage++) {
    const isLast = stage === stages.length - 1;
    // Long steps do most of the work: each stage may take half of what is left.
    const end = isLast ? steps : done + Math.floor((steps - done) / 2);
    climber.forget();
    const means: number[] = [];
    const errors: number[] = [];
    let averaging = false;
    let averaged = 0;
    let flat = false;
    while (done < end && !flat && limit > 0) {
      const count = Math.min(window, end - done);
      if (schedule === "auto" && isLast && means.length > 0 && !averaging) {
        climber.restartAverage();
        averaging = true;
      }
      let filled = 0;
      while (filled < count && limit > 0) {
        const at = done + filled;
        const piece = Math.min(count - filled, limit, grain - (at % grain));
        const settings: StepSettings = {
          rate: rateAt(at, stage),
          clip: search.clip,
          averaging,
          beta1: search.momentum,
          beta2: BETA2,
        };
        const taken = await climber.take(at, piece, settings);
        if (taken.count < piece) {
          const step = at + taken.count;
          const value = taken.values[taken.count];
          return {
            kind: "diverged",
            step,
            value,
            element: taken.bad,
            last: await climber.before(),
          };
        }
        estimates.set(taken.values.subarray(0, piece), filled);
        filled += piece;
        if (averaging) averaged += piece;
        limit = await pace(done + filled, history.at(-1)?.value ?? Number.NaN);
      }
      done += filled;
      if (filled < count) break;
      const { mean, error } = meanOf(estimates.subarray(0, count));
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
    if (averaged > 0) climber.setParams(await climber.average());
  }
  return { kind: "fitted", history, steps: done, converged, interrupted: limit <= 0 };
}
