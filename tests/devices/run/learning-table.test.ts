/** Every case of the table through the contract of devices, by the CPU behind it. */
import { describe, expect, test } from "vitest";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { apart, learnCase, learningCases } from "./learning-cases.js";
import { correctionError, stepNumbers } from "./long-runs.js";
import { turnCases, turnError } from "./turn-cases.js";

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

  test.each(turnCases)("two graphs in turn, $name", async (own) => {
    expect(await turnError(own, openCpuGraphs())).toBeLessThan(1e-12);
  });

  test.each(stepNumbers)("Adam's correction after %i steps", async (before) => {
    expect(await correctionError(openCpuGraphs(), before)).toBeLessThan(1e-12);
  });
});
