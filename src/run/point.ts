/** Runs of the methods that search: the posterior mode and the Laplace approximation. */
import { diagnostic, TildeError } from "../base/diagnostic.js";
import { compileKernels, createMemory, instantiate } from "../device/cpu/compile.js";
import { laplace } from "../inference/laplace/laplace.js";
import { findMode, type Mode } from "../inference/map/mode.js";
import { compileDensity } from "./compile.js";
import { failureOf, type Run, refuseNothing, refuseParams } from "./context.js";
import type { LaplaceOptions, MapOptions } from "./methods.js";
import type { FitData } from "./results/fit.js";

/** Above this the importance weights have no usable variance (Vehtari et al. 2024). */
const PARETO_LIMIT = 0.7;

interface Search {
  readonly mode: Mode;
  readonly joint: ReturnType<typeof compileDensity>["joint"];
  readonly instance: ReturnType<typeof instantiate>;
  readonly compiled: number;
  readonly gradients: number;
}

function search(run: Run, method: MapOptions | LaplaceOptions): Search {
  const jacobian = method.method === "laplace";
  const { joint, kernels } = compileDensity(run.conditioned, {
    methodName: method.method,
    withoutJacobian: !jacobian,
  });
  refuseNothing(joint, method.method);
  const program = compileKernels(kernels);
  const compiled = performance.now();
  const instance = instantiate(program, createMemory(program, 1), 0);
  const { starts, maxIterations } = method;
  const mode = findMode(instance, { starts, maxIterations, jacobian }, run.seed);
  if (mode.kind === "failed") throw failureOf({ ...mode, kind: "start" }, joint);
  const gradients = mode.searches.reduce((n, s) => n + s.evaluations, 0);
  return { mode, joint, instance, compiled, gradients };
}

function common(run: Run, found: Search) {
  const { best } = found.mode;
  const reason: string = best.status;
  const warnings = best.converged
    ? []
    : [diagnostic("optimiser_stopped", undefined, { reason, gradient: best.gradientNorm })];
  return {
    conditioned: run.conditioned,
    latents: found.joint.latents,
    seed: run.seed,
    interrupted: false,
    warmup: 0,
    warnings,
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
    },
  };
}

/** The posterior mode, in the model's own coordinates. */
export function findPoint(run: Run, method: MapOptions): FitData {
  const found = search(run, method);
  const { best, constrained } = found.mode;
  const statistics = { lp: Float64Array.of(best.lp) };
  return {
    ...common(run, found),
    method: "map",
    isPoint: true,
    chains: [{ values: constrained, draws: 1, statistics }],
  };
}

/** Draws from the normal approximation at the mode of the unconstrained density. */
export function approximate(run: Run, method: LaplaceOptions): FitData {
  refuseParams(run.conditioned, "laplace");
  const found = search(run, method);
  const fit = laplace(found.instance, found.mode.best.q, method.draws, run.seed);
  if (fit.kind === "not_a_maximum") {
    throw new TildeError([diagnostic("no_maximum", undefined, {})]);
  }
  const base = common(run, found);
  const k = fit.paretoK;
  const doubtful = k > PARETO_LIMIT ? [diagnostic("high_pareto_k", undefined, { k })] : [];
  return {
    ...base,
    method: "laplace",
    isPoint: false,
    chains: [{ values: fit.constrained, draws: method.draws, statistics: { lp: fit.lp } }],
    warnings: [...base.warnings, ...doubtful],
    figures: { ...base.figures, pareto_k: k },
  };
}
