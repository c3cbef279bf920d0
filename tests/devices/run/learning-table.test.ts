/** Every case of the table through the contract of devices, by the CPU behind it. */
import { describe, expect, test } from "vitest";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { apart, learnCase, learningCases } from "./learning-cases.js";

describe("learning through the contract", () => {
  test.each(learningCases)("$name", async (own) => {
    const here = await learnCase(own);
    const there = await learnCase(own, openCpuGraphs());
    expect(there.figures.device).toBe("cpu");
    expect(there.figures.steps).toBe(here.figures.steps);
    expect(there.figures.converged).toBe(here.figures.converged);
    // Both take the same steps in f64: sums are in another order, and nothing blows that up so soon.
    const { params, seen } = apart(here, there);
    expect(params).toBeLessThan(1e-9);
    expect(seen).toBeLessThan(1e-8);
  });
});
