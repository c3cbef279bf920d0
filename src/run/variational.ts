/** Runs of `vi`: an automatic guide started at the mode, or at the origin where there is none. */
import { setImmediate } from "node:timers/promises";
import { type Diagnostic, diagnostic, fail, TildeError } from "../base/diagnostic.js";
import { compileKernels, createMemory, instantiate } from "../device/cpu/compile.js";
import type { Checkpoints } from "../inference/checkpoints.js";
import type { KernelInstance } from "../inference/contract.js";
import { negativeHessian } from "../inference/laplace/laplace.js";
import { findMode } from "../inference/map/mode.js";
import type { ParamSlot } from "../inference/objective/index.js";
import { withOptimiser } from "../inference/stochastic/adam.js";
import { KernelClimber } from "../inference/stochastic/kernel-climber.js";
import { guides } from "../inference/vi/guides/index.js";
import { boundKernels, setWhitening, type Whitening } from "../inference/vi/objective.js";
import { ascend, drawGuide, type ViCheckpoint } from "../inference/vi/vi.js";
import { cholesky, choleskyInverse, triangularSolve } from "../math/linalg/index.js";
import { stream } from "../math/rng/index.js";
import { compileDensity } from "./compile.js";
import { failureOf, type Run, refuseParams } from "./context.js";
import { guideAnywhere } from "./device/guide.js";
import { Helpers, place } from "./helpers.js";
import type { ViOptions } from "./methods.js";
import type { FitData } from "./results/fit.js";
import { DivergedError } from "./svi/diverged.js";
import { paramTree, readParams } from "./svi/params.js";
import { tellSteps } from "./tell.js";

/** Above this the importance weights have no usable variance (Vehtari et al. 2024). */
const PARETO_LIMIT = 0.7;
/** The search for a mode ends here: it is a start and no result. */
const MODE_ITERATIONS = 1000;
/** Hessians of more coordinates are not taken. */
const HESSIAN_LIMIT = 1000;
/** So long a run goes on alone before helpers are started: most short ones end within it. */
const ALONE_MS = 100;
/** Draws that starts are compared by. */
const TRIAL_DRAWS = 200;

/** Fits the guide of `method`. @throws TildeError where the bound cannot be started or diverges. */
export async function fitGuide(run: Run, method: ViOptions): Promise<FitData> {
  const { conditioned, seed } = run;
  refuseParams(conditioned, "vi");
  const { joint, kernels } = compileDensity(conditioned, { methodName: "vi" });
  const d = joint.dimension;
  if (d === 0) fail("no_latent_sites", undefined, { method: "vi" });
  const program = compileKernels(kernels);
  const density = instantiate(program, createMemory(program, 1), 0);
  const guide = guides[method.guide](d, method);
  // A whole factor would make independent coordinates dependent.
  const whole = method.guide === "full_rank" || method.guide === "flow";
  const { samples } = method;
  const bound = boundKernels(joint, guide, whole ? "whole" : "diagonal", samples, method.products);
  const module = withOptimiser(bound, {
    objective: "bound",
    params: "phi",
    gradient: "dphi",
    length: guide.params,
    noise: [{ buffer: "eps", length: samples * guide.noise, law: { kind: "normal" } }],
    rule: "adam",
  });
  const placed = place(module);
  const { instance } = placed;
  const unit = { center: new Float64Array(d), scale: new Float64Array(d).fill(1) };
  const begin = (whitening: Whitening): void => {
    setWhitening(instance, whitening);
    instance.f64("phi").set(guide.start(unit, stream(seed, 0, START_SITE, 0)));
  };

  // Of the starts, the one with the highest bound: a mode may run away, as in a funnel.
  const bestStart = (): Whitening => {
    const starts = startsOf(density, seed, whole, (failure) => failureOf(failure, joint));
    const trials = starts.map((whitening) => {
      begin(whitening);
      const value = drawGuide(instance, TRIAL_DRAWS, seed).bound;
      return { whitening, bound: Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value };
    });
    return trials.reduce((a, b) => (b.bound > a.bound ? b : a)).whitening;
  };
  const kept = run.checkpoint?.of<KeptGuide>();
  const slots = guideSlots(d, whole, guide.params);
  if (kept?.past !== undefined) {
    setWhitening(instance, kept.past.whitening);
    instance.f64("phi").set(kept.past.state.climber.phi);
  } else if (method.init !== undefined) {
    const given = await readParams(method.init, slots);
    const [center, factor, phi] = slots.map(({ name, dims }) => {
      const wanted = `an array of ${dims.join(" × ")}`;
      const value = given.get(name);
      return value?.data ?? fail("init_shape", undefined, { name, found: "nothing", wanted });
    });
    setWhitening(instance, { center, factor });
    instance.f64("phi").set(phi);
  } else {
    begin(bestStart());
  }
  const compiledAt = performance.now();
  const search = { steps: method.steps, rate: method.lr, tolerance: method.tolerance };
  const climber = await guideAnywhere(
    run,
    { joint, guide, whole, samples, products: method.products, seed, instance },
    search.steps,
    () => new KernelClimber(instance, "phi", "dphi"),
  );
  const warnings: Diagnostic[] = [...climber.warnings];
  const helpers = new Helpers(placed, run.options.threads);
  const begun = performance.now();
  const found = await ascend(climber.on, search, seed, {
    shouldStop: async () => {
      // On a device the instance only draws at the end.
      const isHere = climber.on instanceof KernelClimber;
      if (isHere && performance.now() - begun > ALONE_MS) helpers.start();
      // Where a device works, the process hears of signals while it waits; here it does not.
      await setImmediate();
      return run.options.signal?.aborted === true;
    },
    onProgress: (done, total) => tellSteps(run.options, done, total, search.rate),
    ...(kept && { checkpoints: withWhitening(kept, instance) }),
  }).finally(async () => {
    await helpers.close();
    await climber.close();
  });
  if (found.kind === "diverged") {
    const { step, bound: value, param, last } = found;
    const state = [...instance.f64("center"), ...instance.f64("factor"), ...last];
    const which = param < 0 ? {} : { param: `phi[${param}]` };
    throw new DivergedError(
      { method: "vi", objective: "elbo", step, value, ...which },
      paramTree(slots, Float64Array.from(state)),
    );
  }
  if (found.failure instanceof TildeError) warnings.push(...found.failure.diagnostics);
  else if (found.failure !== undefined) throw found.failure;
  instance.f64("phi").set(found.params);
  const fit = drawGuide(instance, method.draws, seed);
  if (fit.paretoK > PARETO_LIMIT) {
    warnings.push(diagnostic("guide_misfit", undefined, { k: fit.paretoK, guide: method.guide }));
  }
  if (!found.converged && !found.interrupted) {
    warnings.push(diagnostic("bound_still_rising", undefined, { steps: found.steps }));
  }
  return {
    conditioned,
    method: "vi",
    latents: joint.latents,
    chains: [{ values: fit.constrained, draws: method.draws, statistics: { lp: fit.lp } }],
    timing: {
      compileSeconds: (compiledAt - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - compiledAt) / 1000,
      gradients: found.steps * method.samples,
    },
    seed,
    isPoint: false,
    interrupted: found.interrupted,
    warmup: 0,
    warnings,
    figures: {
      ...climber.figures,
      converged: found.converged,
      steps: found.steps,
      pareto_k: fit.paretoK,
      elbo: {
        history: found.history.map((h) => h.bound),
        steps: found.history.map((h) => h.step),
        final: fit.bound,
        mcse: fit.error,
      },
    },
  };
}

/** A checkpoint of an ascent with the coordinates of its guide. */
interface KeptGuide {
  readonly state: ViCheckpoint;
  readonly whitening: Whitening;
}

/** The ascent's checkpoints, each with the coordinates beside it. */
function withWhitening(
  { past, isDue, write }: Checkpoints<KeptGuide>,
  instance: KernelInstance,
): Checkpoints<ViCheckpoint> {
  const whitening = { center: instance.f64("center"), factor: instance.f64("factor") };
  return {
    ...(past && { past: past.state }),
    isDue,
    write: (state) => write({ state, whitening }),
  };
}

/** What a guide is made of, as params of a tree: its coordinates and its own numbers there. */
function guideSlots(d: number, whole: boolean, params: number): readonly ParamSlot[] {
  const all: readonly (readonly [string, readonly number[]])[] = [
    ["center", [d]],
    ["factor", whole ? [d, d] : [d]],
    ["phi", [params]],
  ];
  let offset = 0;
  return all.map(([name, dims]) => {
    const length = dims.reduce((n, k) => n * k, 1);
    offset += length;
    const [at, count] = [offset - length, length];
    const values = { valueOffset: at, valueLength: count };
    const support = { kind: "real" } as const;
    return { name, program: "guide", param: name, dims, support, offset: at, length, ...values };
  });
}

const START_SITE = 0x7fff0200;

/** A normal at the mode where there is one, and the standard normal. */
function startsOf(
  density: KernelInstance,
  seed: number,
  whole: boolean,
  failed: (failure: Parameters<typeof failureOf>[0]) => Error,
): Whitening[] {
  const d = density.f64("q").length;
  const plain: Whitening = { center: new Float64Array(d), factor: new Float64Array(d).fill(1) };
  const mode = findMode(
    density,
    { starts: 2, maxIterations: MODE_ITERATIONS, jacobian: true },
    seed,
  );
  if (mode.kind === "failed") throw failed({ ...mode, kind: "start" });
  const { q } = mode.best;
  const fallback: Whitening[] = [plain, { center: q, factor: plain.factor }];
  if (d > HESSIAN_LIMIT) return fallback;
  const hessian = polish(density, q);
  if (hessian === undefined) return fallback;
  const factor = cholesky(hessian, d);
  const root = factor && whole ? cholesky(choleskyInverse(factor, d), d) : undefined;
  // Independent normals that are closest to a normal have the variances of its conditionals.
  const diagonal = Float64Array.from({ length: d }, (_, i) => 1 / Math.sqrt(hessian[i * (d + 1)]));
  return [plain, { center: q, factor: root ?? diagonal }];
}

/** Newton steps at most, and the decrease of the density, in nats, that the next one must promise. */
const NEWTON_STEPS = 30;
const NEWTON_DECREMENT = 1e-6;

/**
 * Moves q by Newton's method to the mode that a search came near: where coordinates depend on each
 * other strongly, gradients alone take thousands of steps. Gives the negative Hessian there, or
 * undefined where the density is not concave on the way.
 */
function polish(density: KernelInstance, q: Float64Array): Float64Array | undefined {
  const d = q.length;
  const at = density.f64("q");
  const evaluate = density.fn("lp_grad");
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const hessian = negativeHessian(density, q);
    const factor = cholesky(hessian, d);
    if (factor === undefined) return undefined;
    at.set(q);
    const lp = evaluate();
    const gradient = density.f64("grad").slice();
    const half = triangularSolve(factor, gradient, d, 1, "lower");
    const move = triangularSolve(factor, half, d, 1, "lower-transposed");
    const decrement = half.reduce((s, v) => s + v * v, 0);
    if (!Number.isFinite(decrement)) return undefined;
    if (decrement < NEWTON_DECREMENT) return hessian;
    let length = 1;
    for (; length > 1e-4; length /= 2) {
      for (let i = 0; i < d; i++) at[i] = q[i] + length * move[i];
      if (evaluate() > lp) break;
    }
    // Rounding is all that is left to gain.
    if (length <= 1e-4) return hessian;
    for (let i = 0; i < d; i++) q[i] += length * move[i];
  }
  return undefined;
}
