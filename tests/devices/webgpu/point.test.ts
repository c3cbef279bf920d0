/** Modes and Laplace approximations on WebGPU, ended on the CPU in double precision. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { pointCases, pointOf, valuesApart } from "../run/point-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("modes on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  test.each(pointCases)("$method of $name", async (own) => {
    const here = await pointOf(own);
    const there = await pointOf(own, on);
    expect(there.figures.device).toBe("webgpu");
    expect(there.figures.converged).toBe(true);
    expect(valuesApart(here, there)).toBeLessThan(1e-3);
  });
});
