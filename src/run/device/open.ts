/** Opens devices, each loaded on first use. */
import type { GraphDevice, GraphDeviceName } from "../../device/contract.js";
import type { DeviceChoice } from "./choices.js";

/** Every device that takes whole graphs. @throws TildeError where one is not at hand, and why */
export const openers: { readonly [N in GraphDeviceName]: () => Promise<GraphDevice> } = {
  cpu: async () => (await import("./cpu-graphs.js")).openCpuGraphs(),
  tensorflow: async () => {
    const { openTensorFlow } = await import("../../device/tensorflow/index.js");
    return await openTensorFlow();
  },
  webgpu: async () => {
    const { openWebGpu } = await import("../../device/webgpu/index.js");
    return await openWebGpu();
  },
};

/** The device of a run, to be closed after it; undefined where the CPU's own way is wanted. */
export async function deviceOf(choice: DeviceChoice | undefined): Promise<GraphDevice | undefined> {
  if (choice === undefined || choice === "cpu" || choice === "auto") return undefined;
  return await openers[choice]();
}
