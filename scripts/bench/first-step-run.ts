/**
 * One process of `first-step.ts`: a model's text, `infer` on a device, and a stop after the first
 * step. Prints what each stage took, as JSON. Arguments: the model, the device, `texts` for the
 * kernels of WebGPU.
 */
import type { GraphDevice, LoopProgram } from "../../src/device/contract.js";
import type { TensorFlowAddon } from "../../src/device/tensorflow/package.js";

export interface Stage {
  readonly stage: string;
  readonly wall: number;
  /** Processor time of all threads. */
  readonly used: number;
}
/** A pipeline of WebGPU. */
export interface Pipeline {
  readonly label: string;
  readonly bytes: number;
  /** From its order to its end; they are compiled at once. */
  readonly wall: number;
  readonly code?: string;
}
export interface FirstStep {
  readonly stages: readonly Stage[];
  readonly pipelines: readonly Pipeline[];
}

const [name = "schools", device = "cpu", texts] = process.argv.slice(2);
const stages: Stage[] = [];
const pipelines: Pipeline[] = [];

const usedNow = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
let last = { wall: 0, used: 0 };
function mark(stage: string): void {
  const now = { wall: performance.now(), used: usedNow() };
  stages.push({ stage, wall: now.wall - last.wall, used: now.used - last.used });
  last = now;
}

/** Prints what was measured and ends the process. */
function report(): never {
  const result: FirstStep = { stages, pipelines };
  console.log(JSON.stringify(result));
  process.exit(0);
}

/** A device whose loops tell their stages and end the process after a step. */
function watched(open: GraphDevice, compileLoop: GraphDevice["compileLoop"]): GraphDevice {
  return {
    ...open,
    compileLoop: async (spec) => {
      mark("objective, kernels, start");
      const program = await compileLoop(spec);
      mark("device program");
      return {
        ...program,
        steps: async (first) => {
          // The least there is: one step.
          await program.steps(first, 1);
          mark("first step");
          return report();
        },
      } satisfies LoopProgram;
    },
  };
}

async function tensorFlow(): Promise<GraphDevice> {
  const { openTensorFlow } = await import("../../src/device/tensorflow/index.js");
  const { compileLoop } = await import("../../src/device/tensorflow/loop.js");
  const { loadPackage } = await import("../../src/device/tensorflow/package.js");
  mark("modules of the device");
  const open = await openTensorFlow();
  const { addon } = loadPackage("f64");
  mark("opening the device");
  const own: Pick<TensorFlowAddon, "loadSavedModel" | "runSavedModel"> = {
    loadSavedModel: (folder, tags) => {
      mark("  encoding");
      const loaded = addon.loadSavedModel(folder, tags);
      mark("  loading the graph");
      return loaded;
    },
    runSavedModel: (...args) => {
      mark("  (host)");
      const result = addon.runSavedModel(...args);
      mark(`  run for ${args[3].split(",")[0]}`);
      return result;
    },
  };
  // The addon's own properties cannot be written, nor a proxy of it give others.
  const told = new Proxy({} as TensorFlowAddon, {
    get: (_, name) => Reflect.get(name in own ? own : addon, name) as unknown,
  });
  return watched(open, async (spec) => compileLoop(told, spec, "double"));
}

async function webGpu(): Promise<GraphDevice> {
  const { openGpu, WebGpuDevice } = await import("../../src/device/webgpu/adapter.js");
  const { asGraphDevice } = await import("../../src/device/webgpu/device.js");
  mark("modules of the device");
  const { gpu, info } = await openGpu();
  mark("opening the device");
  // What a driver takes for a kernel that does nothing.
  const layout = new WebGpuDevice(gpu, info).layouts(1).pipeline;
  const trivial = "@compute @workgroup_size(1)\nfn main() {}\n";
  const begun = performance.now();
  const module = gpu.createShaderModule({ code: trivial });
  await gpu.createComputePipelineAsync({ layout, compute: { module, entryPoint: "main" } });
  const wall = performance.now() - begun;
  pipelines.push({ label: "(an empty kernel)", bytes: trivial.length, wall });
  mark("(an empty kernel)");
  const codes = new Map<object, string>();
  const proxy = new Proxy(gpu, {
    get: (target, name) => {
      if (name === "createShaderModule") {
        return (d: Parameters<typeof gpu.createShaderModule>[0]) => {
          const made = gpu.createShaderModule(d);
          codes.set(made, d.code);
          return made;
        };
      }
      if (name === "createComputePipelineAsync") {
        return async (d: Parameters<typeof gpu.createComputePipelineAsync>[0]) => {
          const start = performance.now();
          const made = await gpu.createComputePipelineAsync(d);
          const code = codes.get(d.compute.module) ?? "";
          const kept = texts === undefined ? {} : { code };
          const taken = performance.now() - start;
          pipelines.push({ label: d.label ?? "", bytes: code.length, wall: taken, ...kept });
          return made;
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const open = asGraphDevice(new WebGpuDevice(proxy, info));
  return watched(open, open.compileLoop);
}

mark("Node");
const { compile, infer, svi, vi } = await import("../../src/index.js");
mark("modules of the API");
const { openers } = await import("../../src/run/device/open.js");
const { firstModels } = await import("./first-step-models.js");
const { text, model, data, batch } = firstModels[name as keyof typeof firstModels]();
mark("(data)");
if (device !== "cpu") {
  const open = device === "webgpu" ? await webGpu() : await tensorFlow();
  const table = openers as Record<string, () => Promise<GraphDevice>>;
  table[device] = async () => open;
}
mark("(bench)");
const program = compile(text, { model });
mark("text to model");
await infer(program, {
  data,
  method: batch ? svi({ batch, steps: 100, draws: 1 }) : vi({ steps: 100, draws: 1 }),
  seed: 1,
  threads: 1,
  device: device as "cpu",
  onProgress: ({ done }) => {
    if (done === 0) return;
    mark("objective, kernels, first step");
    report();
  },
});
// `vi` on the CPU tells of no step: a hundred of eight schools take less than a millisecond.
mark("objective, kernels, start, 100 steps");
report();
