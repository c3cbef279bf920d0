/** `infer`: one model, one method, data, and out comes a posterior. */
import { fail, TildeError } from "../base/diagnostic.js";
import { compileKernels } from "../device/cpu/compile.js";
import type { ChainFailure, HmcOptions, NutsOptions } from "../inference/contract.js";
import { STATISTIC_COUNT, STATISTICS } from "../inference/hamiltonian/shape.js";
import { withHmc } from "../inference/hmc/assemble.js";
import type { LogJoint } from "../inference/logjoint/index.js";
import { withNuts } from "../inference/nuts/assemble.js";
import type { Model } from "../model/ir.js";
import type { Conditioned } from "../passes/condition/index.js";
import { compileDensity, conditionRaw } from "./compile.js";
import { type RawData, readObject } from "./data/values.js";
import { explainFailure } from "./explain-failure.js";
import { type Method, nuts } from "./methods.js";
import type { ChainDraws, FitData } from "./results/fit.js";
import { Posterior } from "./results/posterior.js";
import { runSession, type SessionChain, type SessionProgress, threadCount } from "./session.js";

export interface InferOptions {
  /** Inputs and observed sites by name: numbers, booleans, null for missing, (typed) arrays. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly method?: Method;
  /** A whole number; the same seed gives the same draws. Default 0. */
  readonly seed?: number;
  readonly threads?: number;
  /** Aborting ends the run with the draws so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SessionProgress) => void;
}

/**
 * Fits a model to data.
 * @throws TildeError where data or options are wrong, or the density cannot be started.
 */
export function infer(model: Model, options: InferOptions = {}): Promise<Posterior> {
  return inferRaw(model, readObject(options.data ?? {}), options);
}

/** The same with data that was read from files. */
export async function inferRaw(
  model: Model,
  data: RawData,
  options: InferOptions,
): Promise<Posterior> {
  const start = performance.now();
  const conditioned = conditionRaw(model, data);
  const method = options.method ?? nuts();
  const seed = options.seed ?? 0;
  if (!Number.isInteger(seed) || seed < 0 || seed > Number.MAX_SAFE_INTEGER) {
    const wanted = "a whole number of at least 0";
    fail("bad_option", undefined, { option: "seed", value: String(seed), wanted });
  }
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    const wanted = "a whole number of at least 1";
    fail("bad_option", undefined, { option: "threads", value: String(threads), wanted });
  }
  const run: Run = { conditioned, seed, start, options };
  switch (method.method) {
    case "nuts":
    case "hmc":
      return new Posterior(await sample(run, method));
    case "map":
    case "laplace":
    case "prior":
      return fail("bad_option", undefined, { option: "method", value: method.method, wanted: "nuts or hmc" });
  }
}

interface Run {
  readonly conditioned: Conditioned;
  readonly seed: number;
  readonly start: number;
  readonly options: InferOptions;
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
  const chains = await runSession(program, width, session);
  const kept = keepCommonDraws(chains, joint, width);
  const total = (of: (c: SessionChain) => number): number =>
    chains.reduce((n, c) => n + of(c), 0);
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
  };
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

/** Where and why a chain could not begin. */
function failureOf(failure: ChainFailure, joint: LogJoint): TildeError {
  try {
    if (failure.kind === "step_size") {
      const reason =
        failure.search === "unbounded"
          ? "no step is too large, as with a density that is flat or improper"
          : "no step is small enough, as with a density that jumps";
      fail("initialisation_failed", undefined, { tries: 1, reason, sites: [] });
    }
    const why = explainFailure(joint, failure.position);
    const reason = why ?? "the gradient of the log density is not finite";
    fail("initialisation_failed", undefined, { tries: failure.tries, reason, sites: [] });
  } catch (error) {
    if (error instanceof TildeError) return error;
    throw error;
  }
}

function refuseParams(conditioned: Conditioned, method: string): void {
  const param = conditioned.model.variables.find((v) => v.role === "param");
  if (param !== undefined) fail("param_needs_prior", param.span, { name: param.name, method });
}
