/** Modes and Laplace approximations on TensorFlow: the CPU's in double precision. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { pointCases, pointOf, valuesApart } from "../run/point-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
afterAll(() => device?.close());

describe.skipIf(device === undefined)("modes on TensorFlow", () => {
  const on = device as GraphDevice;

  test.each(pointCases)("$method of $name", async (own) => {
    const here = await pointOf(own);
    const there = await pointOf(own, on);
    expect(there.figures.device).toBe("tensorflow");
    expect(there.figures.converged).toBe(true);
    expect(valuesApart(here, there)).toBeLessThan(1e-6);
  });
});
