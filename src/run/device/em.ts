/** EM whose passes over the data are a device's. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice } from "../../device/contract.js";
import {
  type EmControls,
  type EmFailed,
  type EmOptions,
  type EmPlan,
  type EmRefusal,
  type EmResult,
  type EmState,
  emProbe,
  emRun,
  planStagedEm,
} from "../../inference/em/index.js";
import type { Run } from "../context.js";
import { makeInstance } from "../gibbs-chain.js";
import { tellSteps } from "../tell.js";
import { openCpuGraphs } from "./cpu-graphs.js";
import { guardPrecision } from "./guard.js";
import { drive, fitsCpu, refuseStep, SINGLE_TOLERANCE, StagedInstance } from "./staged.js";

export interface EmOnDevice {
  readonly kind: "run";
  readonly result: EmResult | EmFailed;
  /** When everything was compiled, by `performance.now`. */
  readonly compiled: number;
  /** Of the precision guard, and of a device that was lost. */
  readonly warnings: readonly Diagnostic[];
  /** Where M-steps are taken, in words. */
  readonly mSteps?: string;
}

interface Placed {
  readonly plan: EmPlan;
  readonly instance: StagedInstance;
}

/** A plan with its passes on the device. @throws TildeError `device_step` where it has none */
function place(run: Run, options: EmOptions, device: GraphDevice): Placed | EmRefusal {
  let instance: StagedInstance | undefined;
  const plan = planStagedEm(
    run.conditioned,
    makeInstance,
    options,
    device.precision === "f32",
    (kernels) => {
      instance = new StagedInstance(device, kernels);
      return instance;
    },
    // Between the CPU's kernels and the CPU's M-steps nothing is sent.
    device.name !== "cpu",
  );
  if (plan.kind === "refused") return plan;
  if (plan.kind === "not_staged") return refuseStep("em", device, plan);
  return { plan, instance: instance ?? internalError("a plan without its instance") };
}

/**
 * EM on a device: one call for each pass.
 * @throws TildeError where a step has no program for devices, the device is too imprecise, or it is
 * lost before the first pass was done
 */
export async function emOnDevice(
  run: Run,
  options: EmOptions,
  device: GraphDevice,
): Promise<EmOnDevice | EmRefusal> {
  const isSingle = device.precision === "f32";
  const tolerance = Math.max(options.tolerance ?? 0, isSingle ? SINGLE_TOLERANCE : 0);
  const own = options.tolerance === undefined && !isSingle ? options : { ...options, tolerance };
  const placed = place(run, own, device);
  if ("kind" in placed) return placed;
  const { plan, instance } = placed;
  try {
    const rough = isSingle ? await guardEm(run, own, device, placed) : [];
    const compiled = performance.now();
    run.checkpoint?.on(device.name);
    const { result, lost } = await drive(emRun(plan, run.seed, emControls(run)), instance);
    const nothing = result.kind === "failed" || result.logLikelihood === -Infinity;
    if (lost !== undefined && nothing) throw lost;
    const warnings = [...rough, ...(lost?.diagnostics ?? [])];
    return { kind: "run", result, compiled, warnings, mSteps: mStepsOf(plan, result) };
  } finally {
    instance.close();
  }
}

/** What a run hears and tells on its way, wherever its passes are done. */
export function emControls({ options, checkpoint }: Run): EmControls {
  return {
    shouldStop: () => options.signal?.aborted === true,
    onProgress: ({ phase, done, total }) => {
      if (phase === "run") tellSteps(options, done, total);
      if (phase === "restarts") tellSteps(options, done, total, 0, "warmup");
    },
    ...(checkpoint && { checkpoints: checkpoint.of<EmState>() }),
  };
}

/** Where M-steps were taken, for the figures of a run. */
function mStepsOf({ iteration }: EmPlan, result: EmResult | EmFailed): string {
  if (iteration === undefined) return "cpu";
  if (iteration.kind === "host") return `cpu: \`${iteration.name}\`, ${iteration.reason}`;
  const isRough = result.kind === "fitted" && result.deviceIterations === 0 && iteration.isSingle;
  return isRough ? "cpu: in single precision the device's came elsewhere" : "device";
}

/** Seconds of a pass on a device. @throws TildeError where it has no program for devices */
export async function emPassSeconds(
  run: Run,
  options: EmOptions,
  device: GraphDevice,
): Promise<number> {
  const placed = place(run, options, device);
  if ("kind" in placed) return Infinity;
  try {
    return await placed.instance.passSeconds();
  } finally {
    placed.instance.close();
  }
}

/** The precision guard: the log likelihood and its gradient where the run begins. */
async function guardEm(
  run: Run,
  options: EmOptions,
  device: GraphDevice,
  { plan, instance }: Placed,
): Promise<readonly Diagnostic[]> {
  const { name } = device;
  if (!fitsCpu(instance.kernels)) return [diagnostic("device_unchecked", undefined, { name })];
  const exact = place(run, options, openCpuGraphs());
  if ("kind" in exact) return internalError("a plan that is refused for another device");
  const wanted = await drive(emProbe(exact.plan, run.seed), exact.instance);
  exact.instance.close();
  const at = wanted.result;
  // A run that cannot begin says so by itself.
  if (at === undefined) return [];
  const found = await drive(emProbe(plan, run.seed, at.values), instance);
  if (found.lost !== undefined) throw found.lost;
  const off = { logLikelihood: Number.NaN, slope: at.slope };
  const pairs = [at, found.result ?? off].map(({ logLikelihood: lp, slope: gradient }) => {
    return { lp, gradient };
  });
  return await guardPrecision(
    device,
    [new Float64Array(0)],
    () => pairs[0],
    async () => pairs[1],
    "objective",
  );
}
