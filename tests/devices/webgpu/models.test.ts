/** Examples in single precision against f64: the graphs that real models make. */
import { afterAll, describe, test } from "vitest";
import type { WebGpuDevice } from "../../../src/device/webgpu/index.js";
import { compareExample, exampleNames, slowExamples } from "./examples.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("examples on WebGPU", () => {
  const names = exampleNames.filter((n) => !slowExamples.includes(n));
  test.each(names)("%s", (name) => compareExample(device as WebGpuDevice, name));
});
