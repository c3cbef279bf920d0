/** Every case of the table through the contract of devices, by the CPU behind it. */
import { describe, expect, test } from "vitest";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { pointCases, pointOf, valuesApart } from "./point-cases.js";

describe("modes through the contract", () => {
  test.each(pointCases)("$method of $name", async (own) => {
    const here = await pointOf(own);
    const there = await pointOf(own, openCpuGraphs());
    expect(there.figures.device).toBe("cpu");
    expect(there.figures.converged).toBe(here.figures.converged);
    expect(valuesApart(here, there)).toBeLessThan(1e-6);
  });
});
