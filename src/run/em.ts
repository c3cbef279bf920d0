/** Runs of expectation–maximisation: point estimates, and what stays random given them. */
import { type Diagnostic, diagnostic, fail } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import type { GraphDevice } from "../device/contract.js";
import {
  type EmFailure,
  type EmOptions as EmPlanOptions,
  type EmRefusal,
  type EmResult,
  emRun,
  planEmWithin,
} from "../inference/em/index.js";
import { latentVariables } from "../inference/logjoint/latents.js";
import { elementName, unravel } from "../model/data.js";
import { type Conditioned, concreteDims } from "../passes/condition/index.js";
import type { Run } from "./context.js";
import { readObject } from "./data/values.js";
import { choiceFigures, choose, timed } from "./device/auto.js";
import { openCpuGraphs } from "./device/cpu-graphs.js";
import { type EmOnDevice, emControls, emOnDevice, emPassSeconds } from "./device/em.js";
import { drive, MOST_ADDRESSED, StagedInstance } from "./device/staged.js";
import { makeInstance } from "./gibbs-chain.js";
import type { EmOptions } from "./methods.js";
import { paced } from "./paced.js";
import type { FitData, PointFigures } from "./results/fit.js";
import {
  climbFigures,
  drawnSites,
  figuresOfMoments,
  figuresOfProbabilities,
} from "./results/structured.js";

/** Iterations that a run is taken to have, where its time is foreseen. */
const USUAL_ITERATIONS = 300;

/**
 * Fits on the run's device, on the one that is fastest where the choice is left open, or on the CPU.
 * @throws TildeError where the model is out of reach, or no start leads to an estimate
 */
export async function maximise(run: Run, method: EmOptions): Promise<FitData> {
  const { conditioned, seed, device, shelf } = run;
  const settings = planOptions(method);
  if (device !== undefined) return await maximiseOn(run, method, device, { device: device.name });
  let blocks: StagedInstance | undefined;
  const plan = planEmWithin(conditioned, makeInstance, settings, MOST_ADDRESSED, (kernels) => {
    blocks = new StagedInstance(openCpuGraphs(), kernels);
    return blocks;
  });
  if (plan.kind === "refused") return refuseEm(conditioned, plan);
  let figures: FitData["figures"] = {};
  const isLarge = plan.kind === "too_large";
  // Continuous sites are integrated out by steps that devices have no program for.
  if (shelf !== undefined && !isLarge && plan.latents.length > 0) figures = { device: "cpu" };
  else if (shelf !== undefined) {
    const here = isLarge
      ? await emPassSeconds(run, settings, openCpuGraphs())
      : ((await blocks?.passSeconds()) ?? timed(() => plan.eStep.update()));
    const choice = await choose(shelf, here, USUAL_ITERATIONS, (d) => {
      return emPassSeconds(run, settings, d);
    });
    figures = choiceFigures(choice);
    if (choice.device !== undefined) return await maximiseOn(run, method, choice.device, figures);
  }
  // Not all items' tables at once, but a block of items at a time.
  if (isLarge) return await maximiseOn(run, method, openCpuGraphs(), figures);
  const compiled = performance.now();
  const work = emRun(plan, seed, emControls(run));
  const result = blocks === undefined ? await paced(work) : (await drive(work, blocks)).result;
  return fitOf(run, method, { result, compiled, warnings: [] }, figures);
}

async function maximiseOn(
  run: Run,
  method: EmOptions,
  device: GraphDevice,
  figures: FitData["figures"],
): Promise<FitData> {
  const found = await emOnDevice(run, planOptions(method), device);
  if (found.kind === "refused") return refuseEm(run.conditioned, found);
  return fitOf(run, method, found, figures);
}

function fitOf(
  run: Run,
  method: EmOptions,
  { result, compiled, warnings, mSteps }: Omit<EmOnDevice, "kind">,
  figures: FitData["figures"],
): FitData {
  const { conditioned, seed } = run;
  if (result.kind === "failed") return failed(conditioned, result.failure);
  const shown = result.latents.length === 0 ? withDraws : atMeans;
  return {
    conditioned,
    method: "em",
    ...shown(conditioned, result, method.draws),
    seed,
    warmup: 0,
    interrupted: result.stopped,
    timing: {
      compileSeconds: (compiled - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - compiled) / 1000,
      gradients: 0,
    },
    warnings: [...warnings, ...doubts(result)],
    figures: {
      ...figures,
      ...climbFigures("log_likelihood", { ...result, value: result.logLikelihood }),
      exact: result.exact,
      ...(mSteps !== undefined && { m_steps: mSteps, device_iterations: result.deviceIterations }),
      restarts: result.restarts.map((r) => r.logLikelihood),
    },
  };
}

/** The options as the plan takes them. */
export function planOptions(method: EmOptions): EmPlanOptions {
  const { start, restarts, maximise: names, maxIterations, tolerance, standardErrors } = method;
  return {
    maximise: names,
    maxIterations,
    tolerance,
    standardErrors,
    ...(restarts !== undefined && { restarts }),
    ...(start !== undefined && { start: startValues(start) }),
  };
}

function startValues(start: Readonly<Record<string, unknown>>): Map<string, Float64Array> {
  const { values, problems } = readObject(start);
  const [problem] = problems.values();
  if (problem !== undefined) {
    const wanted = `an object of names to numbers or arrays (${problem.message})`;
    fail("bad_option", undefined, { option: "`start`", value: "an object", wanted });
  }
  return new Map([...values].map(([name, v]) => [name, v.data]));
}

type Shown = Pick<FitData, "latents" | "ranges" | "points" | "exact" | "chains" | "isPoint">;

const pointsOf = (result: EmResult): Map<string, PointFigures> =>
  new Map(
    result.params.map(({ name, standardError: se }): [string, PointFigures] => {
      return [name, se === undefined ? {} : { se }];
    }),
  );

/**
 * Nothing but discrete sites is integrated out: they are drawn jointly from their posterior at the
 * estimates when they are read, as many times as asked for.
 */
function withDraws(conditioned: Conditioned, result: EmResult, draws: number): Shown {
  const latents = latentVariables(conditioned);
  const row = rowOf(result, latents);
  const isPoint = result.discrete.length === 0;
  const rows = isPoint ? 1 : draws;
  const values = new Float64Array(rows * row.length);
  for (let t = 0; t < rows; t++) values.set(row, t * row.length);
  return {
    latents,
    points: pointsOf(result),
    exact: new Map(result.discrete.flatMap((d) => figuresOfProbabilities(d))),
    chains: [{ values, draws: rows, statistics: densities(result, rows) }],
    isPoint,
  };
}

/** The estimates with the means of the continuous sites and the likeliest values of the others. */
function atMeans(conditioned: Conditioned, result: EmResult): Shown {
  const continuous = latentVariables(conditioned);
  const row = rowOf(result, continuous);
  let offset = 0;
  const discrete = result.discrete.map((d) => {
    const site = { ...d, offset };
    offset += d.probabilities.length / d.count;
    return site;
  });
  const values = new Float64Array(row.length + offset);
  values.set(row);
  for (const d of discrete) {
    const elements = d.probabilities.length / d.count;
    for (let e = 0; e < elements; e++) {
      const p = d.probabilities.subarray(e * d.count, (e + 1) * d.count);
      values[row.length + d.offset + e] = d.low + p.indexOf(Math.max(...p));
    }
  }
  return {
    ...drawnSites(conditioned.model, continuous, discrete),
    points: pointsOf(result),
    exact: new Map([
      ...result.latents.flatMap((l) =>
        figuresOfMoments({
          ...l,
          mean: (k) => l.mean[k],
          sd: (k) => l.sd[k],
          quantile: l.marginals?.quantile,
        }),
      ),
      ...result.discrete.flatMap((d) => figuresOfProbabilities(d)),
    ]),
    chains: [{ values, draws: 1, statistics: densities(result, 1) }],
    isPoint: true,
  };
}

function densities(result: EmResult, rows: number): { readonly lp: Float64Array } {
  return { lp: new Float64Array(rows).fill(result.logLikelihood) };
}

/** The continuous scalars of a draw: estimates, and means of what is integrated out. */
function rowOf(result: EmResult, latents: FitData["latents"]): Float64Array {
  const row = new Float64Array(latents.reduce((n, v) => n + v.length, 0));
  for (const { name, offset } of latents) {
    const value =
      result.params.find((p) => p.name === name)?.value ??
      result.latents.find((l) => l.name === name)?.mean ??
      internalError(`EM left out ${name}`);
    row.set(value, offset);
  }
  return row;
}

function doubts(result: EmResult): Diagnostic[] {
  const found: Diagnostic[] = [];
  const { history, iterations } = result;
  if (!result.converged && !result.stopped) {
    const [before, last] = [history[history.length - 2], history[history.length - 1]];
    const change = Math.abs(last - before) / Math.max(1, Math.abs(last));
    found.push(diagnostic("not_converged", undefined, { method: "em", iterations, change }));
  }
  if (result.informationSingular) found.push(diagnostic("information_singular", undefined, {}));
  return found;
}

/** @throws TildeError that names the site and the reason */
export function refuseEm({ model }: Conditioned, { site, reason }: EmRefusal): never {
  const span = model.variables.find((v) => v.name === site)?.span;
  return fail("site_refused", span, { method: "em", name: site, reason });
}

function failed(conditioned: Conditioned, failure: EmFailure): never {
  const method = "em";
  switch (failure.kind) {
    case "singular": {
      const { name, scalar } = failure;
      const variable = conditioned.model.variables.find((v) => v.name === name);
      const dims = concreteDims(conditioned, variable?.type.dims ?? []);
      const element = elementName(name, unravel(scalar, dims));
      return fail("likelihood_unbounded", variable?.span, { name, element });
    }
    case "impossible":
      return fail("states_impossible", undefined, { method });
    case "improper":
      return fail("site_improper", undefined, { method, name: failure.name });
    case "not_finite":
      return fail("bound_not_finite", undefined, { method, value: failure.value });
  }
}
