/** Coordinate ascent whose passes over the data are a device's. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice } from "../../device/contract.js";
import {
  type CaviControls,
  type CaviOptions,
  type CaviOutcome,
  type CaviPlan,
  type CaviState,
  caviProbe,
  caviRun,
  planStagedCavi,
} from "../../inference/cavi/index.js";
import type { Run } from "../context.js";
import { makeInstance } from "../gibbs-chain.js";
import { tellSteps } from "../tell.js";
import { openCpuGraphs } from "./cpu-graphs.js";
import { guardPrecision } from "./guard.js";
import { drive, fitsCpu, refuseStep, SINGLE_TOLERANCE, StagedInstance } from "./staged.js";

type Groups = readonly (readonly string[])[];

export interface CaviOnDevice {
  readonly plan: CaviPlan;
  readonly found: CaviOutcome;
  /** Of the precision guard, and of a device that was lost. */
  readonly warnings: readonly Diagnostic[];
  /** When everything was compiled, by `performance.now`. */
  readonly compiled: number;
}

interface Placed {
  readonly plan: CaviPlan;
  readonly instance: StagedInstance;
}

/** @throws TildeError `device_step` where an update has no program for devices */
function place(run: Run, joint: Groups, device: GraphDevice): Placed {
  let instance: StagedInstance | undefined;
  const plan = planStagedCavi(
    run.conditioned,
    makeInstance,
    { joint },
    device.precision === "f32",
    (kernels) => {
      instance = new StagedInstance(device, kernels);
      return instance;
    },
  );
  if ("kind" in plan) return refuseStep("cavi", device, plan);
  return { plan, instance: instance ?? internalError("a plan without its instance") };
}

/**
 * Ascent on a device: one call for each sweep.
 * @throws TildeError where an update has no program for devices, the device is too imprecise, or it
 * is lost before the first sweep was done
 */
export async function caviOnDevice(
  run: Run,
  joint: Groups,
  settings: CaviOptions,
  device: GraphDevice,
): Promise<CaviOnDevice> {
  const isSingle = device.precision === "f32";
  const tolerance = Math.max(settings.tolerance, isSingle ? SINGLE_TOLERANCE : 0);
  const { plan, instance } = place(run, joint, device);
  try {
    const rough = isSingle ? await guardCavi(run, joint, device, { plan, instance }) : [];
    const compiled = performance.now();
    run.checkpoint?.on(device.name);
    const work = caviRun(plan, { ...settings, tolerance }, run.seed, caviControls(run, settings));
    const { result: found, lost } = await drive(work, instance);
    if (lost !== undefined && (found.kind === "nothing" || found.kind === "failed")) throw lost;
    return { plan, found, compiled, warnings: [...rough, ...(lost?.diagnostics ?? [])] };
  } finally {
    instance.close();
  }
}

/** What a run hears and tells on its way, wherever its passes are done. */
export function caviControls(
  { options, checkpoint }: Run,
  { maxIterations }: CaviOptions,
): CaviControls {
  return {
    shouldStop: () => options.signal?.aborted === true,
    onProgress: ({ restart, restarts, iteration }) => {
      const done = restart * maxIterations + iteration;
      tellSteps(options, done, restarts * maxIterations);
    },
    ...(checkpoint && { checkpoints: checkpoint.of<CaviState>() }),
  };
}

/** Seconds of a pass on a device. @throws TildeError where it has no program for devices */
export async function caviPassSeconds(
  run: Run,
  joint: Groups,
  device: GraphDevice,
): Promise<number> {
  const { plan, instance } = place(run, joint, device);
  try {
    await drive(caviProbe(plan, run.seed), instance);
    return await instance.passSeconds();
  } finally {
    instance.close();
  }
}

/** The precision guard: the bound after one sweep, and the updates that follow it. */
async function guardCavi(
  run: Run,
  joint: Groups,
  device: GraphDevice,
  { plan, instance }: Placed,
): Promise<readonly Diagnostic[]> {
  if (!fitsCpu(instance.kernels)) {
    return [diagnostic("device_unchecked", undefined, { name: device.name })];
  }
  const exact = place(run, joint, openCpuGraphs());
  const { result: wanted } = await drive(caviProbe(exact.plan, run.seed), exact.instance);
  exact.instance.close();
  // A run that cannot begin says so by itself.
  if (wanted === undefined) return [];
  const { result, lost } = await drive(caviProbe(plan, run.seed), instance);
  if (lost !== undefined) throw lost;
  const off = { elbo: Number.NaN, natural: wanted.natural };
  const [at, found] = [wanted, result ?? off].map(({ elbo, natural }) => {
    return { lp: elbo, gradient: natural };
  });
  return await guardPrecision(
    device,
    [new Float64Array(0)],
    () => at,
    async () => found,
    "objective",
  );
}
