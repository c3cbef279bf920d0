/** Runs of Gibbs sampling of finite models on devices. */
import { type Diagnostic, diagnostic, TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice } from "../../device/contract.js";
import type { ChainEnd } from "../chains.js";
import { type Run, refuseNothing } from "../context.js";
import { type GibbsReady, gibbsWidth, runGibbsChain } from "../gibbs-chain.js";
import { checkRoom, keepDraws } from "../keep.js";
import type { GibbsOptions } from "../methods.js";
import type { FitData } from "../results/fit.js";
import { drawnSites } from "../results/structured.js";
import { CallbackError, type SessionChain } from "../session.js";
import { beginStream } from "../storage/begin.js";
import { openStream, StreamError } from "../storage/stream.js";
import { choiceFigures, choose } from "./auto.js";
import { FiniteSampler, isLoss } from "./finite.js";

/** Sweeps by which the CPU is timed. */
const TRIALS = 3;

/**
 * The chains on the device that is fastest, or nothing but what was measured where that is the CPU.
 * @param ready the CPU's sampler
 */
export async function finiteAnywhere(
  run: Run,
  method: GibbsOptions,
  ready: GibbsReady,
): Promise<{ readonly fit?: FitData; readonly figures: FitData["figures"] }> {
  const { shelf, conditioned, seed } = run;
  if (shelf === undefined) return { figures: {} };
  const { warmup, draws, thin, chains } = method;
  // Behind a sweep of warmup: a start is no sweep.
  const trial = { ...method, warmup: 1, draws: TRIALS, thin: 1 };
  const width = gibbsWidth(ready.plan);
  const storage = {
    constrained: new Float64Array(TRIALS * width),
    statistics: new Float64Array(TRIALS),
  };
  const end = runToEnd(runGibbsChain(ready, trial, { seed, chain: 0 }, { storage }));
  const here = end.kind === "failed" ? 0 : end.seconds.sampling / TRIALS;
  const choice = await choose(shelf, here, chains * (warmup + draws * thin), async (on) => {
    const sampler = await FiniteSampler.create(conditioned, on, method);
    try {
      return await sampler.sweepSeconds(seed);
    } finally {
      sampler.close();
    }
  });
  const figures = choiceFigures(choice);
  if (choice.device === undefined) return { figures };
  try {
    const fit = await finiteOnDevice(run, method, choice.device);
    return { fit: { ...fit, figures: { ...fit.figures, ...figures } }, figures };
  } catch (error) {
    // A device that is too imprecise for the model was no choice.
    const isRefused =
      error instanceof TildeError && error.diagnostics[0].code === "device_imprecise";
    if (!isRefused) throw error;
    return { figures: { ...figures, device: "cpu" } };
  }
}

/** What a chain comes to. One that fails is left to the CPU, which tells why. */
function runToEnd(steps: Generator<unknown, ChainEnd>): ChainEnd {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Chains on a device, one after another.
 * @throws TildeError `device_step` where a site has no program there; where the device is too
 * imprecise, or lost before the first draw; where no state has a positive density
 */
export async function finiteOnDevice(
  run: Run,
  method: GibbsOptions,
  device: GraphDevice,
): Promise<FitData> {
  const { conditioned, seed, options } = run;
  const sampler = await FiniteSampler.create(conditioned, device, method);
  try {
    const { width } = sampler;
    refuseNothing({ dimension: width }, method.method);
    const warnings: Diagnostic[] = [];
    warnings.push(...(await sampler.guard(conditioned, device, method, seed)));
    const drawn = drawnSites(conditioned.model, sampler.latents, sampler.discrete);
    const on = { device: device.name, apart: true } as const;
    const streamed = beginStream(run, method, drawn, ["lp"], on);
    if (streamed === undefined) checkRoom(method, width + 1);
    const compiled = performance.now();
    const shouldStop = (): boolean => options.signal?.aborted === true;
    const chains: SessionChain[] = [];
    for (let chain = 0; chain < method.chains; chain++) {
      const stream = streamed && opened(() => openStream(streamed.job, chain));
      const storage = stream?.storage ?? {
        constrained: new Float64Array(method.draws * width),
        statistics: new Float64Array(method.draws),
      };
      try {
        const controls = { shouldStop, ...stream, storage };
        const tell = (phase: "warmup" | "sampling", done: number, total: number): void => {
          const place = { phase, done, total, divergences: 0, gradients: 0, stepSize: 0 };
          try {
            options.onProgress?.({ chain, ...place });
          } catch (error) {
            throw new CallbackError("onProgress", { cause: error });
          }
        };
        const { end, lost } = await sampler.chain(method, seed, chain, controls, tell);
        warnings.push(...(lost?.diagnostics ?? []));
        chains.push(streamed === undefined ? { end, ...storage } : { end });
        if (lost !== undefined) break;
      } catch (error) {
        if (error instanceof StreamError) throw unwritableBy(error);
        const isLater = error instanceof TildeError && isLoss(error) && chains.length > 0;
        if (!isLater) throw error;
        // The device was lost before this chain's first draw: those before it stay.
        warnings.push(...error.diagnostics);
        break;
      } finally {
        stream?.close();
      }
    }
    const failed = (): TildeError => internalError("a chain on a device fails by throwing");
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
      interrupted: kept.interrupted || chains.length < method.chains,
      warmup: method.warmup,
      warnings,
      figures: { device: device.name },
    };
  } finally {
    sampler.close();
  }
}

function opened<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof StreamError ? unwritableBy(error) : error;
  }
}

const unwritableBy = ({ path, reason }: StreamError): TildeError =>
  new TildeError([diagnostic("file_unwritable", undefined, { path, reason })]);
