/** Opens the device for tests, where `setup-tensorflow.mjs` or the usual way put it; says if not. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { GraphDevice, Precision } from "../../../src/device/contract.js";
import { openTensorFlow } from "../../../src/device/tensorflow/index.js";
import { compileLoop } from "../../../src/device/tensorflow/loop.js";
import { loadPackage, type TensorFlowAddon } from "../../../src/device/tensorflow/package.js";
import { defaultFolder } from "./folder.mjs";

/** The folder that has the package; undefined: the usual places. */
export const folder: string | undefined =
  process.env.TILDE_TENSORFLOW ??
  (existsSync(join(defaultFolder, "node_modules")) ? defaultFolder : undefined);

/** The device, or undefined with a printed reason. */
export async function deviceForTests(precision: Precision): Promise<GraphDevice | undefined> {
  try {
    return await openTensorFlow({ precision, folder });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(
      `TensorFlow tests are skipped: ${reason} (setup-tensorflow.mjs sets one up for the CPU)`,
    );
    return undefined;
  }
}

/** The CPU's TensorFlow, whose loops become nodes of the graph, as on a GPU. */
export function loweringDevice(precision: Precision): Pick<GraphDevice, "compileLoop"> {
  const { addon } = loadPackage(precision, folder);
  const lowering: TensorFlowAddon = Object.create(addon, {
    isUsingGpuDevice: { value: () => true },
  });
  return {
    compileLoop: async (spec) =>
      compileLoop(lowering, spec, precision === "f64" ? "double" : "float"),
  };
}
