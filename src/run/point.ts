/**
 * Runs of the methods that search: the posterior mode and the Laplace approximation. On a device all
 * searches move as one program; the CPU, in f64, has the first and the last word: it compares values
 * and gradients where the searches begin, and ends a search in single precision.
 */
import { type Diagnostic, diagnostic, fail, TildeError } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import type { GraphDevice } from "../device/contract.js";
import { compileKernels, createMemory, instantiate } from "../device/cpu/compile.js";
import type { KernelInstance } from "../inference/contract.js";
import { laplace, normalAtMode, paretoOf } from "../inference/laplace/laplace.js";
import type { LogJoint } from "../inference/logjoint/index.js";
import {
  bestFirst,
  findMode,
  type Mode,
  type ModeOptions,
  type NoMode,
  searchFrom,
} from "../inference/map/mode.js";
import type { KernelModule } from "../kernel/ir.js";
import { simplify } from "../passes/simplify/index.js";
import type { Graph } from "../tensor/ops.js";
import { compileDensity } from "./compile.js";
import { failureOf, type Run, refuseNothing, refuseParams } from "./context.js";
import { choiceFigures, choose, timed } from "./device/auto.js";
import { openCpuGraphs } from "./device/cpu-graphs.js";
import { guardPrecision } from "./device/guard.js";
import { densitiesOn, hessianIfKnown } from "./device/laplace.js";
import { type Begun, searchesOn, searchSeconds } from "./device/modes.js";
import { MOST_ADDRESSED } from "./device/staged.js";
import type { LaplaceOptions, MapOptions } from "./methods.js";
import type { FitData } from "./results/fit.js";

/** Above this the importance weights have no usable variance (Vehtari et al. 2024). */
const PARETO_LIMIT = 0.7;
/** Values and gradients that a search is taken to need, where its time is foreseen. */
const USUAL_EVALUATIONS = 100;
/** Draws at which the precision guard looks. */
const GUARD_DRAWS = 5;

/** The density, and the CPU's kernels of it where they fit into its memory. */
interface Prepared {
  readonly joint: LogJoint;
  /** With its gradient; with the Jacobian for `laplace`. */
  readonly density: Graph;
  readonly exact?: KernelInstance;
}

interface Search {
  readonly mode: Mode;
  readonly prepared: Prepared;
  /** Where the searches were made, if not in the CPU's own way. */
  readonly device?: GraphDevice;
  readonly compiled: number;
  readonly gradients: number;
  readonly warnings: readonly Diagnostic[];
  readonly figures: FitData["figures"];
  readonly interrupted: boolean;
}

function prepare(run: Run, method: MapOptions | LaplaceOptions): Prepared {
  const jacobian = method.method === "laplace";
  let density: Graph | undefined;
  const { joint, kernels } = compileDensity(run.conditioned, {
    methodName: method.method,
    withoutJacobian: !jacobian,
    record: (stage, graph) => {
      if (stage === "grad" && jacobian) density = graph;
    },
    recordOwn: (graph) => {
      density = graph;
    },
  });
  refuseNothing(joint, method.method);
  if (density === undefined) internalError("no density was recorded");
  if (!fits(kernels)) return { joint, density };
  const program = compileKernels(kernels);
  return { joint, density, exact: instantiate(program, createMemory(program, 1), 0) };
}

const fits = ({ buffers }: KernelModule): boolean =>
  buffers.reduce((n, b) => n + b.length, 0) < MOST_ADDRESSED;

async function search(run: Run, method: MapOptions | LaplaceOptions): Promise<Search> {
  const prepared = prepare(run, method);
  const { device, figures } = await placeOf(run, method, prepared);
  if (device !== undefined) {
    try {
      const found = await searchOnDevice(run, method, prepared, device);
      return { ...found, figures: { ...found.figures, ...figures } };
    } catch (error) {
      // A device that is too imprecise for the density was no choice.
      const isRefused =
        error instanceof TildeError && error.diagnostics[0].code === "device_imprecise";
      if (!isRefused || run.device !== undefined) throw error;
    }
  }
  const { exact, joint } = prepared;
  if (exact === undefined) fail("out_of_memory", undefined, {});
  const compiled = performance.now();
  const mode = findMode(exact, optionsOf(method), run.seed);
  if (mode.kind === "failed") throw noStart(mode, joint);
  const gradients = mode.searches.reduce((n, s) => n + s.evaluations, 0);
  const here = run.shelf === undefined ? {} : { ...figures, device: "cpu" };
  return {
    mode,
    prepared,
    compiled,
    gradients,
    warnings: [],
    figures: here,
    interrupted: false,
  };
}

const optionsOf = ({
  method,
  starts,
  maxIterations,
}: MapOptions | LaplaceOptions): ModeOptions => ({
  starts,
  maxIterations,
  jacobian: method === "laplace",
});

const noStart = (failure: NoMode, joint: LogJoint): TildeError =>
  failureOf({ ...failure, kind: "start" }, joint);

/** The run's device, or the fastest where the choice is left open. */
async function placeOf(
  run: Run,
  method: MapOptions | LaplaceOptions,
  { density, exact }: Prepared,
): Promise<{ readonly device?: GraphDevice; readonly figures: FitData["figures"] }> {
  const { device, shelf } = run;
  if (device !== undefined) return { device, figures: { device: device.name } };
  if (shelf === undefined) return { figures: {} };
  const { starts } = method;
  const evaluate = exact?.fn(method.method === "laplace" ? "lp_grad" : "lp_grad_nojac");
  const here = evaluate === undefined ? Infinity : starts * timed(evaluate);
  const [d] = density.inputs[0].shape;
  const further = method.method === "laplace" ? (2 * d + method.draws) / starts : 0;
  const choice = await choose(shelf, here, USUAL_EVALUATIONS + further, (on) =>
    searchSeconds(on, density, starts),
  );
  return { device: choice.device, figures: choiceFigures(choice) };
}

/** @throws TildeError where no start has a finite density, or the device is lost or too imprecise */
async function searchOnDevice(
  run: Run,
  method: MapOptions | LaplaceOptions,
  prepared: Prepared,
  device: GraphDevice,
): Promise<Search> {
  const { joint, density, exact } = prepared;
  const options = optionsOf(method);
  const warnings: Diagnostic[] = [];
  let compiled = performance.now();
  const isSingle = device.precision === "f32";
  const check = async ({ points, at }: Begun): Promise<void> => {
    compiled = performance.now();
    if (!isSingle) return;
    if (exact === undefined) {
      warnings.push(diagnostic("device_unchecked", undefined, { name: device.name }));
      return;
    }
    const evaluate = exact.fn(options.jacobian ? "lp_grad" : "lp_grad_nojac");
    const rough = await guardPrecision(
      device,
      points,
      (point) => {
        exact.f64("q").set(point);
        return { lp: evaluate(), gradient: exact.f64("grad").slice() };
      },
      async (_, k) => at[k],
      "objective",
    );
    warnings.push(...rough);
  };
  const shouldStop = (): boolean => run.options.signal?.aborted === true;
  const found = await searchesOn(device, density, options, run.seed, shouldStop, check);
  if (found.kind === "failed") throw noStart(found, joint);
  warnings.push(...found.warnings);
  let searches = bestFirst(found.searches);
  let gradients = searches.reduce((n, s) => n + s.evaluations, 0);
  const figures: Record<string, number> = {};
  if (isSingle && exact !== undefined && !found.interrupted) {
    const ended = polished(exact, found.searches, options);
    searches = [...ended.searches];
    gradients += ended.evaluations;
    figures.polish_evaluations = ended.evaluations;
  }
  const [best] = searches;
  const constrained = await constrainer(prepared);
  const mode: Mode = { kind: "found", best, constrained: await constrained(best.q), searches };
  const { interrupted } = found;
  return { mode, prepared, device, compiled, gradients, warnings, figures, interrupted };
}

/**
 * Ends searches in single precision: their ends are compared in f64, and the best goes on there to
 * the tolerances of every other search.
 */
function polished(
  exact: KernelInstance,
  searches: Mode["searches"],
  options: ModeOptions,
): { readonly searches: Mode["searches"]; readonly evaluations: number } {
  const evaluate = exact.fn(options.jacobian ? "lp_grad" : "lp_grad_nojac");
  const compared = bestFirst(
    searches.map((s) => {
      exact.f64("q").set(s.q);
      return { ...s, lp: evaluate() };
    }),
  );
  const [best, ...others] = compared;
  const end = searchFrom(exact, best.q, options);
  const iterations = best.iterations + end.iterations;
  const last = { ...end, iterations, evaluations: best.evaluations + end.evaluations };
  return { searches: [last, ...others], evaluations: searches.length + end.evaluations };
}

/** Constrained values of points, one after another. */
async function constrainer({
  exact,
  joint,
}: Prepared): Promise<(q: Float64Array) => Promise<Float64Array>> {
  if (exact !== undefined) {
    return async (q) => {
      exact.f64("q").set(q);
      exact.call("constrain");
      return exact.f64("constrained").slice();
    };
  }
  const outputs = [{ name: "constrained", node: joint.constrained }];
  const program = await openCpuGraphs().compileGraph(simplify({ inputs: [joint.q], outputs }));
  const [input] = [joint.q.name];
  return async (q) => (await program.run({ [input]: q })).constrained;
}

function common(run: Run, found: Search) {
  const { best } = found.mode;
  const reason: string = best.status;
  const stopped = best.converged
    ? []
    : [diagnostic("optimiser_stopped", undefined, { reason, gradient: best.gradientNorm })];
  const { joint } = found.prepared;
  return {
    conditioned: run.conditioned,
    latents: joint.latents,
    seed: run.seed,
    interrupted: found.interrupted,
    warmup: 0,
    warnings: [...found.warnings, ...stopped],
    timing: {
      compileSeconds: (found.compiled - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - found.compiled) / 1000,
      gradients: found.gradients,
    },
    figures: {
      converged: best.converged,
      iterations: best.iterations,
      log_density: best.lp,
      gradient_norm: best.gradientNorm,
      ...found.figures,
    },
  };
}

/** The posterior mode, in the model's own coordinates. */
export async function findPoint(run: Run, method: MapOptions): Promise<FitData> {
  const found = await search(run, method);
  const { best, constrained } = found.mode;
  const statistics = { lp: Float64Array.of(best.lp) };
  return {
    ...common(run, found),
    method: "map",
    isPoint: true,
    chains: [{ values: constrained, draws: 1, statistics }],
  };
}

/** What the approximation gives. */
interface Approximation {
  readonly constrained: Float64Array;
  readonly lp: Float64Array;
  readonly paretoK: number;
  readonly warnings: readonly Diagnostic[];
}

/** Draws from the normal approximation at the mode of the unconstrained density. */
export async function approximate(run: Run, method: LaplaceOptions): Promise<FitData> {
  refuseParams(run.conditioned, "laplace");
  const found = await search(run, method);
  if (found.interrupted) {
    return { ...common(run, found), method: "laplace", isPoint: false, chains: [] };
  }
  const { draws } = method;
  const fit = await approximationOf(run, found, draws);
  const base = common(run, found);
  const k = fit.paretoK;
  const doubtful = k > PARETO_LIMIT ? [diagnostic("high_pareto_k", undefined, { k })] : [];
  return {
    ...base,
    method: "laplace",
    isPoint: false,
    chains: [{ values: fit.constrained, draws, statistics: { lp: fit.lp } }],
    warnings: [...base.warnings, ...fit.warnings, ...doubtful],
    figures: { ...base.figures, pareto_k: k },
  };
}

async function approximationOf(run: Run, found: Search, draws: number): Promise<Approximation> {
  const { device, prepared, mode } = found;
  const { exact, density } = prepared;
  const noMaximum = (): TildeError => new TildeError([diagnostic("no_maximum", undefined, {})]);
  const { q } = mode.best;
  const known = device && (await hessianIfKnown(device, density, q));
  if (device === undefined || known === undefined) {
    if (exact === undefined) return fail("out_of_memory", undefined, {});
    const fit = laplace(exact, q, draws, run.seed);
    if (fit.kind === "not_a_maximum") throw noMaximum();
    return { ...fit, warnings: [] };
  }
  const normal = normalAtMode(q, known);
  if (normal.kind === "not_a_maximum") throw noMaximum();
  const d = q.length;
  const points = new Float64Array(draws * d);
  const lpNormal = new Float64Array(draws);
  for (let t = 0; t < draws; t++) {
    lpNormal[t] = normal.draw(run.seed, t, points.subarray(t * d, (t + 1) * d));
  }
  const lp = await densitiesOn(device, density, points);
  const constrain = await constrainer(prepared);
  const width = prepared.joint.constrained.shape[0];
  const constrained = new Float64Array(draws * width);
  for (let t = 0; t < draws; t++) {
    constrained.set(await constrain(points.subarray(t * d, (t + 1) * d)), t * width);
  }
  const warnings = await guardDraws(device, exact, points, lp, d);
  return { constrained, lp, paretoK: paretoOf(lp, lpNormal), warnings };
}

/** The precision guard at draws: importance weights are differences of log densities. */
async function guardDraws(
  device: GraphDevice,
  exact: KernelInstance | undefined,
  points: Float64Array,
  lp: Float64Array,
  d: number,
): Promise<readonly Diagnostic[]> {
  if (exact === undefined) return [];
  const some = Array.from({ length: Math.min(GUARD_DRAWS, lp.length) }, (_, t) =>
    points.subarray(t * d, (t + 1) * d),
  );
  return await guardPrecision(
    device,
    some,
    (point) => {
      exact.f64("q").set(point);
      return { lp: exact.call("lp_grad"), gradient: [] };
    },
    async (_, t) => ({ lp: lp[t], gradient: [] }),
    "density",
  );
}
