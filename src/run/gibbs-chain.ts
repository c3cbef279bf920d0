/** One Gibbs chain as a generator: it can be watched, stopped and run beside others. */
import {
  type CpuProgram,
  compileKernels,
  createMemory,
  instantiate,
} from "../device/cpu/compile.js";
import type { MakeInstance } from "../inference/conditionals/kernels.js";
import type { ChainKey, ChainProgress, ChainStorage } from "../inference/contract.js";
import { GibbsChain } from "../inference/gibbs/chain.js";
import { type GibbsPlan, planGibbs } from "../inference/gibbs/plan.js";
import type { Conditioned } from "../passes/condition/index.js";
import type { ChainEnd } from "./chains.js";
import type { GibbsOptions } from "./methods.js";

/** A sampler that is planned and compiled: it holds functions and cannot leave its thread. */
export interface GibbsReady {
  readonly plan: GibbsPlan;
  readonly program: CpuProgram;
}

/** Compiles kernels and makes a workspace of them in a memory of its own. */
export const makeInstance: MakeInstance = (module) => {
  const program = compileKernels(module);
  return instantiate(program, createMemory(program, 1), 0);
};

/** @throws TildeError where a latent discrete site is infinite or read as no table holds it */
export function readyGibbs(
  conditioned: Conditioned,
  { sites, blocks }: Pick<GibbsOptions, "sites" | "blocks">,
): GibbsReady {
  const plan = planGibbs(conditioned, makeInstance, "gibbs", { sites, blocks });
  return { plan, program: compileKernels(plan.kernels) };
}

/** Scalars of a draw: the continuous ones, then the discrete elements. */
export function gibbsWidth({ joint, discrete }: GibbsPlan): number {
  return joint.sites.reduce((n, s) => n + s.latent.length, 0) + (discrete?.counts.length ?? 0);
}

/** The progress is told about this often. */
const TELL_MS = 5;

/**
 * Runs a chain into `storage`: rows of the scalars in the layout of `gibbsWidth`, and the log joint
 * of each draw. The draws depend on the model, the options and the key alone.
 */
export function* runGibbsChain(
  { plan, program }: GibbsReady,
  options: GibbsOptions,
  key: ChainKey,
  shouldStop: () => boolean,
  storage: ChainStorage,
): Generator<ChainProgress, ChainEnd> {
  const { warmup, draws, thin } = options;
  const instance = instantiate(program, createMemory(program, 1), 0);
  const sampler = new GibbsChain(plan, instance, key, options.scan);
  const continuous = new Float64Array(sampler.width);
  const discrete = new Float64Array(sampler.elements);
  const width = sampler.width + sampler.elements;
  const begun = performance.now();
  let warm = begun;
  let told = begun;
  let kept = 0;
  const end = (kind: "finished" | "stopped"): ChainEnd => {
    const seconds = { warmup: (warm - begun) / 1000, sampling: (performance.now() - warm) / 1000 };
    return { kind, draws: kept, seconds, gradients: 0 };
  };
  const none = sampler.start();
  if (none !== undefined) return { kind: "failed", failure: none };
  const total = warmup + draws * thin;
  for (let t = 0; t < total; t++) {
    if (shouldStop()) {
      if (t < warmup) warm = performance.now();
      return end("stopped");
    }
    if (t === warmup) warm = performance.now();
    const failure = sampler.sweep(t + 1, t < warmup);
    if (failure !== undefined) return { kind: "failed", failure };
    if (t >= warmup && (t - warmup + 1) % thin === 0) {
      sampler.write(continuous, discrete, 0);
      storage.constrained.set(continuous, kept * width);
      storage.constrained.set(discrete, kept * width + sampler.width);
      storage.statistics[kept++] = sampler.logJoint();
    }
    const now = performance.now();
    if (now - told < TELL_MS && t !== total - 1) continue;
    told = now;
    const place =
      t < warmup
        ? ({ phase: "warmup", done: t + 1, total: warmup } as const)
        : ({ phase: "sampling", done: kept, total: draws } as const);
    yield { ...place, divergences: 0, gradients: 0, stepSize: 0 };
  }
  return end("finished");
}
