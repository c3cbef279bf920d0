/** Every case of learning on TensorFlow in f64: the steps are the CPU's. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { apart, learnCase, learningCases } from "../run/learning-cases.js";
import { correctionError, longMean, stepNumbers } from "../run/long-runs.js";
import { turnCases, turnError } from "../run/turn-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
const single = await deviceForTests("f32");
afterAll(() => {
  device?.close();
  single?.close();
});

describe.skipIf(device === undefined)("learning on TensorFlow", () => {
  test.each(learningCases)("$name", async (own) => {
    const here = await learnCase(own);
    const there = await learnCase(own, device as GraphDevice);
    expect(there.figures.device).toBe("tensorflow");
    expect(there.figures.steps).toBe(here.figures.steps);
    // Its exp and log round otherwise than ours: some units in the last place a step.
    const { params, seen } = apart(here, there);
    expect(params).toBeLessThan(1e-8);
    expect(seen).toBeLessThan(1e-7);
  });

  test.each(turnCases)("two graphs in turn, $name", async (own) => {
    expect(await turnError(own, device as GraphDevice)).toBeLessThan(1e-12);
  });
});

describe.skipIf(single === undefined)("long runs on TensorFlow in single precision", () => {
  const on = single as GraphDevice;

  test.each(stepNumbers)("Adam's correction after %i steps", async (before) => {
    expect(await correctionError(on, before)).toBeLessThan(1e-5);
  });

  test("the mean of many iterates, at step numbers about 2²⁴", async () => {
    const [here, there] = [await longMean(openCpuGraphs()), await longMean(on)];
    expect(Math.abs(here - 1000)).toBeGreaterThan(1e-3);
    expect(Math.abs(here - 1000)).toBeLessThan(0.05);
    expect(Math.abs(there - here)).toBeLessThan(1e-3);
  });
});
