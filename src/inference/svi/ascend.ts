/** Stochastic gradient ascent of an objective by the CPU's kernels, in the stages of `staged.ts`. */
import type { Checkpoints } from "../checkpoints.js";
import type { KernelInstance } from "../contract.js";
import { SETTINGS, TRACE } from "../stochastic/adam.js";
import { seedNoise } from "../stochastic/noise.js";
import { meanOf } from "../stochastic/smoothing.js";
import {
  BETA2,
  progressOf,
  type StagedFit,
  type StagedProgress,
  type StagedSearch,
  stages,
} from "../stochastic/staged.js";
import type { Carried } from "./compile.js";

export type SviFit = StagedFit;

/** The objective or its gradient stopped being finite; `theta` is the last state where they were. */
export interface SviFailure {
  readonly kind: "diverged";
  readonly step: number;
  readonly value: number;
  /** Index of the first element of the gradient that is not finite; −1 where only the value is not. */
  readonly element: number;
}

/** Before a call of the kernels: where the run stood, and what the call began with. */
export interface SviState {
  readonly at: StagedProgress;
  readonly buffers: Call["state"];
}

/**
 * Ascends from `theta`, where the result is left. Gives way after every few steps with the number of
 * those taken, and is told how many to take before the next time; 0 ends the run.
 */
export function* ascend(
  instance: KernelInstance,
  search: StagedSearch,
  carried: Carried,
  seed: number | bigint,
  checkpoints?: Checkpoints<SviState>,
): Generator<number, SviFit | SviFailure, number> {
  const theta = instance.f64("theta");
  const settings = instance.f64("opt_settings");
  const average = instance.f64("opt_average");
  const trace = instance.f64("opt_trace");
  const take = instance.fn("opt_steps");
  seedNoise(instance.i32("mc_key"), seed, 0);
  settings[SETTINGS.beta1] = search.momentum;
  settings[SETTINGS.beta2] = BETA2;
  settings[SETTINGS.clip] = search.clip;
  /** The states before the last calls, from which their steps can be taken again. */
  const calls: Call[] = [];
  const past = checkpoints?.past;
  if (past !== undefined) load(instance, past.buffers);
  const at = past?.at ?? progressOf(search, TRACE);
  const orders = stages(search, TRACE, yield 0, 1, at);
  let next = orders.next();
  while (next.done !== true) {
    const { first, count, rates, averaging, forgets, startsAverage } = next.value;
    if (forgets) forget(instance);
    if (startsAverage) average.fill(0);
    settings[SETTINGS.averaging] = averaging ? 1 : 0;
    settings[SETTINGS.rate] = rates[0];
    calls.push({ first, count, state: snapshot(instance, carried) });
    if (calls.length > 2) calls.shift();
    const taken = take(first, count);
    const limit = taken < count ? 0 : yield first + taken;
    // The call is taken again: what led to a step that fails is then at hand.
    const isStopped = limit === 0 && taken === count;
    if (checkpoints !== undefined && (isStopped || (taken === count && checkpoints.isDue()))) {
      checkpoints.write({ at, buffers: calls[calls.length - 1].state });
    }
    next = orders.next({ count: taken, values: trace, limit });
  }
  const found = next.value;
  if (found.kind === "stopped") {
    const { step, value } = found;
    const element = instance.f64("grad").findIndex((x) => !Number.isFinite(x));
    goBack(instance, calls, step);
    return { kind: "diverged", step, value, element };
  }
  const { averaged, ...fit } = found;
  if (averaged > 0) {
    for (let i = 0; i < theta.length; i++) theta[i] = average[i] / averaged;
  }
  return fit;
}

/** Moments as before the first step. */
function forget(instance: KernelInstance): void {
  const settings = instance.f64("opt_settings");
  settings[SETTINGS.power1] = 1;
  settings[SETTINGS.power2] = 1;
  settings.fill(1, SETTINGS.count);
  instance.f64("opt_first").fill(0);
  instance.f64("opt_second").fill(0);
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

function load(instance: KernelInstance, state: Call["state"]): void {
  for (const [name, values] of state) {
    if (values instanceof Int32Array) instance.i32(name).set(values);
    else instance.f64(name).set(values);
  }
}

/**
 * The state before the update that led to step `bad`: where the objective and its gradient were last
 * finite. Where not even the first step was, the state is the one it began with.
 */
function goBack(instance: KernelInstance, calls: readonly Call[], bad: number): void {
  const call = [...calls].reverse().find((c) => c.first < bad) ?? calls[0];
  load(instance, call.state);
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
