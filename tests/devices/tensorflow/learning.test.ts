/** Every case of learning on TensorFlow in f64: the steps are the CPU's. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { apart, learnCase, learningCases } from "../run/learning-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
afterAll(() => device?.close());

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
});
