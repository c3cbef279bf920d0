/** Runs of mean-field variational inference by coordinate ascent. */
import { type Diagnostic, diagnostic, fail, type TildeError } from "../base/diagnostic.js";
import type { GraphDevice } from "../device/contract.js";
import {
  type CaviFailure,
  type CaviOutcome,
  type CaviPlan,
  type CaviResult,
  caviRun,
  planCavi,
  Sweep,
} from "../inference/cavi/index.js";
import { stream } from "../math/rng/random.js";
import { type Run, refuseNothing, refuseParams } from "./context.js";
import { choiceFigures, choose, timed } from "./device/auto.js";
import { caviControls, caviOnDevice, caviPassSeconds } from "./device/cavi.js";
import { openCpuGraphs } from "./device/cpu-graphs.js";
import { MOST_ADDRESSED } from "./device/staged.js";
import { makeInstance } from "./gibbs-chain.js";
import type { CaviOptions } from "./methods.js";
import { paced } from "./paced.js";
import { type FitData, latentLength } from "./results/fit.js";
import {
  climbFigures,
  drawnSites,
  figuresOfMoments,
  figuresOfProbabilities,
} from "./results/structured.js";

/** The random streams of the draws from q have this for their site. */
const STREAM_SITE = 0x52000000;

/** Sweeps that a restart is taken to have, where its time is foreseen. */
const USUAL_SWEEPS = 100;

/**
 * q with its moments, and independent draws from it: on the run's device, on the one that is fastest
 * where the choice is left open, or on the CPU.
 * @throws TildeError where the model is out of reach or no start has a finite bound
 */
export async function ascend(run: Run, method: CaviOptions): Promise<FitData> {
  const { conditioned, seed, device, shelf } = run;
  refuseParams(conditioned, "cavi");
  const { joint, restarts, maxIterations, tolerance } = method;
  const settings = { restarts, maxIterations, tolerance };
  const onDevice = async (on: GraphDevice, figures: FitData["figures"]): Promise<FitData> => {
    const found = await caviOnDevice(run, joint, settings, on);
    return fitOf(run, method, found, figures);
  };
  if (device !== undefined) return await onDevice(device, { device: device.name });
  const plan = planCavi(conditioned, makeInstance, { joint });
  refuseNothing({ dimension: plan.direct.sites.length + plan.direct.discrete.length }, "cavi");
  let figures: FitData["figures"] = {};
  const { buffers } = plan.ascent.module;
  const isLarge = buffers.reduce((n, b) => n + b.length, 0) > MOST_ADDRESSED;
  const ownSeconds = (): number => {
    const sweep = new Sweep(plan, seed);
    const isReady = sweep.start(seed, 0) === undefined && sweep.run() === undefined;
    return isReady ? timed(() => void sweep.run()) : 0;
  };
  if (shelf !== undefined) {
    const here = isLarge ? await caviPassSeconds(run, joint, openCpuGraphs()) : ownSeconds();
    const choice = await choose(shelf, here, restarts * USUAL_SWEEPS, (d) => {
      return caviPassSeconds(run, joint, d);
    });
    figures = choiceFigures(choice);
    if (choice.device !== undefined) return await onDevice(choice.device, figures);
  }
  // Not all items' tables at once, but a block of items at a time.
  if (isLarge) return await onDevice(openCpuGraphs(), figures);
  const compiled = performance.now();
  const found = await paced(caviRun(plan, settings, seed, caviControls(run, settings)));
  return fitOf(run, method, { plan, found, compiled, warnings: [] }, figures);
}

function fitOf(
  run: Run,
  { draws }: CaviOptions,
  {
    plan,
    found,
    compiled,
    warnings,
  }: {
    readonly plan: CaviPlan;
    readonly found: CaviOutcome;
    readonly compiled: number;
    readonly warnings: readonly Diagnostic[];
  },
  figures: FitData["figures"],
): FitData {
  const { conditioned, seed } = run;
  if (found.kind === "failed") throw failed(found.failure);
  const sites = drawnSites(
    conditioned.model,
    plan.direct.sites.map((s) => s.latent),
    plan.direct.discrete,
  );
  const width = latentLength(sites.latents);
  const base: Pick<FitData, "conditioned" | "method" | "seed" | "isPoint" | "warmup"> = {
    conditioned,
    method: "cavi",
    seed,
    isPoint: false,
    warmup: 0,
  };
  const timing = {
    compileSeconds: (compiled - run.start) / 1000,
    warmupSeconds: 0,
    sampleSeconds: (performance.now() - compiled) / 1000,
    gradients: 0,
  };
  if (found.kind === "nothing") {
    return { ...base, ...sites, chains: [], timing, interrupted: true, warnings: [], figures: {} };
  }
  const { posterior } = found;
  const values = new Float64Array(draws * width);
  for (let t = 0; t < draws; t++) {
    const drawn = posterior.draw(stream(seed, 0, STREAM_SITE, t));
    values.set(drawn.values, t * width);
    values.set(drawn.states, t * width + drawn.values.length);
  }
  return {
    ...base,
    ...sites,
    chains: [{ values, draws, statistics: {} }],
    timing: { ...timing, sampleSeconds: (performance.now() - compiled) / 1000 },
    interrupted: found.kind === "stopped",
    exact: new Map([
      ...posterior.sites.flatMap(({ latent, mean, sd, quantile }) =>
        figuresOfMoments({ ...latent, mean, sd, quantile }),
      ),
      ...posterior.discrete.flatMap(({ site, marginals }) =>
        figuresOfProbabilities({ ...site, probabilities: marginals }),
      ),
    ]),
    warnings: [...warnings, ...doubts(found)],
    figures: {
      ...figures,
      ...climbFigures("elbo", { ...found, value: found.elbo }),
      restarts: found.restarts.map((r) => ({
        elbo: r.elbo,
        iterations: r.iterations,
        converged: r.converged,
      })),
      distinct_optima: found.distinctOptima,
    },
  };
}

function doubts({ converged, iterations, change, distinctOptima, restarts }: CaviResult) {
  const found: Diagnostic[] = [];
  if (!converged) {
    found.push(diagnostic("not_converged", undefined, { method: "cavi", iterations, change }));
  }
  if (distinctOptima > 1) {
    const params = { distinct: distinctOptima, restarts: restarts.length };
    found.push(diagnostic("local_optima", undefined, params));
  }
  return found;
}

function failed(failure: CaviFailure): TildeError {
  const method = "cavi";
  switch (failure.kind) {
    case "improper":
      return fail("site_improper", undefined, { method, name: failure.name });
    case "impossible":
      return fail("states_impossible", undefined, { method });
    case "start":
      return fail("site_start", undefined, { method, name: failure.name });
    case "bound":
      return fail("bound_not_finite", undefined, { method, value: failure.elbo });
  }
}
