/**
 * Stochastic gradient ascent of an objective. With the schedule `auto` the step size falls in stages:
 * a stage ends when the objective, smoothed over windows, has stopped to rise, and the iterates of
 * the last one are averaged (Dhaka et al. 2020; Polyak and Juditsky 1992).
 */
import type { KernelInstance } from "../contract.js";
import { SETTINGS, TRACE } from "../stochastic/adam.js";
import { seedNoise } from "../stochastic/noise.js";
import { isFlat, meanOf } from "../stochastic/smoothing.js";
import type { Carried } from "./compile.js";

export const schedules = ["auto", "constant", "cosine"] as const;
/** How the step size falls: in stages, not at all, or along half a cosine to a hundredth. */
export type Schedule = (typeof schedules)[number];

export interface SviSearch {
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
  readonly players?: readonly SviPlayer[];
}

export interface SviProgress {
  readonly done: number;
  /** The mean estimate of the last window; NaN before the first. */
  readonly value: number;
}

/** One of several numbers that are climbed in turn. */
export interface SviPlayer {
  readonly name: string;
  /** Its steps in a round; rounds begin at step 0, and players follow in their order. */
  readonly steps: number;
}

export interface SviHistory {
  readonly name: string;
  readonly history: readonly { readonly step: number; readonly value: number }[];
}

export interface SviFit {
  readonly kind: "fitted";
  /** Of several players, what each of them saw in its own steps; `history` is the first one's. */
  readonly players?: readonly SviHistory[];
  readonly history: readonly { readonly step: number; readonly value: number }[];
  readonly steps: number;
  /** Whether the smoothed objective had stopped to rise. */
  readonly converged: boolean;
  readonly interrupted: boolean;
}

/** The objective or its gradient stopped being finite; `theta` is the last state where they were. */
export interface SviFailure {
  readonly kind: "diverged";
  readonly step: number;
  readonly value: number;
  /** Index of the first element of the gradient that is not finite; −1 where only the value is not. */
  readonly element: number;
}

const STAGES = [1, 0.3, 0.1, 0.03, 0.01] as const;
/** Windows of a stage, at least. */
const LEAST_WINDOWS = 4;
/** Of the step size that a cosine ends at. */
const LEAST_RATE = 0.01;

/**
 * Ascends from `theta`, where the result is left. Gives way after every few steps, and is told how
 * many to take before the next time; 0 ends the run.
 */
export function* ascend(
  instance: KernelInstance,
  search: SviSearch,
  carried: Carried,
  seed: number | bigint,
): Generator<SviProgress, SviFit | SviFailure, number> {
  const theta = instance.f64("theta");
  const settings = instance.f64("opt_settings");
  const average = instance.f64("opt_average");
  const trace = instance.f64("opt_trace");
  const take = instance.fn("opt_steps");
  seedNoise(instance.i32("mc_key"), seed, 0);
  settings[SETTINGS.beta1] = search.momentum;
  settings[SETTINGS.beta2] = 0.999;
  settings[SETTINGS.clip] = search.clip;
  const { steps, schedule } = search;
  const window = Math.max(10, Math.min(TRACE, 400, Math.floor(steps / 50)));
  // Between these steps the step size is constant.
  const grain = schedule === "cosine" || search.warmup > 0 ? Math.ceil(window / 20) : window;
  const history: { step: number; value: number }[] = [];
  const estimates = new Float64Array(window);
  const { players } = search;
  const stages = schedule === "auto" && players === undefined ? STAGES : [1];
  const turns = (players ?? []).flatMap((p, k) => Array<number>(p.steps).fill(k));
  const told = (players ?? []).map((p) => {
    return { name: p.name, history: [] as { step: number; value: number }[] };
  });
  /** The states before the last calls, from which their steps can be taken again. */
  const calls: Call[] = [];
  let done = 0;
  let limit = yield { done, value: Number.NaN };
  let converged = false;

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
    settings[SETTINGS.averaging] = 0;
    settings[SETTINGS.power1] = 1;
    settings[SETTINGS.power2] = 1;
    settings.fill(1, SETTINGS.count);
    instance.f64("opt_first").fill(0);
    instance.f64("opt_second").fill(0);
    const means: number[] = [];
    const errors: number[] = [];
    let averaged = 0;
    let flat = false;
    while (done < end && !flat && limit > 0) {
      const count = Math.min(window, end - done);
      if (schedule === "auto" && isLast && means.length > 0 && averaged === 0) {
        average.fill(0);
        settings[SETTINGS.averaging] = 1;
      }
      let filled = 0;
      while (filled < count && limit > 0) {
        const piece = Math.min(count - filled, limit, grain - ((done + filled) % grain));
        settings[SETTINGS.rate] = rateAt(done + filled, stage);
        calls.push({ first: done + filled, count: piece, state: snapshot(instance, carried) });
        if (calls.length > 2) calls.shift();
        const taken = take(done + filled, piece);
        estimates.set(trace.subarray(0, taken), filled);
        if (taken < piece) {
          const element = instance.f64("grad").findIndex((x) => !Number.isFinite(x));
          const step = done + filled + taken;
          const value = trace[taken];
          goBack(instance, calls, step);
          return { kind: "diverged", step, value, element };
        }
        filled += taken;
        if (settings[SETTINGS.averaging] === 1) averaged += taken;
        limit = yield { done: done + filled, value: history.at(-1)?.value ?? Number.NaN };
      }
      done += filled;
      if (filled < count) break;
      if (players !== undefined) {
        // A window may hold no step of one of them.
        told.forEach(({ history: own }, k) => {
          const seen = estimates
            .subarray(0, count)
            .filter((_, i) => turns[(done - count + i) % turns.length] === k);
          if (seen.length > 0) own.push({ step: done, value: meanOf(seen).mean });
        });
        continue;
      }
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
    if (averaged > 0) {
      for (let i = 0; i < theta.length; i++) theta[i] = average[i] / averaged;
    }
  }
  const end = { steps: done, converged, interrupted: limit <= 0 };
  if (players === undefined) return { kind: "fitted", history, ...end };
  return { kind: "fitted", history: told[0].history, players: told, ...end };
}

interface Call {
  readonly first: number;
  readonly count: number;
  readonly state: ReadonlyMap<string, Float64Array | Int32Array>;
}

function snapshot(instance: KernelInstance, { f64, i32 }: Carried): Call["state"] {
  const reals = f64.map((name) => [name, instance.f64(name).slice()] as const);
  const wholes = i32.map((name) => [name, instance.i32(name).slice()] as const);
  return new Map<string, Float64Array | Int32Array>([...reals, ...wholes]);
}

/**
 * The state before the update that led to step `bad`: where the objective and its gradient were last
 * finite. Where not even the first step was, the state is the one it began with.
 */
function goBack(instance: KernelInstance, calls: readonly Call[], bad: number): void {
  const call = [...calls].reverse().find((c) => c.first < bad) ?? calls[0];
  for (const [name, values] of call.state) {
    if (values instanceof Int32Array) instance.i32(name).set(values);
    else instance.f64(name).set(values);
  }
  const again = bad - 1 - call.first;
  if (again > 0) instance.call("opt_steps", call.first, again);
}

/** Steps of the noise that no search takes. */
export const FINAL_STEPS = 0x40000000;

/** The objective (or another evaluation) at `theta`: the mean of estimates with fresh noise, and its standard error. */
export function estimate(
  instance: KernelInstance,
  count: number,
  name = "evaluate",
): { readonly mean: number; readonly error: number } {
  const noise = instance.fn("noise");
  const evaluate = instance.fn(name);
  const values = Float64Array.from({ length: count }, (_, t) => {
    noise(FINAL_STEPS + t);
    return evaluate();
  });
  return meanOf(values);
}
