/** Runs of NUTS and HMC. */
import type { TildeError } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import { compileKernels, createMemory } from "../device/cpu/compile.js";
import type { ChainFailure, HmcOptions, NutsOptions } from "../inference/contract.js";
import type { GibbsFailure } from "../inference/gibbs/chain.js";
import { STATISTIC_COUNT, STATISTICS } from "../inference/hamiltonian/shape.js";
import { withHmc } from "../inference/hmc/assemble.js";
import { withNuts } from "../inference/nuts/assemble.js";
import { compileDensity } from "./compile.js";
import { failureOf, type Run, refuseNothing, refuseParams } from "./context.js";
import { manyAnywhere } from "./device/many-chains.js";
import { checkRoom, keepDraws } from "./keep.js";
import type { FitData } from "./results/fit.js";
import { runSession, threadCount } from "./session.js";
import { beginStream } from "./storage/begin.js";

/** @throws TildeError where a param has no prior, nothing is latent or a chain cannot begin */
export async function sampleHamiltonian(
  run: Run,
  method: NutsOptions | HmcOptions,
): Promise<FitData> {
  const { conditioned, seed, options } = run;
  const many = await manyAnywhere(run, method);
  if (many !== undefined) return many;
  refuseParams(conditioned, method.method);
  const { joint, kernels } = compileDensity(conditioned, { methodName: method.method });
  refuseNothing(joint, method.method);
  const module =
    method.method === "nuts"
      ? withNuts(kernels, method.metric, method.maxTreeDepth)
      : withHmc(kernels, method.metric);
  const shared = threadCount(method.chains, options) > 1;
  const program = compileKernels(module, { sharedMemory: shared });
  const compiled = performance.now();
  const width = joint.constrained.shape[0];
  const streamed = beginStream(run, method, joint, STATISTICS);
  if (streamed === undefined) checkRoom(method, width + STATISTIC_COUNT);
  const memory = createMemory(program, method.chains);
  // The constants are in the memory now; threads need not carry them.
  const own = { ...program, constants: [] };
  const chains = await runSession(
    { kind: "hamiltonian", program: own, memory, options: method },
    { width, statistics: STATISTIC_COUNT },
    shared,
    { ...options, seed },
    undefined,
    streamed?.job,
  );
  const failed = (failure: ChainFailure | GibbsFailure): TildeError =>
    failure.kind === "step_size" || "position" in failure
      ? failureOf(failure as ChainFailure, joint)
      : internalError(`a Hamiltonian chain failed as ${failure.kind}`);
  const kept = keepDraws(chains, width, STATISTICS, failed, method.thin, streamed);
  return {
    conditioned,
    ...(streamed !== undefined && { stored: streamed.directory }),
    method: method.method,
    latents: joint.latents,
    chains: kept.chains,
    timing: { compileSeconds: (compiled - run.start) / 1000, ...kept.timing },
    seed,
    isPoint: false,
    interrupted: kept.interrupted,
    warmup: method.warmup,
    targetAccept: method.targetAccept,
    maxTreeDepth: method.method === "nuts" ? method.maxTreeDepth : undefined,
    warnings: [],
    figures: {},
  };
}
