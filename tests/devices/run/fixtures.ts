/** Runs of methods on a given device, as `infer` makes them. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { diagnostic, TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { checkSource, conditionRaw, type Declared, selectModel } from "../../../src/run/compile.js";
import type { Run } from "../../../src/run/context.js";
import { parseJson } from "../../../src/run/data/files.js";
import { type RawData, readObject } from "../../../src/run/data/values.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import type { NceOptions, SviOptions } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { learn } from "../../../src/run/svi/index.js";

export interface Job {
  readonly run: Run;
  readonly raw: RawData;
  readonly declared: Declared;
}

/** The model of `text` (of several, the one of this name) joined with `data`; with a device the run is there. */
export function jobOf(
  text: string,
  data: Record<string, unknown> | RawData,
  device?: GraphDevice,
  options: Run["options"] = {},
  name?: string,
): Job {
  const source = { path: "model.ppl", text };
  const checked = checkSource(source);
  const model = selectModel(checked, source, name);
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

/** A line with a normal guide of its own params. */
export const lines = `
model regression(N: int, x: real[N], y: real[N]) {
  a ~ Normal(0, 1)
  b ~ Normal(0, 1)
  for i in 0..N { observe y[i] ~ Normal(a + b * x[i], 0.5) }
}
guide lines(N: int, x: real[N], y: real[N]) for regression {
  param ma: real = 0.0
  param mb: real = 0.0
  param la: real = -1.0
  param lb: real = -1.0
  a ~ Normal(ma, exp(la))
  b ~ Normal(mb, exp(lb))
}
`;
const N = 60;
const xs = Array.from({ length: N }, (_, k) => Math.sin(k));
export const lineData = { N, x: xs, y: xs.map((v, k) => 0.7 - 1.1 * v + 0.5 * Math.cos(5 * k)) };

/** The numbers of a tree. */
export const flat = (x: unknown): number[] =>
  typeof x === "number" ? [x] : Object.values(x as object).flatMap(flat);

/** The CPU as a device that is lost at the call of `steps` with this number. */
export function lostAt(call: number): GraphDevice {
  const device = openCpuGraphs();
  let calls = 0;
  return {
    ...device,
    compileLoop: async (spec) => {
      const loop = await device.compileLoop(spec);
      return {
        ...loop,
        steps: async (...of) => {
          calls++;
          if (calls >= call) {
            const params = { reason: "the driver was reset", doing: "taking steps" };
            throw new TildeError([diagnostic("webgpu_lost", undefined, params)]);
          }
          return await loop.steps(...of);
        },
      };
    },
  };
}
