/** WebGPU behind the contract of devices that take whole graphs. */
import type { GraphDevice } from "../contract.js";
import { openGpu, type WebGpuDevice } from "./adapter.js";
import { compileGraph } from "./graph.js";
import { compileLoop } from "./loop.js";

/** An open adapter as a `GraphDevice`. */
export function asGraphDevice(gpu: WebGpuDevice): GraphDevice {
  const { limits } = gpu;
  const features = gpu.features.filter((f) => !f.startsWith("dawn")).join(" ");
  return {
    name: "webgpu",
    precision: "f32",
    // Intermediate arrays share one binding.
    room: Math.min(2 ** 26, limits.maxStorageBufferBindingSize / 8),
    description: gpu.name,
    details: {
      "largest binding": `${Math.round(limits.maxStorageBufferBindingSize / 2 ** 20)} MiB`,
      "workgroup memory": `${Math.round(limits.maxComputeWorkgroupStorageSize / 2 ** 10)} KiB`,
      features: features === "" ? "none" : features,
    },
    compileGraph: (graph) => compileGraph(gpu, graph),
    compileLoop: (spec) => compileLoop(gpu, spec),
    close: () => gpu.close(),
  };
}

/** The most powerful adapter's device. @throws TildeError `webgpu_missing`, `webgpu_no_adapter` */
export async function openWebGpu(): Promise<GraphDevice> {
  return asGraphDevice(await openGpu());
}
