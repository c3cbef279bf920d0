/** Fits of HMC and NUTS with many chains on a device. */
import { internalError } from "../../base/internal.js";
import type { GraphDevice } from "../../device/contract.js";
import { compileKernels, createMemory, instantiate } from "../../device/cpu/index.js";
import type { HmcOptions, NutsOptions } from "../../inference/contract.js";
import { manyDensities } from "../../inference/hamiltonian/many.js";
import { STATISTIC_COUNT } from "../../inference/hamiltonian/shape.js";
import type { Graph } from "../../tensor/ops.js";
import { compileDensity } from "../compile.js";
import { failureOf, type Run, refuseNothing, refuseParams } from "../context.js";
import { checkRoom } from "../keep.js";
import type { DrawStatistic, FitData } from "../results/fit.js";
import { CallbackError } from "../session.js";
import { beginStream } from "../storage/begin.js";
import { choiceFigures, choose, timed } from "./auto.js";
import { openCpuGraphs } from "./cpu-graphs.js";
import { guardPrecision } from "./guard.js";
import { runMany } from "./hmc.js";
import { openKeeper } from "./kept.js";
import {
  findStarts,
  type ManyControls,
  type ManyDraws,
  type ManyFailure,
  superchainsOf,
} from "./many.js";
import { runTrees, timeTrees } from "./nuts.js";

/**
 * Above so many chains the CPU moves them in one program too: programs of their own would need more
 * memory than one has, and each its own warmup.
 */
const SEPARATE_CHAINS = 1024;
/** Leapfrog steps that a transition is taken to have, where its time is foreseen. */
const USUAL_STEPS = 10;
/** What is kept of each draw beside its position. */
const statisticsOf: { readonly [M in "hmc" | "nuts"]: readonly DrawStatistic[] } = {
  hmc: ["lp", "accept_stat", "stepsize", "n_leapfrog", "divergent", "energy"],
  nuts: ["lp", "accept_stat", "stepsize", "treedepth", "n_leapfrog", "divergent", "energy"],
};
/** Starting points at which the precision guard looks. */
const GUARD_POINTS = 5;

/**
 * Chains on the run's device, or on the one that is fastest where the choice is left open; undefined
 * where they are the CPU's, and few enough to have a program and an adaptation each.
 */
export async function manyAnywhere(
  run: Run,
  method: HmcOptions | NutsOptions,
): Promise<FitData | undefined> {
  const { device, shelf } = run;
  if (device !== undefined) return await sampleMany(run, device, method);
  const onCpu = async (figures: FitData["figures"]): Promise<FitData | undefined> => {
    if (method.chains <= SEPARATE_CHAINS) return undefined;
    const fit = await sampleMany(run, openCpuGraphs(), method);
    return { ...fit, figures: { ...fit.figures, ...figures } };
  };
  if (shelf === undefined) return await onCpu({});
  refuseParams(run.conditioned, method.method);
  const { density, kernels } = densityOf(run, method.method);
  const program = compileKernels(kernels);
  const exact = instantiate(program, createMemory(program, 1), 0);
  const { chains, warmup, draws, thin } = method;
  const seconds = chains * timed(() => exact.call("lp_grad"));
  const steps = USUAL_STEPS * (warmup + draws * thin);
  const choice = await choose(shelf, seconds, steps, (on) =>
    method.method === "nuts" ? timeTrees(on, density, method) : timeDensities(on, density, chains),
  );
  const figures = choiceFigures(choice);
  if (choice.device === undefined) return await onCpu(figures);
  const fit = await sampleMany(run, choice.device, method);
  return { ...fit, figures: { ...fit.figures, ...figures } };
}

/** Seconds of all densities and gradients. */
async function timeDensities(on: GraphDevice, density: Graph, chains: number): Promise<number> {
  const graph = await on.compileGraph(manyDensities(density, chains));
  const [d] = density.inputs[0].shape;
  try {
    // The first call ends the setting up. Positions cross here, and do not in the run.
    await graph.run({ q: new Float64Array(chains * d) });
    const start = performance.now();
    await graph.run({});
    return (performance.now() - start) / 1000;
  } finally {
    graph.close();
  }
}

/** The density with its gradient, as a graph and as the CPU's kernels. */
function densityOf({ conditioned }: Run, methodName: "hmc" | "nuts") {
  let density: Graph | undefined;
  const { joint, kernels } = compileDensity(conditioned, {
    methodName,
    record: (stage, graph) => {
      if (stage === "grad") density = graph;
    },
  });
  if (density === undefined) internalError("no density was recorded");
  return { joint, kernels, density, d: joint.dimension };
}

/**
 * Runs all chains as one program.
 * @throws TildeError where a param has no prior, nothing is latent, a chain cannot begin, or the
 * device is too imprecise
 */
export async function sampleMany(
  run: Run,
  device: GraphDevice,
  method: HmcOptions | NutsOptions,
): Promise<FitData> {
  const { conditioned, seed, options } = run;
  refuseParams(conditioned, method.method);
  const { joint, kernels, density, d } = densityOf(run, method.method);
  refuseNothing(joint, method.method);
  const width = joint.constrained.shape[0];
  const streamed = beginStream(run, method, joint, statisticsOf[method.method], {
    device: device.name,
  });
  if (streamed === undefined) checkRoom(method, width + STATISTIC_COUNT);
  const starts = await findStarts(device, density, method, seed);
  if ("kind" in starts) throw failureOf(starts, joint);
  const program = compileKernels(kernels);
  const exact = instantiate(program, createMemory(program, 1), 0);
  const points = Array.from({ length: Math.min(GUARD_POINTS, method.chains) }, (_, c) =>
    starts.q.slice(c * d, (c + 1) * d),
  );
  const rough = await guardPrecision(
    device,
    points,
    (point) => {
      exact.f64("q").set(point);
      return { lp: exact.call("lp_grad"), gradient: exact.f64("grad").slice() };
    },
    async (_, c) => ({ lp: starts.lp[c], gradient: starts.grad.slice(c * d, (c + 1) * d) }),
    "density",
  );
  const compiled = performance.now();
  const names = statisticsOf[method.method];
  const states = method.method === "nuts" ? "beside" : "behind";
  const keeper = await openKeeper(joint, method, names, streamed, states);
  const controls: ManyControls = {
    seed,
    keeper,
    shouldStop: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return options.signal?.aborted === true;
    },
    onProgress: (progress) => {
      try {
        options.onProgress?.({ chain: 0, ...progress });
      } catch (error) {
        throw new CallbackError("onProgress", { cause: error });
      }
    },
  };
  let drawn: ManyDraws | ManyFailure;
  let chains: FitData["chains"];
  try {
    drawn =
      method.method === "nuts"
        ? await runTrees(device, density, method, starts, controls)
        : await runMany(device, density, method, starts, controls);
    if ("kind" in drawn) throw failureOf(drawn, joint);
    chains = drawn.draws === 0 ? [] : keeper.chains(drawn.stepSize);
  } finally {
    keeper.close();
  }
  return {
    conditioned,
    ...(streamed !== undefined && { stored: streamed.directory }),
    method: method.method,
    latents: joint.latents,
    chains,
    superchains: drawn.draws === 0 ? undefined : superchainsOf(method.chains),
    timing: {
      compileSeconds: (compiled - run.start) / 1000,
      warmupSeconds: drawn.seconds.warmup,
      sampleSeconds: drawn.seconds.sampling,
      gradients: drawn.gradients,
    },
    seed,
    isPoint: false,
    interrupted: drawn.interrupted,
    warmup: method.warmup,
    targetAccept: method.targetAccept,
    maxTreeDepth: method.method === "nuts" ? method.maxTreeDepth : undefined,
    warnings: [...rough, ...drawn.warnings],
    figures: { device: device.name, ...drawn.figures },
  };
}
