/** Cases of learning on WebGPU: the steps are the CPU's but for rounding. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { apart, learnCase, learningCases } from "../run/learning-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("learning on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  test.each(learningCases.filter((c) => c.isQuick === true))("$name", async (own) => {
    const here = await learnCase(own);
    const there = await learnCase(own, on);
    expect(there.figures.device).toBe("webgpu");
    expect(there.figures.steps).toBe(here.figures.steps);
    // Sixty steps in numbers of 24 bits, of objectives whose gradients lose some of them to sums.
    const { params, seen } = apart(here, there);
    expect(params).toBeLessThan(2e-3);
    expect(seen).toBeLessThan(2e-3);
  });
});
