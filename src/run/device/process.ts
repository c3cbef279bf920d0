/** Chains of a Dirichlet-process mixture on a device: the blocked sampler. */
import { type Diagnostic, fail } from "../../base/diagnostic.js";
import type { GraphDevice } from "../../device/contract.js";
import { type DpOptions, truncationFor } from "../../inference/dp/index.js";
import type { DpChain } from "../../inference/dp/model/chain.js";
import type { DpPlan } from "../../inference/dp/model/dp-plan.js";
import { largeConcentration } from "../../inference/dp/samplers/concentration.js";
import type { Run } from "../context.js";
import type { Streamed } from "../storage/begin.js";
import { openJournal, sizeOfMixture } from "../storage/journal.js";
import { BlockedSampler } from "./blocked.js";
import { openCpuGraphs } from "./cpu-graphs.js";
import { guardPass, sumsOf } from "./labels.js";
import { refuseStep } from "./staged.js";

export interface DeviceChains {
  readonly chains: readonly DpChain[];
  readonly interrupted: boolean;
  /** Of the precision guard, and of a device that was lost. */
  readonly warnings: readonly Diagnostic[];
  /** When everything was compiled, by `performance.now`. */
  readonly compiled: number;
}

/**
 * Runs chains one after another.
 * @throws TildeError where the algorithm or a site has no program for devices, the device is too
 * imprecise, or it is lost before the first draw
 */
export async function chainsOnDevice(
  run: Run,
  plan: DpPlan,
  settings: DpOptions,
  count: number,
  device: GraphDevice,
  streamed?: Streamed,
): Promise<DeviceChains> {
  const { seed, options } = run;
  const { algorithm } = settings;
  if (algorithm !== "auto" && algorithm !== "blocked") {
    const step = `the algorithm \`${algorithm}\``;
    const reason = "it draws labels one after another; `blocked` draws them at once";
    return refuseStep("gibbs", device, { kind: "not_staged", step, reason });
  }
  const sampler = await BlockedSampler.create(plan, device, componentsOf(plan, settings));
  const chains: DpChain[] = [];
  try {
    const warnings = [...(await guardBlocked(run, plan, sampler, device))];
    const compiled = performance.now();
    let interrupted = false;
    for (let chain = 0; chain < count && !interrupted; chain++) {
      const journal = streamed && openJournal(streamed.job, chain, sizeOfMixture(plan));
      const work = sampler.chain(settings, seed, chain, {
        ...(journal && { sink: journal.sink }),
        ...(journal?.past && { past: journal.past }),
        shouldStop: () => options.signal?.aborted === true,
        onProgress: (phase, at, total) => {
          if (at % 50 !== 0 && at !== total) return;
          const place = { phase, done: at, total, divergences: 0, gradients: 0, stepSize: 0 };
          options.onProgress?.({ ...place, chain });
        },
      });
      const { chain: done, lost } = await work.finally(() => journal?.close());
      interrupted = done.draws.kind === "stopped";
      if (done.draws.draws > 0) chains.push(done);
      warnings.push(...(lost?.diagnostics ?? []));
    }
    return { chains, interrupted, warnings, compiled };
  } finally {
    sampler.close();
  }
}

/** Seconds of a sweep on a device. @throws TildeError where it has no program for the model */
export async function sweepSeconds(
  run: Run,
  plan: DpPlan,
  settings: DpOptions,
  device: GraphDevice,
): Promise<number> {
  const sampler = await BlockedSampler.create(plan, device, componentsOf(plan, settings));
  try {
    sampler.start(run.seed, 0);
    let seconds = 0;
    // The first sweep ends the setting up.
    for (let t = 1; t <= 2; t++) {
      const begin = performance.now();
      await sampler.pass(t);
      sampler.update(run.seed, 0, t);
      seconds = (performance.now() - begin) / 1000;
    }
    return seconds;
  } finally {
    sampler.close();
  }
}

function componentsOf(
  { structure: { concentration, items } }: DpPlan,
  { truncation }: DpOptions,
): number {
  if (truncation !== undefined) return truncation;
  if (concentration.kind !== "site") return truncationFor(items, largeConcentration(concentration));
  const wanted = "a number of components, since the concentration has a prior of its own";
  return fail("bad_option", undefined, { option: "`truncation`", value: "absent", wanted });
}

/** The precision guard: what one pass gives back, with the same labels but for rounding. */
async function guardBlocked(
  run: Run,
  plan: DpPlan,
  sampler: BlockedSampler,
  device: GraphDevice,
): Promise<readonly Diagnostic[]> {
  const passOf = async (of: BlockedSampler) => {
    of.start(run.seed, 0);
    const { energy } = await of.pass(1);
    return { energy, sums: sumsOf(of.instance) };
  };
  const exactly = async () => {
    const exact = await BlockedSampler.create(plan, openCpuGraphs(), sampler.components);
    try {
      return await passOf(exact);
    } finally {
      exact.close();
    }
  };
  return await guardPass(device, sampler.instance, exactly, () => passOf(sampler));
}
