/** `infer`: one model, one method, data, and out comes a posterior. */
import { totalmem } from "node:os";
import { fail } from "../base/diagnostic.js";
import { compileKernels } from "../device/cpu/compile.js";
import type { HmcOptions, NutsOptions } from "../inference/contract.js";
import { STATISTIC_COUNT, STATISTICS } from "../inference/hamiltonian/shape.js";
import { withHmc } from "../inference/hmc/assemble.js";
import type { LogJoint } from "../inference/logjoint/index.js";
import { withNuts } from "../inference/nuts/assemble.js";
import type { Model } from "../model/ir.js";
import { compileDensity, conditionRaw } from "./compile.js";
import { failureOf, type Run, refuseParams } from "./context.js";
import { type RawData, readObject } from "./data/values.js";
import { enumerateAll } from "./enumerate.js";
import { presentable, withoutMemory } from "./failure.js";
import { Program } from "./load.js";
import { shownValue } from "./methods.js";
import { type CheckedOptions, checkOptions, type InferOptions } from "./options.js";
import { approximate, findPoint } from "./point.js";
import { Posterior } from "./posterior.js";
import type { ChainDraws, FitData } from "./results/fit.js";
import { runSession, type SessionChain, threadCount } from "./session.js";
import { simulate } from "./simulate.js";

/**
 * Fits a model to data.
 * @throws TildeError where data or options are wrong, or the density cannot be started.
 */
export async function infer(program: Program, options: InferOptions = {}): Promise<Posterior> {
  try {
    if (!(program instanceof Program)) {
      const wanted = "made by compile, load or ppl";
      fail("bad_option", undefined, { option: "`model`", value: shownValue(program), wanted });
    }
    const checked = checkOptions(options);
    return await run(program.model, readObject(options.data ?? {}), checked);
  } catch (error) {
    throw presentable(error);
  }
}

/** The same with data that was read from files; diagnostics are thrown as they are. */
export async function inferRaw(
  model: Model,
  data: RawData,
  options: InferOptions,
): Promise<Posterior> {
  try {
    return await run(model, data, checkOptions(options));
  } catch (error) {
    throw withoutMemory(error);
  }
}

async function run(model: Model, data: RawData, options: CheckedOptions): Promise<Posterior> {
  const start = performance.now();
  const { method, seed } = options;
  const job: Run = { conditioned: conditionRaw(model, data), seed, start, options };
  switch (method.method) {
    case "nuts":
    case "hmc":
      return new Posterior(await sample(job, method));
    case "map":
      return new Posterior(findPoint(job, method));
    case "laplace":
      return new Posterior(approximate(job, method));
    case "prior":
      return new Posterior(simulate(job, model, data, method));
    case "enumerate":
      return new Posterior(enumerateAll(job, method));
  }
}

async function sample(run: Run, method: NutsOptions | HmcOptions): Promise<FitData> {
  const { conditioned, seed, options } = run;
  refuseParams(conditioned, method.method);
  const { joint, kernels } = compileDensity(conditioned, { methodName: method.method });
  if (joint.dimension === 0) fail("no_latent_sites", undefined, { method: method.method });
  const module =
    method.method === "nuts"
      ? withNuts(kernels, method.metric, method.maxTreeDepth)
      : withHmc(kernels, method.metric);
  const session = { ...options, sampler: method, seed };
  const program = compileKernels(module, { sharedMemory: threadCount(session) > 1 });
  const compiled = performance.now();
  const width = joint.constrained.shape[0];
  checkRoom(method, width + STATISTIC_COUNT);
  const chains = await runSession(program, width, session);
  const kept = keepCommonDraws(chains, joint, width);
  const total = (of: (c: SessionChain) => number): number => chains.reduce((n, c) => n + of(c), 0);
  const longest = (of: (c: SessionChain) => number): number => Math.max(...chains.map(of));
  const outcome = <T>(c: SessionChain, of: (o: Finished) => T, otherwise: T): T =>
    c.outcome.kind === "failed" ? otherwise : of(c.outcome);
  return {
    conditioned,
    method: method.method,
    latents: joint.latents,
    chains: kept,
    timing: {
      compileSeconds: (compiled - run.start) / 1000,
      warmupSeconds: longest((c) => outcome(c, (o) => o.seconds.warmup, 0)),
      sampleSeconds: longest((c) => outcome(c, (o) => o.seconds.sampling, 0)),
      gradients: total((c) => outcome(c, (o) => o.gradients.warmup + o.gradients.sampling, 0)),
    },
    seed,
    isPoint: false,
    interrupted: chains.some((c) => outcome(c, (o) => o.kind === "stopped", false)),
    warmup: method.warmup,
    targetAccept: method.targetAccept,
    maxTreeDepth: method.method === "nuts" ? method.maxTreeDepth : undefined,
    warnings: [],
    figures: {},
  };
}

/** Draws are kept in memory: a number that cannot fit is told before the run and not in it. */
function checkRoom({ chains, draws }: NutsOptions | HmcOptions, width: number): void {
  const bytes = 8 * chains * draws * width;
  const available = totalmem();
  if (bytes > available) {
    fail("draws_too_large", undefined, { chains, draws, width, bytes, available });
  }
}

type Finished = Exclude<SessionChain["outcome"], { kind: "failed" }>;

/**
 * The chains' draws; after an interruption as many of each as the shortest has, and chains that
 * had not begun to draw are left out.
 */
function keepCommonDraws(
  chains: readonly SessionChain[],
  joint: LogJoint,
  width: number,
): ChainDraws[] {
  const begun: { chain: SessionChain; outcome: Finished }[] = [];
  for (const chain of chains) {
    if (chain.outcome.kind === "failed") throw failureOf(chain.outcome.failure, joint);
    begun.push({ chain, outcome: chain.outcome });
  }
  const withDraws = begun.filter((c) => c.outcome.draws > 0);
  const draws = Math.min(...withDraws.map((c) => c.outcome.draws));
  return withDraws.map(({ chain, outcome }) => {
    const statistics: Record<string, Float64Array> = {};
    STATISTICS.forEach((name, k) => {
      const column = new Float64Array(draws);
      for (let t = 0; t < draws; t++) column[t] = chain.statistics[t * STATISTIC_COUNT + k];
      statistics[name] = column;
    });
    const values = chain.constrained.subarray(0, draws * width);
    return { values, draws, statistics, stepSize: outcome.stepSize };
  });
}
