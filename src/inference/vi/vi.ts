/**
 * Variational inference with an automatic guide: stochastic gradient ascent of the evidence lower
 * bound in stages of falling step size. A stage ends when the bound, smoothed over windows, has
 * stopped to rise; the iterates of the last one are averaged (Dhaka et al. 2020, "Robust, accurate
 * stochastic optimization for variational inference").
 */
import { paretoK } from "../../math/pareto.js";
import type { Checkpoints } from "../checkpoints.js";
import type { KernelInstance } from "../contract.js";
import type { Climber, ClimberState, Taken } from "../stochastic/climber.js";
import { seedNoise } from "../stochastic/noise.js";
import { isFlat, meanOf } from "../stochastic/smoothing.js";
import { windowOf } from "../stochastic/staged.js";

export interface ViSearch {
  /** Most steps of all stages together. */
  readonly steps: number;
  /** Step size of the first stage, in standard deviations of the start. */
  readonly rate: number;
  /** A rise of the smoothed bound by less than this, in nats, ends a stage. */
  readonly tolerance: number;
}

export interface ViControls {
  readonly shouldStop?: () => boolean | Promise<boolean>;
  readonly onProgress?: (done: number, total: number, bound: number) => void;
  readonly checkpoints?: Checkpoints<ViCheckpoint>;
}

/** The bound or its gradient stopped being finite, and did so at every smaller step size. */
export interface ViFailure {
  readonly kind: "diverged";
  readonly step: number;
  readonly bound: number;
  /** Index of the first parameter whose gradient is not finite; −1 where only the bound is not. */
  readonly param: number;
  /** Parameters before that step. */
  readonly last: Float64Array;
}

export interface ViResult {
  readonly kind: "fitted";
  readonly params: Float64Array;
  /** The bound smoothed over windows: the mean of the estimates up to each step. */
  readonly history: readonly { readonly step: number; readonly bound: number }[];
  readonly steps: number;
  /** Whether every stage ended because the bound had stopped to rise. */
  readonly converged: boolean;
  readonly interrupted: boolean;
  /** What ended the run where the machine failed, as a device that is lost does. */
  readonly failure?: unknown;
}

/** Decays of Adam; gradients are never cut. */
const SETTINGS = { clip: 0, beta1: 0.9, beta2: 0.999 } as const;
/** Of the first step size, stage after stage. */
const STAGES = [1, 0.3, 0.1, 0.03, 0.01] as const;
/** Windows of a stage, at least: two pairs are compared. */
const LEAST_WINDOWS = 4;
/** Times that the step size is divided by three after steps that went wrong. */
const RETRIES = 12;
/** A window this many nats below the best one has lost the guide. */
const LOST = 5;

/** Where an ascent stands between two windows. */
export interface ViState {
  stage: number;
  /** The stage's last step, and whether it has begun. */
  end: number;
  isOpen: boolean;
  done: number;
  retries: number;
  /** The part of the step size that is left after steps that went wrong. */
  shrink: number;
  converged: boolean;
  /** Windows of the stage. */
  means: number[];
  errors: number[];
  averaging: boolean;
  averaged: number;
  best: { readonly mean: number; readonly error: number; readonly params: Float64Array };
  readonly history: { step: number; bound: number }[];
}

/** Where an ascent stood, with its climber. */
export interface ViCheckpoint {
  readonly at: ViState;
  readonly climber: ClimberState;
}

/** Ascends from the climber's parameters, where it leaves the result. */
export async function ascend(
  climber: Climber,
  search: ViSearch,
  seed: number | bigint,
  controls: ViControls = {},
): Promise<ViResult | ViFailure> {
  const { checkpoints } = controls;
  climber.seed(seed);
  if (checkpoints?.past !== undefined) climber.restore(checkpoints.past.climber);
  const window = windowOf(search.steps, climber.mostSteps);
  const at = checkpoints?.past?.at ?? beginning(await climber.params());
  const { history } = at;
  let interrupted = false;

  for (; at.stage < STAGES.length && !interrupted; at.stage++) {
    const isLast = at.stage === STAGES.length - 1;
    if (!at.isOpen) {
      // What is left is shared among the stages to come, the last of which gets two shares.
      const parts = STAGES.length - at.stage + (isLast ? 0 : 1);
      const share = Math.floor((search.steps - at.done) / parts);
      Object.assign(at, { ...openStage(), end: isLast ? search.steps : at.done + share });
      climber.forget();
    }
    let flat = false;
    while (at.done < at.end && !flat) {
      interrupted = (await controls.shouldStop?.()) === true;
      if (interrupted || checkpoints?.isDue()) {
        checkpoints?.write({ at, climber: await climber.save() });
      }
      if (interrupted) break;
      const count = Math.min(window, at.end - at.done);
      const before = await climber.params();
      if (isLast && at.means.length > 0 && at.averaged === 0) {
        climber.restartAverage();
        at.averaging = true;
      }
      const rate = search.rate * STAGES[at.stage] * at.shrink;
      let taken: Taken;
      try {
        taken = await climber.take(at.done, count, { ...SETTINGS, rate, averaging: at.averaging });
      } catch (failure) {
        if (history.length === 0) throw failure;
        const rest = { history, steps: at.done, converged: false, interrupted: true };
        return { kind: "fitted", params: before, ...rest, failure };
      }
      const { mean, error } = meanOf(taken.values.subarray(0, taken.count));
      const { best } = at;
      // Steps that are too long throw the guide far off, from where it seldom comes back.
      const lost = mean < best.mean - Math.max(LOST, 20 * best.error);
      if (taken.count < count || !(error < Number.POSITIVE_INFINITY) || lost) {
        if (at.retries === RETRIES || (at.done === 0 && taken.count === 0 && at.shrink < 0.1)) {
          return {
            kind: "diverged",
            step: at.done + taken.count,
            bound: taken.values[taken.count] ?? Number.NaN,
            param: taken.bad,
            last: before,
          };
        }
        at.retries++;
        at.shrink /= 3;
        climber.setParams(Number.isFinite(best.mean) ? best.params : before);
        at.done += taken.count === count ? count : taken.count + 1;
        climber.forget();
        Object.assign(at, openStage());
        continue;
      }
      at.done += count;
      if (at.averaging) at.averaged += count;
      if (mean > best.mean) at.best = { mean, error, params: await climber.params() };
      at.means.push(mean);
      at.errors.push(error);
      history.push({ step: at.done, bound: mean });
      controls.onProgress?.(at.done, search.steps, mean);
      const least = isLast ? 4 * LEAST_WINDOWS : LEAST_WINDOWS;
      flat = isFlat(at.means, at.errors, search.tolerance, least);
    }
    // A stage that ran out of steps says nothing of those after it, whose steps are shorter.
    at.converged = flat && (at.stage === 0 || at.converged);
    at.isOpen = false;
    if (at.averaged > 0) climber.setParams(await climber.average());
  }
  const params = await climber.params();
  const { done: steps, converged } = at;
  return { kind: "fitted", params, history, steps, converged, interrupted };
}

/** Before the first step. */
function beginning(params: Float64Array): ViState {
  return {
    ...{ stage: 0, end: 0, isOpen: false, done: 0, retries: 0, shrink: 1, converged: false },
    ...{ means: [], errors: [], averaging: false, averaged: 0, history: [] },
    best: { mean: Number.NEGATIVE_INFINITY, error: 0, params },
  };
}

/** Before the first window of a stage, or of a stage that begins again. */
function openStage(): Pick<ViState, "isOpen" | "means" | "errors" | "averaging" | "averaged"> {
  return { isOpen: true, means: [], errors: [], averaging: false, averaged: 0 };
}

export interface ViDraws {
  /** Row t is draw t in the model's own coordinates. */
  readonly constrained: Float64Array;
  readonly lp: Float64Array;
  /** The bound at the guide, and its Monte Carlo standard error. */
  readonly bound: number;
  readonly error: number;
  /** Shape of the tail of the importance weights p/q; above 0.7 the guide does not cover p. */
  readonly paretoK: number;
}

/** Steps of the noise that no search takes. */
const DRAW_STEPS = 0x40000000;

/** Draws from the guide at the parameters in `phi`. */
export function drawGuide(instance: KernelInstance, draws: number, seed: number | bigint): ViDraws {
  seedNoise(instance.i32("mc_key"), seed, 0);
  const noise = instance.fn("noise");
  const draw = instance.fn("draw");
  const densities = instance.f64("densities");
  const row = instance.f64("constrained");
  const constrained = new Float64Array(draws * row.length);
  const lp = new Float64Array(draws);
  const ratios = new Float64Array(draws);
  for (let t = 0; t < draws; t++) {
    noise(DRAW_STEPS + t);
    draw();
    lp[t] = densities[0];
    ratios[t] = densities[0] - densities[1];
    constrained.set(row, t * row.length);
  }
  const { mean, error } = meanOf(ratios);
  return { constrained, lp, bound: mean, error, paretoK: paretoK(ratios) };
}
