/** The whole table of learning on WebGPU: a software Vulkan compiles some cases for minutes. */
import { afterAll, describe, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { learningCases } from "../run/learning-cases.js";
import { deviceForTests } from "./harness.js";
import { sameSteps } from "./learning.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("learning on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  test.each(learningCases.filter((c) => c.isQuick !== true))(
    "$name",
    (own) => sameSteps(own, on),
    600_000,
  );
});
