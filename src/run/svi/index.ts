/** Runs of `svi` and `nce`: an objective of the language climbed by stochastic gradients. */
import { setImmediate } from "node:timers/promises";
import { type Diagnostic, diagnostic, fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { KernelInstance } from "../../inference/contract.js";
import { type LatentVariable, latentVariables } from "../../inference/logjoint/latents.js";
import { buildObjective, type ObjectiveGraph } from "../../inference/objective/index.js";
import {
  ascend,
  estimate,
  type SviFailure,
  type SviFit,
  type SviState,
} from "../../inference/svi/ascend.js";
import {
  type Carried,
  evaluationName,
  learningKernels,
  paramValues,
} from "../../inference/svi/compile.js";
import { drawSites, guideReadout, type Readout } from "../../inference/svi/readout.js";
import { paretoK } from "../../math/pareto.js";
import type { Declared } from "../compile.js";
import type { Run } from "../context.js";
import type { RawData } from "../data/values.js";
import { climbAnywhere } from "../device/learn.js";
import { Helpers, type Placed, place } from "../helpers.js";
import type { NceOptions, SviOptions } from "../methods.js";
import type { DiscreteRange, Figure, FitData, ParamTree } from "../results/fit.js";
import { tellSteps } from "../tell.js";
import { DivergedError } from "./diverged.js";
import { type LocalFit, localFigure, localFits, localWarnings } from "./local-fit.js";
import { paramTree, readParams } from "./params.js";
import { bindMethod, checkBatch, dataOf, type Programs, programLabel } from "./programs.js";

export { DivergedError } from "./diverged.js";
export { dataOfOthers, withoutOthers } from "./programs.js";

/** Above this the importance weights have no usable variance (Vehtari et al. 2024). */
const PARETO_LIMIT = 0.7;
/** Calls of the kernel last about this long: between them a run can be stopped. */
const CALL_MS = 50;
/** So long a run goes on alone before helpers are started: most short ones end within it. */
const ALONE_MS = 100;
/** Draws are fewer where their numbers would not fit into this many. */
const MOST_NUMBERS = 2 ** 25;

type LearningMethod = SviOptions | NceOptions;

/**
 * Learns the params of a model and of its guide, and draws from the guide.
 * @throws TildeError where names, data or options do not fit; `DivergedError` where the objective
 * stops being finite.
 */
export async function learn(
  run: Run,
  raw: RawData,
  declared: Declared,
  method: LearningMethod,
): Promise<FitData> {
  const { seed, conditioned } = run;
  const bound = bindMethod(conditioned.model, declared, method);
  const data = dataOf(bound, raw);
  const { objective, args, programs } = bound;
  const batch = checkBatch(method.batch, conditioned.sizes);
  const natural = method.optimizer === "natural";
  if (natural && objective.players !== undefined) {
    const wanted = "adam or sgd for an objective of several players";
    fail("bad_option", undefined, { option: "`optimizer`", value: '"natural"', wanted });
  }
  const { analytic } = method;
  const made = buildObjective(objective, { programs, data, args, batch, natural, analytic });
  if (made.params.every((p) => p.isState === true)) {
    fail("nothing_to_learn", objective.span, { objective: objective.name });
  }
  const readout =
    bound.guide === undefined
      ? undefined
      : guideReadout(objective, { programs, data, args, model: bound.model, guide: bound.guide });
  const { kernels, carried } = learningKernels(made, batch, method.optimizer, method.products);
  const placed = place(kernels);
  const { instance } = placed;
  const isBegun = run.checkpoint?.hasPast === true;
  const given =
    method.init === undefined || isBegun ? undefined : await readParams(method.init, made.params);
  const theta = instance.f64("theta");
  theta.set(made.initial(seed, given));

  const compiledAt = performance.now();
  const ascent = await climbAnywhere(
    {
      made,
      batch,
      method,
      run,
      instance,
      tell: (done) => tellSteps(run.options, done, method.steps, method.lr),
    },
    () => climb(placed, carried, made, method, run),
    () => place(kernels).instance,
  );
  const { found } = ascent;
  const params = paramTree(made.params, paramValues(instance));
  if (found.kind === "diverged") diverged(made, objective.name, found, params);
  const warnings: Diagnostic[] = [...ascent.warnings];
  if (!found.converged && !found.interrupted && made.players === undefined) {
    warnings.push(diagnostic("bound_still_rising", undefined, { steps: found.steps }));
  }
  const isRandom = made.noise.length > 0 || made.streams.length > 0;
  const trials = Math.min(method.draws, Math.max(200, Math.floor(found.steps / 5)));
  const finals =
    ascent.final ??
    (made.players ?? [undefined]).map((_, k) =>
      estimate(instance, isRandom ? trials : 1, evaluationName(k)),
    );
  const drawn = drawLatents(run, made, instance, method, readout);
  const fits = drawn.locals ?? [];
  if (fits.length > 0) warnings.push(...localWarnings(fits, guideName(bound)));
  // Weights of many elements together have long tails however well each of them fits.
  const isJudged = fits.length === 0 || readout?.hasGlobals === true;
  if (isJudged && drawn.paretoK !== undefined && !(drawn.paretoK <= PARETO_LIMIT)) {
    const guide = guideName(bound);
    warnings.push(diagnostic("guide_misfit", undefined, { k: drawn.paretoK, guide }));
  }
  return {
    conditioned,
    method: method.method,
    latents: drawn.latents,
    ranges: drawn.ranges,
    points: drawn.points,
    chains: drawn.chains,
    timing: {
      compileSeconds: (compiledAt - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - compiledAt) / 1000,
      gradients: found.steps,
    },
    seed,
    isPoint: drawn.isPoint,
    interrupted: found.interrupted,
    warmup: 0,
    params,
    warnings,
    figures: {
      ...ascent.figures,
      objective: objective.name,
      // Of players in turn no number tells whether they are done.
      ...(made.players === undefined && { converged: found.converged }),
      steps: found.steps,
      strategies: Object.fromEntries(made.strategies.map((s) => [s.site, s.strategy])),
      ...(drawn.paretoK !== undefined && { pareto_k: drawn.paretoK }),
      ...(fits.length > 0 && { pareto_k_local: localFigure(fits) }),
      // With a guide it is a bound of the evidence.
      ...(made.players === undefined
        ? { [bound.guide === undefined ? "value" : "elbo"]: climbed(found.history, finals[0]) }
        : { players: playerFigures(found, finals) }),
    },
  };
}

type Final = { readonly mean: number; readonly error: number };

function climbed(history: SviFit["history"], final: Final): Figure {
  return {
    history: history.map((h) => h.value),
    steps: history.map((h) => h.step),
    final: final.mean,
    mcse: final.error,
  };
}

/** What each player saw, and where it ended. */
function playerFigures(found: SviFit, finals: readonly Final[]): Figure {
  const told = found.players ?? [];
  return Object.fromEntries(
    told.map(({ name, history }, k) => [name, climbed(history, finals[k])]),
  );
}

function guideName({ guide, programs }: Programs): string {
  return programLabel(programs.get(guide ?? "")) ?? internalError("no guide");
}

/** Takes the steps in calls of about equal time, and gives way to the process between them. */
async function climb(
  placed: Placed,
  carried: Carried,
  { players }: ObjectiveGraph,
  method: LearningMethod,
  { options, seed, checkpoint }: Run,
): Promise<SviFit | SviFailure> {
  const { steps, lr, schedule, warmup, momentum, clip, tolerance } = method;
  const search = {
    ...{ steps, rate: lr, schedule, warmup, momentum, clip, tolerance },
    ...(players && { players }),
  };
  const climber = ascend(placed.instance, search, carried, seed, checkpoint?.of<SviState>());
  const helpers = new Helpers(placed, options.threads);
  const begun = performance.now();
  let next = climber.next(0);
  let size = 1;
  let before = 0;
  let at = performance.now();
  let rested = at;
  try {
    while (next.done !== true) {
      const done = next.value;
      const now = performance.now();
      if (done > before) {
        const each = Math.max(1e-4, (now - at) / (done - before));
        size = Math.max(1, Math.min(4 * size, Math.floor(CALL_MS / each)));
      }
      tellSteps(options, done, steps, lr);
      if (now - begun > ALONE_MS) helpers.start();
      if (now - rested > CALL_MS) {
        await setImmediate();
        rested = performance.now();
      }
      before = done;
      at = performance.now();
      next = climber.next(options.signal?.aborted === true ? 0 : size);
    }
    return next.value;
  } finally {
    await helpers.close();
  }
}

function diverged(
  made: ObjectiveGraph,
  objective: string,
  { step, value, element }: SviFailure,
  params: ParamTree,
): never {
  const slot = made.params.find((s) => element >= s.offset && element < s.offset + s.length);
  throw new DivergedError({ step, value, objective, param: slot?.name }, params);
}

type Drawn = Pick<FitData, "latents" | "ranges" | "points" | "chains" | "isPoint"> & {
  readonly paretoK?: number;
  readonly locals?: readonly LocalFit[];
};

/** The model's params, which are the same in every draw, and the sites that the guide draws. */
function drawLatents(
  { conditioned, seed }: Run,
  made: ObjectiveGraph,
  instance: KernelInstance,
  method: LearningMethod,
  readout: Readout | undefined,
): Drawn {
  const { variables } = conditioned.model;
  const values = paramValues(instance);
  const own = made.params.filter(
    (s) => s.program === conditioned.model.name && variables.some((v) => v.name === s.param),
  );
  const latents: LatentVariable[] = [];
  let width = 0;
  const add = (name: string, dims: readonly number[], length: number): void => {
    const variable = variables.find((v) => v.name === name) ?? internalError(`no ${name}`);
    latents.push({ name, variable, dims, offset: width, length });
    width += length;
  };
  const sites = readout?.sites ?? [];
  const found = [
    ...own.map((s) => ({ name: s.param, dims: s.dims, length: s.valueLength })),
    ...sites,
  ];
  // Lets are computed from rows in the order of the model's continuous variables, the others behind.
  const order = latentVariables(conditioned).map((v) => v.name);
  const rankOf = (name: string): number => {
    const at = order.indexOf(name);
    return at < 0 ? order.length : at;
  };
  found.sort((a, b) => rankOf(a.name) - rankOf(b.name));
  for (const s of found) add(s.name, s.dims, s.length);
  const offsets = new Map(latents.map((v) => [v.name, v.offset]));
  const offsetOf = (name: string): number => offsets.get(name) ?? internalError(`no ${name}`);
  const points = new Map(own.map((s) => [s.param, {}]));
  const row = new Float64Array(width);
  for (const s of own) {
    const at = values.subarray(s.valueOffset, s.valueOffset + s.valueLength);
    row.set(at, offsetOf(s.param));
  }
  if (readout === undefined) {
    const chains = latents.length === 0 ? [] : [{ values: row, draws: 1, statistics: {} }];
    return { latents, points, chains, isPoint: true };
  }
  const draws = Math.max(1, Math.min(method.draws, Math.floor(MOST_NUMBERS / Math.max(1, width))));
  const drawn = drawSites(
    readout,
    place(readout.kernels).instance,
    instance.f64("theta"),
    draws,
    seed,
  );
  const rows = new Float64Array(draws * width);
  const drawnWidth = sites.reduce((n, s) => n + s.length, 0);
  for (let t = 0; t < draws; t++) {
    rows.set(row, t * width);
    for (const s of sites) {
      const from = t * drawnWidth + s.offset;
      rows.set(drawn.values.subarray(from, from + s.length), t * width + offsetOf(s.name));
    }
  }
  const ranges = new Map<string, DiscreteRange>();
  for (const latent of latents) {
    if (latent.variable.role === "site" && latent.variable.type.scalar !== "real")
      ranges.set(latent.name, rangeOf(rows, width, latent));
  }
  const { densities } = drawn;
  return {
    latents,
    points,
    ...(ranges.size > 0 && { ranges }),
    chains: [
      { values: rows, draws, statistics: densities === undefined ? {} : { lp: densities.lp } },
    ],
    isPoint: false,
    ...(densities !== undefined && { paretoK: paretoK(densities.ratios) }),
    ...(drawn.locals !== undefined && {
      locals: localFits(readout.plates, drawn.locals, PARETO_LIMIT),
    }),
  };
}

/** The values that the draws of a discrete site have. */
function rangeOf(
  rows: Float64Array,
  width: number,
  { offset, length }: LatentVariable,
): DiscreteRange {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < rows.length; t += width) {
    for (let k = 0; k < length; k++) {
      low = Math.min(low, rows[t + offset + k]);
      high = Math.max(high, rows[t + offset + k]);
    }
  }
  return { low, count: high - low + 1 };
}
