/** Modes and Laplace approximations on WebGPU, ended on the CPU in double precision. */
import { afterAll, describe, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { pointCases } from "../run/point-cases.js";
import { deviceForTests } from "./harness.js";
import { expectPoint } from "./points.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("modes on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  const quick = pointCases.filter((c) => c.isQuick === true);
  test.each(quick)("$method of $name", { timeout: 240_000 }, async (own) => {
    await expectPoint(own, on);
  });
});
