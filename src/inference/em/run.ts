/**
 * Runs of EM: short ones from several starts, of which the best goes on until it converges
 * (Biernacki, Celeux & Govaert 2003).
 */
import { internalError } from "../../base/internal.js";
import type {
  EmControls,
  EmDiscrete,
  EmFailed,
  EmFailure,
  EmLatent,
  EmRestart,
  EmResult,
} from "./contract.js";
import { MStep } from "./m-step.js";
import type { EmPlan } from "./plan.js";
import { standardErrors } from "./standard-errors.js";
import { startAt, startIsRandom } from "./start/start.js";

const SHORT_RUN = 15;
const RESTARTS = 12;
/** So many of the best short runs go on. */
const FINALISTS = 3;
/**
 * No step lowers the log likelihood; where it falls by so much (relative), sums over data of a
 * vanishing spread have lost all their digits.
 */
const BREAKDOWN = 1e-3;

interface Segment {
  readonly history: readonly number[];
  readonly values: readonly Float64Array[];
  readonly end: "limit" | "converged" | "stopped";
}

/**
 * Runs a plan.
 * @param seed decides the starts
 */
export function runEm(
  plan: EmPlan,
  seed: number | bigint,
  controls: EmControls = {},
): EmResult | EmFailed {
  const { options } = plan;
  const mStep = new MStep(plan.expected, plan.parameters);
  const starts = options.restarts ?? (startIsRandom(plan) ? RESTARTS : 1);
  const restarts: EmRestart[] = [];
  const segments: Segment[] = [];
  let failure: EmFailure | undefined;
  for (let restart = 0; restart < starts; restart++) {
    startAt(plan, mStep, seed, restart);
    const limit = starts === 1 ? options.maxIterations : Math.min(SHORT_RUN, options.maxIterations);
    const segment = iterate(plan, mStep, limit, controls, (done, logLikelihood) => {
      if (starts === 1) {
        const total = options.maxIterations;
        controls.onProgress?.({ phase: "run", done, total, logLikelihood });
      }
    });
    if ("kind" in segment) {
      failure ??= segment;
      restarts.push({ logLikelihood: Number.NaN, failure: segment });
    } else {
      segments.push(segment);
      const logLikelihood = segment.history[segment.history.length - 1];
      restarts.push({ logLikelihood });
      if (starts > 1) {
        const done = restart + 1;
        controls.onProgress?.({ phase: "restarts", done, total: starts, logLikelihood });
      }
      if (segment.end === "stopped") break;
    }
  }
  const last = (s: Segment): number => s.history[s.history.length - 1];
  segments.sort((a, b) => last(b) - last(a));
  const finished: Segment[] = [];
  for (const segment of segments) {
    if (finished.length >= FINALISTS || finished.some((f) => f.end === "stopped")) break;
    const found = starts === 1 ? segment : resume(plan, mStep, segment, controls);
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
    plan.eStep.update();
  }
  return resultOf(plan, mStep, best, restarts, controls);
}

/** Goes on from where a short run ended. */
function resume(
  plan: EmPlan,
  mStep: MStep,
  from: Segment,
  controls: EmControls,
): Segment | EmFailure {
  from.values.forEach((v, k) => {
    mStep.set(k, v);
  });
  if (from.end !== "limit") {
    const value = plan.eStep.update();
    return typeof value === "number" ? from : value;
  }
  const total = plan.options.maxIterations;
  const before = from.history.length - 1;
  const rest = iterate(plan, mStep, total - before, controls, (done, logLikelihood) => {
    controls.onProgress?.({ phase: "run", done: before + done, total, logLikelihood });
  });
  if ("kind" in rest) return rest;
  return { ...rest, history: [...from.history, ...rest.history.slice(1)] };
}

/**
 * E- and M-steps until the log likelihood changes by no more than the tolerance. The parameters and
 * q are left at the end of it, q for the parameters.
 */
function iterate(
  plan: EmPlan,
  mStep: MStep,
  limit: number,
  controls: EmControls,
  report: (done: number, logLikelihood: number) => void,
): Segment | EmFailure {
  const { eStep, options } = plan;
  const history: number[] = [];
  const values = () => mStep.values.map((v) => v.slice());
  let value = eStep.update();
  if (typeof value !== "number") return value;
  history.push(value);
  for (let k = 1; k <= limit; k++) {
    const failure = mStep.update(eStep.scenarios());
    if (failure !== undefined) return failure;
    const before: number = value;
    value = eStep.update();
    if (typeof value !== "number") return value;
    history.push(value);
    report(k, value);
    const scale = Math.max(1, Math.abs(value));
    if (before - value > BREAKDOWN * scale) {
      const collapsed = mStep.mostCollapsed();
      if (collapsed !== undefined) return { kind: "singular", ...collapsed };
    }
    if (Math.abs(value - before) <= options.tolerance * scale) {
      return { history, values: values(), end: "converged" };
    }
    if (controls.shouldStop?.() === true) return { history, values: values(), end: "stopped" };
  }
  return { history, values: values(), end: "limit" };
}

function resultOf(
  plan: EmPlan,
  mStep: MStep,
  segment: Segment,
  restarts: readonly EmRestart[],
  controls: EmControls,
): EmResult {
  const { eStep, parameters, expected, latents, kernels } = plan;
  const marginals = eStep.marginals();
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
  const discrete = kernels.discrete.map((s, k): EmDiscrete => {
    return { name: s.name, dims: s.dims, low: s.low, count: s.count, probabilities: marginals[k] };
  });
  const errors = plan.options.standardErrors ? standardErrors(plan, mStep, controls) : undefined;
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
    latents: found,
    discrete,
    ...(errors?.singular === true && { informationSingular: true }),
  };
}
