/**
 * Runs of EM: short ones from several starts, of which the best goes on until it converges
 * (Biernacki, Celeux & Govaert 2003).
 */
import { internalError } from "../../base/internal.js";
import { finish, type Waiting } from "../ascent/pending.js";
import { ahead, DeviceUse } from "./ahead.js";
import type {
  EmControls,
  EmDiscrete,
  EmFailed,
  EmFailure,
  EmLatent,
  EmRestart,
  EmResult,
} from "./contract.js";
import { RESTARTS, SHORT_RUN } from "./defaults.js";
import { climbState, type EmClimb, goOn, Keeper, type Segment } from "./kept.js";
import { MStep } from "./m-step.js";
import type { EmPlan } from "./plan.js";
import { BREAKDOWN } from "./run-limits.js";
import { standardErrors } from "./standard-errors.js";
import { startAt, startIsRandom } from "./start/start.js";

/** So many of the best short runs go on. */
const FINALISTS = 3;

/**
 * Runs a plan.
 * @param seed decides the starts
 */
export function runEm(
  plan: EmPlan,
  seed: number | bigint,
  controls: EmControls = {},
): EmResult | EmFailed {
  return finish(emRun(plan, seed, controls));
}

/** The same run, which waits before each pass over the data: a device may do it. */
export function* emRun(
  plan: EmPlan,
  seed: number | bigint,
  controls: EmControls = {},
): Waiting<EmResult | EmFailed> {
  const { options } = plan;
  const mStep = new MStep(plan.expected, plan.parameters);
  const device = new DeviceUse(plan.iteration);
  const starts = options.restarts ?? (startIsRandom(plan) ? RESTARTS : 1);
  const past = controls.checkpoints?.past;
  const restarts: EmRestart[] = [...(past?.restarts ?? [])];
  const segments: Segment[] = [...(past?.segments ?? [])];
  let failure: EmFailure | undefined = past?.failure;
  const keeper = new Keeper(controls);
  const climber: Climber = { plan, mStep, controls, device, keeper };
  let restart = past?.restart ?? 0;
  // What a start draws once for all iterations is drawn again.
  if (past?.finals !== undefined) yield* startAt(plan, mStep, seed, restart);
  for (; restart < starts && past?.finals === undefined; restart++) {
    yield* startAt(plan, mStep, seed, restart);
    keeper.place = { restart, restarts, failure, segments };
    const limit = starts === 1 ? options.maxIterations : Math.min(SHORT_RUN, options.maxIterations);
    const report = (done: number, logLikelihood: number): void => {
      const isShort = starts > 1;
      const total = isShort ? starts * SHORT_RUN : options.maxIterations;
      const phase = isShort ? "restarts" : "run";
      const before = isShort ? restart * SHORT_RUN : 0;
      controls.onProgress?.({ phase, done: before + done, total, logLikelihood });
    };
    const from = past?.restart === restart ? past.climb : undefined;
    const segment = yield* iterate(climber, limit, report, from);
    if ("kind" in segment) {
      failure ??= segment;
      restarts.push({ logLikelihood: Number.NaN, failure: segment });
    } else {
      segments.push(segment);
      const logLikelihood = segment.history[segment.history.length - 1];
      restarts.push({ logLikelihood });
      if (segment.end === "stopped") break;
    }
  }
  const last = (s: Segment): number => s.history[s.history.length - 1];
  segments.sort((a, b) => last(b) - last(a));
  const finished: Segment[] = [...(past?.finals?.finished ?? [])];
  const first = past?.finals?.index ?? 0;
  for (const [index, segment] of segments.entries()) {
    if (index < first) continue;
    if (finished.length >= FINALISTS || finished.some((f) => f.end === "stopped")) break;
    const finals = { index, finished };
    keeper.place = { restart: Math.min(restart, starts - 1), restarts, failure, segments, finals };
    const from = index === first ? past?.finals && past.climb : undefined;
    const found = starts === 1 ? segment : yield* goFurther(climber, segment, from);
    if ("kind" in found) failure ??= found;
    else finished.push(found);
  }
  if (finished.length === 0) {
    return { kind: "failed", failure: failure ?? internalError("no start"), restarts };
  }
  const best = finished.reduce((a, b) => (last(b) > last(a) ? b : a));
  if (best !== finished[finished.length - 1]) {
    best.values.forEach((v, k) => {
      mStep.set(k, v);
    });
    if ((yield { kind: "discrete" }) !== "lost") plan.eStep.update();
  }
  return yield* resultOf(plan, mStep, best, restarts, device, controls);
}

/** What climbs have in common. */
interface Climber {
  readonly plan: EmPlan;
  readonly mStep: MStep;
  readonly controls: EmControls;
  readonly device: DeviceUse;
  readonly keeper: Keeper;
}

/** Goes on from where a short run ended. @param past where it stood when it did so before */
function* goFurther(
  climber: Climber,
  from: Segment,
  past: EmClimb | undefined,
): Waiting<Segment | EmFailure> {
  const { plan, mStep, controls } = climber;
  from.values.forEach((v, k) => {
    mStep.set(k, v);
  });
  if (from.end !== "limit") {
    if ((yield { kind: "discrete" }) === "lost") return { ...from, end: "stopped" };
    const value = plan.eStep.update();
    return typeof value === "number" ? from : value;
  }
  const total = plan.options.maxIterations;
  const before = from.history.length - 1;
  const report = (done: number, logLikelihood: number): void => {
    controls.onProgress?.({ phase: "run", done: before + done, total, logLikelihood });
  };
  const rest = yield* iterate(climber, total - before, report, past);
  if ("kind" in rest) return rest;
  return { ...rest, history: [...from.history, ...rest.history.slice(1)] };
}

/**
 * E- and M-steps until the log likelihood changes by no more than the tolerance. The parameters and
 * q are left at the end of it, q for the parameters. Where a device is lost on the way, the run is
 * stopped at the parameters of the last E-step. Whole iterations are a device's where it has them.
 */
function* iterate(
  { plan, mStep, controls, device, keeper }: Climber,
  limit: number,
  report: (done: number, logLikelihood: number) => void,
  past?: EmClimb,
): Waiting<Segment | EmFailure> {
  const { eStep, options } = plan;
  if (past !== undefined) goOn(plan, mStep, device, past);
  const history: number[] = [...(past?.history ?? [])];
  const values = () => mStep.values.map((v) => v.slice());
  const lost = (at: readonly Float64Array[]): Segment => {
    at.forEach((v, k) => {
      mStep.set(k, v);
    });
    if (history.length === 0) history.push(-Infinity);
    return { history, values: values(), end: "stopped" };
  };
  const use = device.begin();
  if (past !== undefined) use.isOn = past.isOn;
  const start = past?.start ?? values();
  let kept: readonly Float64Array[] = past?.kept ?? start;
  /** Whether the history's last is of the present parameters. */
  let isKnown = past?.isKnown ?? false;
  const present = (): EmClimb | undefined => {
    if (!keeper.isOn) return undefined;
    return climbState(plan, mStep, device, { kept, start, history, isKnown, isOn: use.isOn });
  };
  const shouldPause = (): boolean => controls.shouldStop?.() === true || keeper.isDue;
  for (;;) {
    let wasAhead = false;
    let climb = present();
    if (use.isOn && device.isTrusted === true) {
      const before = history.length;
      // What a device did is kept as the host's iterations are.
      const own = { ...controls, shouldStop: shouldPause };
      const at = { history, limit, isKnown, controls: own, report };
      const found = yield* ahead(plan, device.loop, mStep, at);
      isKnown = found.isKnown;
      kept = values();
      use.after(found.end, history.length - before);
      if (found.end === "lost") return lost(kept);
      if (found.end === "converged" && !device.isSingle) {
        return { history, values: kept, end: "converged" };
      }
      wasAhead = true;
      if (found.end === "stopped") climb = present();
    }
    if ((yield { kind: "discrete" }) === "lost") return lost(kept);
    const value = eStep.update();
    if (typeof value !== "number") return value;
    kept = values();
    if (isKnown) history[history.length - 1] = value;
    else history.push(value);
    const done = history.length - 1;
    if (done > 0) {
      if (!isKnown) report(done, value);
      const before = history[done - 1];
      const scale = Math.max(1, Math.abs(value));
      if (before - value > BREAKDOWN * scale) {
        const collapsed = mStep.mostCollapsed();
        if (collapsed !== undefined) return { kind: "singular", ...collapsed };
      }
      // What a device found last is looked at once more by an iteration of the host's.
      if (!wasAhead && Math.abs(value - before) <= options.tolerance * scale) {
        return { history, values: kept, end: "converged" };
      }
      const isStopped = controls.shouldStop?.() === true;
      keeper.keep(climb, isStopped);
      if (isStopped) return { history, values: kept, end: "stopped" };
    }
    if (done >= limit) return { history, values: kept, end: "limit" };
    if (use.isOn && device.isTrusted === undefined && done === 1) {
      yield* device.compare(plan, mStep, start, history);
    }
    const failure = mStep.update(eStep.scenarios());
    if (failure !== undefined) return failure;
    isKnown = false;
  }
}

function* resultOf(
  plan: EmPlan,
  mStep: MStep,
  segment: Segment,
  restarts: readonly EmRestart[],
  device: DeviceUse,
  controls: EmControls,
): Waiting<EmResult> {
  const { eStep, parameters, expected, latents, kernels } = plan;
  const marginals = (yield { kind: "marginals" }) === "lost" ? undefined : eStep.marginals();
  const { history } = segment;
  const found = latents.map((l): EmLatent => {
    const { latent } = expected.joint.sites[l.site].direct;
    const { mean, sd } = eStep.moments(l.site);
    const marginalsOf = eStep.factor(l.site);
    return {
      name: l.name,
      dims: latent.dims,
      length: l.length,
      ...(latent.elements !== undefined && { elements: latent.elements }),
      family: marginalsOf?.family ?? "mixture of normals",
      mean,
      sd,
      ...(marginalsOf !== undefined && { marginals: marginalsOf }),
    };
  });
  const discrete = (marginals ?? []).map((probabilities, k): EmDiscrete => {
    const { name, dims, low, count } = kernels.discrete[k];
    return { name, dims, low, count, probabilities };
  });
  const wantsErrors = plan.options.standardErrors && segment.end !== "stopped";
  const errors = wantsErrors ? yield* standardErrors(plan, mStep, controls) : undefined;
  const order = plan.conditioned.model.variables.map((v) => v.name);
  const params = parameters
    .map((p, k) => ({
      name: p.name,
      dims: p.coordinates.latent.dims,
      value: mStep.values[k].slice(),
      ...(errors !== undefined && { standardError: errors.errors[k] }),
    }))
    .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return {
    kind: "fitted",
    params,
    logLikelihood: history[history.length - 1],
    exact: eStep.exact,
    history: Float64Array.from(history),
    iterations: history.length - 1,
    converged: segment.end === "converged",
    stopped: segment.end === "stopped",
    restarts,
    deviceIterations: device.iterations,
    latents: found,
    discrete,
    ...(errors?.singular === true && { informationSingular: true }),
  };
}

/** The log likelihood at parameters, and its gradient in their own scalars. */
export interface EmProbe {
  readonly values: readonly Float64Array[];
  readonly logLikelihood: number;
  readonly slope: Float64Array;
}

/**
 * One E-step, at `values` or where a run with this seed begins: what a device is compared with.
 * Undefined where the E-step fails there.
 */
export function* emProbe(
  plan: EmPlan,
  seed: number | bigint,
  values?: readonly Float64Array[],
): Waiting<EmProbe | undefined> {
  const { eStep, parameters } = plan;
  const mStep = new MStep(plan.expected, parameters);
  if (values === undefined) yield* startAt(plan, mStep, seed, 0);
  else {
    values.forEach((v, k) => {
      mStep.set(k, v);
    });
  }
  yield { kind: "discrete" };
  const logLikelihood = eStep.update();
  if (typeof logLikelihood !== "number") return undefined;
  const slopes = parameters.map((_, k) => mStep.slope(k, eStep.scenarios()));
  const slope = new Float64Array(slopes.reduce((n, s) => n + s.length, 0));
  let at = 0;
  for (const s of slopes) {
    slope.set(s, at);
    at += s.length;
  }
  return { values: mStep.values.map((v) => v.slice()), logLikelihood, slope };
}
