/** Runs of the methods that sample by chains: NUTS, HMC and Gibbs. */
import { diagnostic, TildeError } from "../base/diagnostic.js";
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
import { gibbsWidth, readyGibbs } from "./gibbs-chain.js";
import { checkRoom, keepDraws } from "./keep.js";
import type { GibbsOptions } from "./methods.js";
import type { FitData } from "./results/fit.js";
import { drawnSites } from "./results/structured.js";
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

/** @throws TildeError where a param has no prior, nothing is latent or a chain fails */
export async function sampleGibbs(run: Run, method: GibbsOptions): Promise<FitData> {
  const { conditioned, seed, options } = run;
  refuseParams(conditioned, method.method);
  const ready = readyGibbs(conditioned, method);
  const width = gibbsWidth(ready.plan);
  refuseNothing({ dimension: width }, method.method);
  const compiled = performance.now();
  const drawn = drawnSites(
    conditioned.model,
    ready.plan.joint.sites.map((site) => site.latent),
    ready.plan.joint.discrete,
  );
  const streamed = beginStream(run, method, drawn, ["lp"]);
  if (streamed === undefined) checkRoom(method, width + 1);
  const shared = threadCount(method.chains, options) > 1;
  const chains = await runSession(
    { kind: "gibbs", conditioned, options: method },
    { width, statistics: 1 },
    shared,
    { ...options, seed },
    ready,
    streamed?.job,
  );
  const failed = (failure: ChainFailure | GibbsFailure) => gibbsFailed(failure as GibbsFailure);
  const kept = keepDraws(chains, width, ["lp"], failed, method.thin, streamed);
  return {
    conditioned,
    ...(streamed !== undefined && { stored: streamed.directory }),
    method: "gibbs",
    ...drawn,
    chains: kept.chains,
    timing: { compileSeconds: (compiled - run.start) / 1000, ...kept.timing },
    seed,
    isPoint: false,
    interrupted: kept.interrupted,
    warmup: method.warmup,
    warnings: [],
    figures: {},
  };
}

function gibbsFailed(failure: GibbsFailure): TildeError {
  switch (failure.kind) {
    case "start":
      return new TildeError([diagnostic("gibbs_start", undefined, { tries: failure.tries })]);
    case "improper":
      return new TildeError([
        diagnostic("site_improper", undefined, { method: "gibbs", name: failure.name }),
      ]);
    case "impossible":
      return new TildeError([diagnostic("states_impossible", undefined, { method: "gibbs" })]);
  }
}
