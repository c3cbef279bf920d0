/** Runs of Gibbs sampling. */
import { diagnostic, TildeError } from "../base/diagnostic.js";
import type { ChainFailure } from "../inference/contract.js";
import type { GibbsFailure } from "../inference/gibbs/chain.js";
import { type Run, refuseNothing, refuseParams } from "./context.js";
import { gibbsRunner, gibbsWidth, readyGibbs } from "./gibbs-chain.js";
import { checkRoom, keepDraws } from "./keep.js";
import type { GibbsOptions } from "./methods.js";
import type { FitData } from "./results/fit.js";
import { drawnSites } from "./results/structured.js";
import { runSession, threadCount } from "./session.js";
import { beginStream } from "./storage/begin.js";

/** @throws TildeError where a param has no prior, nothing is latent or a chain fails */
export async function sampleGibbs(run: Run, method: GibbsOptions): Promise<FitData> {
  const { conditioned, seed, options } = run;
  refuseParams(conditioned, method.method);
  if (run.device !== undefined) {
    return await (await import("./device/finite-run.js")).finiteOnDevice(run, method, run.device);
  }
  const ready = readyGibbs(conditioned, method);
  const width = gibbsWidth(ready.plan);
  refuseNothing({ dimension: width }, method.method);
  const elsewhere =
    run.shelf &&
    (await (await import("./device/finite-run.js")).finiteAnywhere(run, method, ready));
  if (elsewhere?.fit !== undefined) return elsewhere.fit;
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
    gibbsRunner(ready, method),
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
    figures: { ...elsewhere?.figures },
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
