/**
 * `infer`: one model, one method, data, and out comes a posterior. Methods are imported when they are
 * asked for: all of them together take a third of a second.
 */
import { fail } from "../base/diagnostic.js";
import type { Model } from "../model/ir.js";
import type { Conditioned } from "../passes/condition/index.js";
import { conditionRaw, type Declared } from "./compile.js";
import { type Run, refuseStates } from "./context.js";
import { type RawData, readObject } from "./data/values.js";
import { Shelf } from "./device/auto.js";
import { checkDevice } from "./device/choices.js";
import { deviceOf } from "./device/open.js";
import { refuseOpenNormalisers } from "./energies.js";
import { presentable, withoutMemory } from "./failure.js";
import { withoutSwitching } from "./labels/relabel.js";
import { Program } from "./load.js";
import { type Method, type NceOptions, type SviOptions, shownValue } from "./methods.js";
import { type CheckedOptions, checkOptions, type InferOptions } from "./options.js";
import { Posterior } from "./posterior.js";
import type { FitData } from "./results/fit.js";
import type { Checkpoint, CheckpointJob } from "./storage/checkpoint.js";
import { makeFolder } from "./storage/folder.js";
import type { RunRecord } from "./storage/record.js";

/**
 * Fits a model to data.
 * @throws TildeError where data or options are wrong, or the density cannot be started.
 */
export async function infer(program: Program, options: InferOptions = {}): Promise<Posterior> {
  try {
    if (!(program instanceof Program)) {
      const wanted = "made by compile, load or ppl";
      fail("bad_option", undefined, { option: "`model`", value: shownValue(program), wanted });
    }
    const checked = checkOptions(options);
    const data = readObject(options.data ?? {});
    return await run(program.model, data, checked, program.declared);
  } catch (error) {
    throw presentable(error);
  }
}

/**
 * The same with data that was read from files; diagnostics are thrown as they are.
 * @param declared the file of the model, where methods that learn find guides and objectives
 */
export async function inferRaw(
  model: Model,
  data: RawData,
  options: InferOptions,
  declared?: Declared,
): Promise<Posterior> {
  try {
    return await run(model, data, checkOptions(options), declared);
  } catch (error) {
    throw withoutMemory(error);
  }
}

async function run(
  model: Model,
  data: RawData,
  options: CheckedOptions,
  declared: Declared = { models: new Map(), guides: new Map(), objectives: new Map() },
  resumed?: RunRecord,
): Promise<Posterior> {
  const start = performance.now();
  const { seed, method } = options;
  const learns = method.method === "svi" || method.method === "nce";
  const learning = learns ? await import("./svi/index.js") : undefined;
  const own = learning === undefined ? data : learning.withoutOthers(data, model, declared);
  checkDevice(method, options.device);
  const conditioned = conditionRaw(model, own);
  if (!learns) {
    refuseOpenNormalisers(conditioned, method.method);
    refuseStates(conditioned, method.method);
  }
  if (options.out !== undefined) await makeFolder(options.out);
  const others = learning?.dataOfOthers(data, conditioned, declared);
  const checkpoint = await checkpointOf(conditioned, options, {
    files: data.files,
    others,
    resumed,
  });
  const plain: Run = {
    ...{ conditioned, seed, start, options, files: data.files, resumed },
    ...(checkpoint && { checkpoint }),
  };
  const device = await deviceOf(options.device);
  const shelf = options.device === "auto" ? new Shelf() : undefined;
  const job: Run = { ...plain, ...(device && { device }), ...(shelf && { shelf }) };
  try {
    const fit =
      learning !== undefined && learns
        ? await learning.learn(job, data, declared, method)
        : await fitted(job, model, data, method as Other);
    const isStored = fit.stored !== undefined || options.out !== undefined;
    const storage = isStored ? await import("./storage/outcome.js") : undefined;
    if (fit.stored !== undefined) storage?.storeOutcome(fit, fit.stored);
    const isChain = fit.method === "nuts" || fit.method === "hmc" || fit.method === "gibbs";
    const made = isChain && options.relabel !== false ? withoutSwitching(fit) : fit;
    if (options.out !== undefined) storage?.storeFit(made, options.out, checkpoint?.origin);
    if (!fit.interrupted) checkpoint?.clear();
    return new Posterior(made);
  } catch (error) {
    const { withAlternatives } = await import("./alternatives.js");
    throw withAlternatives(error, job.conditioned);
  } finally {
    device?.close();
    shelf?.close();
  }
}

/**
 * Goes on with a run whose folder was left by `infer` with `out` or by `tilde run --out`, to the
 * very draws that it would have made without the interruption. A run that is finished is read.
 * @throws TildeError where the folder holds no such run, or its model or data files have changed
 */
export async function resume(
  directory: string,
  options: Pick<InferOptions, "threads" | "signal" | "onProgress"> = {},
): Promise<Posterior> {
  try {
    return await resumeRaw(directory, options);
  } catch (error) {
    throw presentable(error);
  }
}

/** The same; diagnostics are thrown as they are. */
export async function resumeRaw(
  directory: string,
  options: Pick<InferOptions, "threads" | "signal" | "onProgress">,
): Promise<Posterior> {
  const { openRun } = await import("./storage/reopen.js");
  const { record, program, declared, fit } = openRun(directory);
  if (fit !== undefined) return new Posterior(fit);
  const values = new Map([...record.data, ...(record.others ?? [])]);
  const data = { values, problems: new Map(), files: record.files };
  const { seed, relabel, options: method, device } = record;
  const checked = checkOptions({ ...options, method, seed, relabel, device, out: directory });
  try {
    return await run(program, data, checked, declared, record);
  } catch (error) {
    throw withoutMemory(error);
  }
}

/** Where the states of a run go that is no chain and has a folder. */
async function checkpointOf(
  conditioned: Conditioned,
  { out, seed, method }: CheckedOptions,
  from: Pick<CheckpointJob, "files" | "others" | "resumed">,
): Promise<Checkpoint | undefined> {
  if (out === undefined) return undefined;
  const { Checkpoint, keepsStates } = await import("./storage/checkpoint.js");
  if (!keepsStates(method.method)) return undefined;
  return new Checkpoint({ directory: out, conditioned, seed, method, ...from });
}

type Other = Exclude<Method, SviOptions | NceOptions>;

async function fitted(job: Run, model: Model, data: RawData, method: Other): Promise<FitData> {
  switch (method.method) {
    case "nuts":
    case "hmc":
      return await (await import("./sample.js")).sampleHamiltonian(job, method);
    case "map":
      return (await import("./point.js")).findPoint(job, method);
    case "laplace":
      return (await import("./point.js")).approximate(job, method);
    case "prior":
      return (await import("./simulate.js")).simulate(job, model, data, method);
    case "enumerate":
      return (await import("./enumerate.js")).enumerateAll(job, method);
    case "gibbs":
      if (model.unbounded !== undefined) {
        return await (await import("./process.js")).sampleProcess(job, method);
      }
      return await (await import("./sample-gibbs.js")).sampleGibbs(job, method);
    case "exact":
      return (await import("./exact.js")).solveExactly(job, method);
    case "vi":
      return await (await import("./variational.js")).fitGuide(job, method);
    case "cavi":
      return model.unbounded === undefined
        ? await (await import("./cavi.js")).ascend(job, method)
        : await (await import("./process.js")).ascendProcess(job, method);
    case "em":
      return await (await import("./em.js")).maximise(job, method);
  }
}
