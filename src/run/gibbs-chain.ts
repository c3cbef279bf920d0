/** One Gibbs chain as a generator: it can be watched, stopped and run beside others. */
import {
  type CpuProgram,
  compileKernels,
  createMemory,
  instantiate,
} from "../device/cpu/compile.js";
import type { MakeInstance } from "../inference/conditionals/kernels.js";
import type { ChainKey, ChainProgress } from "../inference/contract.js";
import { GibbsChain } from "../inference/gibbs/chain.js";
import { type GibbsPlan, planGibbs } from "../inference/gibbs/plan.js";
import { pack } from "../inference/state.js";
import type { Conditioned } from "../passes/condition/index.js";
import type { ChainEnd, GibbsControls, GibbsRunner } from "./chains.js";
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

/** Chains of a sampler, as threads run them. */
export function gibbsRunner(ready: GibbsReady, options: GibbsOptions): GibbsRunner {
  return (key, controls) => runGibbsChain(ready, options, key, controls);
}

/** Scalars of a draw: the continuous ones, then the discrete elements. */
export function gibbsWidth({ joint, discrete }: GibbsPlan): number {
  return joint.sites.reduce((n, s) => n + s.latent.length, 0) + (discrete?.counts.length ?? 0);
}

/** The progress is told about this often. */
const TELL_MS = 5;

/** What progress says of methods without gradients. */
const still = { divergences: 0, gradients: 0, stepSize: 0 } as const;

/**
 * Runs a chain into `storage`: rows of the scalars in the layout of `gibbsWidth`, and the log joint
 * of each draw. The draws depend on the model, the options and the key alone.
 */
export function* runGibbsChain(
  { plan, program }: GibbsReady,
  options: GibbsOptions,
  key: ChainKey,
  { shouldStop = () => false, sink, past, storage }: GibbsControls,
): Generator<ChainProgress, ChainEnd> {
  const { warmup, draws, thin } = options;
  const instance = instantiate(program, createMemory(program, 1), 0);
  const sampler = new GibbsChain(plan, instance, key, options.scan);
  const width = sampler.width + sampler.elements;
  const values = new Float64Array(sampler.rows * sampler.width);
  const discrete = new Float64Array(sampler.rows * sampler.elements);
  const lp = new Float64Array(sampler.rows);
  const begun = performance.now();
  let told = begun;
  /** Seconds of this process are added to those of the ones before it. */
  const before = { warmup: past?.warmup[0] ?? 0, sampling: past?.draws?.[0] ?? 0 };
  let warmed = past?.warmup[1] ?? 0;
  let kept = past?.draws?.[1] ?? 0;
  let warm = begun;
  const warmSeconds = (): number => before.warmup + (performance.now() - begun) / 1000;
  const drawSeconds = (): number => before.sampling + (performance.now() - warm) / 1000;
  let seconds = { warmup: before.warmup, sampling: before.sampling };
  const end = (kind: "finished" | "stopped"): ChainEnd => {
    return { kind, draws: kept, seconds, gradients: 0 };
  };
  const isDue = (): boolean => {
    const now = performance.now();
    if (now - told < TELL_MS) return false;
    told = now;
    return true;
  };
  const takeWarmup = (): void => {
    seconds = { ...seconds, warmup: warmSeconds() };
    sink?.warmup(pack([[seconds.warmup, warmed], sampler.save()]));
  };
  const state = past?.draws ?? past?.warmup;
  if (state === undefined) {
    const none = sampler.start();
    if (none !== undefined) return { kind: "failed", failure: none };
  } else {
    sampler.restore(state.subarray(2));
  }
  const isNew = past === undefined || warmed < warmup;
  for (; warmed < warmup; ) {
    if (shouldStop()) {
      takeWarmup();
      return end("stopped");
    }
    const failure = sampler.sweep(warmed + 1, true);
    if (failure !== undefined) return { kind: "failed", failure };
    warmed++;
    if (!isDue()) continue;
    if (sink?.isDue()) takeWarmup();
    yield { phase: "warmup", done: warmed, total: warmup, ...still };
  }
  if (isNew) takeWarmup();
  warm = performance.now();
  const rows = sink === undefined ? draws : storage.statistics.length;
  /** The draw of the storage's first row. */
  let from = kept;
  const take = (): void => {
    seconds = { ...seconds, sampling: drawSeconds() };
    if (kept > from) {
      sink?.draws(from, kept - from, pack([[seconds.sampling, kept], sampler.save()]));
    }
    from = kept;
  };
  while (kept < draws) {
    if (shouldStop()) {
      take();
      return end("stopped");
    }
    const base = sink === undefined ? 0 : from;
    const count = Math.min(sampler.rows, draws - kept, base + rows - kept);
    const first = warmup + kept * thin + 1;
    const failure = sampler.block(first, count, thin, { values, discrete, lp }, 0);
    if (failure !== undefined) return { kind: "failed", failure };
    for (let r = 0; r < count; r++) {
      const at = (kept - base + r) * width;
      const row = values.subarray(r * sampler.width, (r + 1) * sampler.width);
      storage.constrained.set(row, at);
      const states = discrete.subarray(r * sampler.elements, (r + 1) * sampler.elements);
      storage.constrained.set(states, at + sampler.width);
    }
    storage.statistics.set(lp.subarray(0, count), kept - base);
    kept += count;
    const due = isDue();
    if (sink !== undefined && (kept - from === rows || (due && sink.isDue()))) take();
    if (due || kept === draws) yield { phase: "sampling", done: kept, total: draws, ...still };
  }
  take();
  return end("finished");
}
