/**
 * Whole iterations on a device: the run gives it the parameters and looks at the log likelihoods that
 * come back, call by call, until the device says that an iteration is not its own.
 */
import { internalError } from "../../base/internal.js";
import type { IteratedSteps, Waiting } from "../ascent/pending.js";
import type { EmControls } from "./contract.js";
import { type Iteration, loopNames, phases } from "./graph/iteration.js";
import { type MStep, watchedOf } from "./m-step.js";
import type { EmPlan } from "./plan.js";

/** How whole iterations ended, with the parameters where they are left. */
export interface Ahead {
  readonly end: "converged" | "handed" | "fell" | "limit" | "stopped" | "lost";
  /** Whether the last of the history is the log likelihood of these parameters. */
  readonly isKnown: boolean;
}

/** Where whole iterations begin, and who is told of them. */
export interface Begun {
  /** Log likelihoods so far, to which theirs are added. */
  readonly history: number[];
  /** Of iterations, those of the history counted. */
  readonly limit: number;
  /** Whether the log likelihood of the present parameters is the history's last. */
  readonly isKnown: boolean;
  readonly controls: EmControls;
  readonly report: (done: number, logLikelihood: number) => void;
}

type Loop = Extract<Iteration, { readonly kind: "loop" }>;

/** A device that shows progress so rarely, or hands over so soon, is not asked again in this climb. */
const LEAST_AHEAD = 3;

/**
 * By how much log likelihoods in single precision may be off those of the host's, relative, for its
 * iterations to be trusted on the way.
 */
const TRUST = 1e-5;

/** Whether a run's whole iterations are a device's. */
export class DeviceUse {
  readonly #iteration: Loop | undefined;
  /** In single precision open until the device was compared with the host. */
  #isTrusted: boolean | undefined;
  #iterations = 0;

  constructor(iteration: Iteration | undefined) {
    this.#iteration = iteration?.kind === "loop" ? iteration : undefined;
    if (this.#iteration === undefined) this.#isTrusted = false;
    else this.#isTrusted = this.#iteration.isSingle ? undefined : true;
  }

  /** As it was where a run is taken up again. */
  goOn(isTrusted: boolean | undefined, iterations: number): void {
    this.#isTrusted = isTrusted;
    this.#iterations = iterations;
  }

  /** That the device took whole. */
  get iterations(): number {
    return this.#iterations;
  }
  get isTrusted(): boolean | undefined {
    return this.#isTrusted;
  }
  get isSingle(): boolean {
    return this.loop.isSingle;
  }
  get loop(): Loop {
    return this.#iteration ?? internalError("no whole iterations");
  }

  /** For one climb. */
  begin(): { isOn: boolean; readonly after: (end: Ahead["end"], steps: number) => void } {
    const use = {
      isOn: this.#isTrusted !== false,
      after: (end: Ahead["end"], steps: number): void => {
        this.#iterations += steps;
        const isIdle = end === "handed" && steps < LEAST_AHEAD;
        // The end of a climb is the host's, and so are steps that are mostly handed over.
        if (isIdle || end === "converged" || end === "fell") use.isOn = false;
      },
    };
    return use;
  }

  /**
   * Has the device take the first iteration, too: it is trusted where it comes where the host came.
   * The parameters stay.
   * @param history of two log likelihoods, the first of `start`
   */
  *compare(
    plan: EmPlan,
    mStep: MStep,
    start: readonly Float64Array[],
    history: readonly number[],
  ): Waiting<void> {
    const now = mStep.values.map((v) => v.slice());
    const reached = plan.parameters.map((_, k) => mStep.largest(k).slice());
    start.forEach((v, k) => {
      mStep.set(k, v);
    });
    const own: number[] = [];
    const controls = {};
    const report = (): void => undefined;
    const at = { history: own, limit: 2, isKnown: false, controls, report };
    const { end } = yield* ahead(plan, this.loop, mStep, at);
    const isNear = (value: number, k: number): boolean =>
      Math.abs(own[k] - value) <= TRUST * Math.max(1, Math.abs(value));
    this.#isTrusted = end !== "lost" && history.every(isNear);
    now.forEach((v, k) => {
      mStep.set(k, v);
      mStep.largest(k).set(reached[k]);
    });
  }
}

/** Iterations from the present parameters on. */
export function* ahead(
  plan: EmPlan,
  iteration: Loop,
  mStep: MStep,
  { history, limit, isKnown, controls, report }: Begun,
): Waiting<Ahead> {
  let begin: Readonly<Record<string, Float64Array>> | undefined = beginning(plan, mStep);
  let known = isKnown;
  for (;;) {
    const done = known ? history.length - 1 : history.length;
    if (done >= limit) return { end: "limit", isKnown: known };
    if (begin === undefined && controls.shouldStop?.() === true) {
      return { end: "stopped", isKnown: known };
    }
    const taken: IteratedSteps[] = [];
    const take = (steps: IteratedSteps): void => {
      taken.push(steps);
    };
    const steps = limit - done;
    const answer = yield { kind: "iterate", loop: iteration.loop, begin, steps, take };
    const [found] = taken;
    if (answer !== "done" || found === undefined) return { end: "lost", isKnown: known };
    begin = undefined;
    const phase = record(found, history, known, report);
    known = false;
    plan.parameters.forEach((_, k) => {
      mStep.move(k, found.state[loopNames.value(k)], found.state[loopNames.largest(k)]);
    });
    if (phase !== phases.running) return { end: ends.get(phase) ?? "handed", isKnown: true };
  }
}

const ends: ReadonlyMap<number, Ahead["end"]> = new Map([
  [phases.converged, "converged"],
  [phases.fell, "fell"],
  [phases.handed, "handed"],
]);

/** The state of a loop that begins at the present parameters. */
function beginning({ options, parameters }: EmPlan, mStep: MStep): Record<string, Float64Array> {
  const state: Record<string, Float64Array> = {
    [loopNames.hasBefore]: Float64Array.of(0),
    [loopNames.phase]: Float64Array.of(phases.running),
    [loopNames.tolerance]: Float64Array.of(options.tolerance),
  };
  parameters.forEach((p, k) => {
    state[loopNames.value(k)] = mStep.values[k].slice();
    const watched = watchedOf(p);
    if (watched === undefined) return;
    const largest = mStep.largest(k);
    state[loopNames.largest(k)] = Float64Array.from(watched.scalars, (i) => largest[i]);
  });
  return state;
}

/** Adds the steps that were taken to the history; the phase after the last of them. */
function record(
  { count, rows }: IteratedSteps,
  history: number[],
  isKnown: boolean,
  report: (done: number, logLikelihood: number) => void,
): number {
  const parts = rows[loopNames.logLikelihood];
  const phase = rows[`next_${loopNames.phase}`];
  const width = parts.length / count;
  for (let t = 0; t < count; t++) {
    const value = parts.subarray(t * width, (t + 1) * width).reduce((sum, v) => sum + v, 0);
    if (t > 0 || !isKnown) {
      history.push(value);
      if (history.length > 1) report(history.length - 1, value);
    }
    if (phase[t] !== phases.running) return phase[t];
  }
  return phases.running;
}
