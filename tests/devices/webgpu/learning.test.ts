/** Cases of learning on WebGPU: the steps are the CPU's but for rounding. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { learningCases } from "../run/learning-cases.js";
import { correctionError, longMean, stepNumbers } from "../run/long-runs.js";
import { turnCases, turnError } from "../run/turn-cases.js";
import { deviceForTests } from "./harness.js";
import { sameSteps } from "./learning.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("learning on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  test.each(learningCases.filter((c) => c.isQuick === true))("$name", (own) => sameSteps(own, on));

  test.each(turnCases)("two graphs in turn, $name", async (own) => {
    expect(await turnError(own, on)).toBeLessThan(1e-4);
  });

  test.each(stepNumbers)("Adam's correction after %i steps", async (before) => {
    expect(await correctionError(on, before)).toBeLessThan(1e-5);
  });

  test("the mean of iterates, at step numbers about 2²⁴", async () => {
    // Long runs are TensorFlow's: a software Vulkan takes 3 ms for a step of one workgroup.
    const [here, there] = [await longMean(openCpuGraphs(), 1200), await longMean(on, 1200)];
    expect(Math.abs(here - 1000)).toBeGreaterThan(1e-3);
    expect(Math.abs(there - here)).toBeLessThan(1e-3);
  });
});
