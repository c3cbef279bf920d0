/** Runs of methods on a given device, as `infer` makes them. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { GraphDevice } from "../../../src/device/contract.js";
import { checkSource, conditionRaw, type Declared, selectModel } from "../../../src/run/compile.js";
import type { Run } from "../../../src/run/context.js";
import { parseJson } from "../../../src/run/data/files.js";
import { type RawData, readObject } from "../../../src/run/data/values.js";
import type { NceOptions, SviOptions } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { learn } from "../../../src/run/svi/index.js";

export interface Job {
  readonly run: Run;
  readonly raw: RawData;
  readonly declared: Declared;
}

/** A model of `text` joined with `data`; with a device the run is there. */
export function jobOf(
  text: string,
  data: Record<string, unknown> | RawData,
  device?: GraphDevice,
  options: Run["options"] = {},
): Job {
  const source = { path: "model.ppl", text };
  const checked = checkSource(source);
  const model = selectModel(checked, source);
  const raw =
    data.values instanceof Map
      ? (data as RawData)
      : readObject(data as object as Record<string, unknown>);
  const run = { conditioned: conditionRaw(model, raw), seed: 5, start: 0, options };
  return { run: device === undefined ? run : { ...run, device }, raw, declared: checked };
}

export function exampleJob(name: string, device?: GraphDevice): Job {
  const folder = resolve(import.meta.dirname, "../../../examples", name);
  const read = (file: string): string => readFileSync(join(folder, file), "utf8");
  return jobOf(read("model.ppl"), parseJson("data.json", read("data.json")), device);
}

export function learnOn(job: Job, method: SviOptions | NceOptions): Promise<FitData> {
  return learn(job.run, job.raw, job.declared, method);
}
