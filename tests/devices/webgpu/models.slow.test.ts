/** The large examples in single precision against f64. */
import { afterAll, describe, test } from "vitest";
import type { WebGpuDevice } from "../../../src/device/webgpu/index.js";
import { compareExample, slowExamples } from "./examples.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("large examples on WebGPU", () => {
  test.each(slowExamples)("%s", (name) => compareExample(device as WebGpuDevice, name));
});
