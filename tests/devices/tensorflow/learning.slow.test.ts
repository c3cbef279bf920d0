/** The whole table of learning on TensorFlow, and means of many iterates in single precision. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { learningCases } from "../run/learning-cases.js";
import { longMean } from "../run/long-runs.js";
import { deviceForTests } from "./harness.js";
import { sameSteps } from "./learning.js";

const device = await deviceForTests("f64");
const single = await deviceForTests("f32");
afterAll(() => {
  device?.close();
  single?.close();
});

describe.skipIf(device === undefined)("learning on TensorFlow", () => {
  test.each(learningCases.filter((c) => c.isQuick !== true))("$name", async (own) => {
    await sameSteps(own, device as GraphDevice);
  });

  test("the mean of many iterates, at step numbers about 2²⁴", async () => {
    const here = await longMean(openCpuGraphs());
    const there = await longMean(single as GraphDevice);
    expect(Math.abs(here - 1000)).toBeGreaterThan(1e-3);
    expect(Math.abs(here - 1000)).toBeLessThan(0.05);
    expect(Math.abs(there - here)).toBeLessThan(1e-3);
  });
});
