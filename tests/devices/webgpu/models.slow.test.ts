/** The large examples in single precision against f64. */
import { afterAll, describe, test } from "vitest";
import type { WebGpuDevice } from "../../../src/device/webgpu/index.js";
import { compareExample, slowExamples } from "./examples.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("large examples on WebGPU", () => {
  // Params of a flow are exponents of scales: far out its density is one of 10⁸ nats, which the
  // guard refuses in single precision.
  const spreads: Readonly<Record<string, number>> = { two_moons: 0.05 };
  test.each(slowExamples)("%s", (name) =>
    compareExample(device as WebGpuDevice, name, spreads[name]),
  );
});
