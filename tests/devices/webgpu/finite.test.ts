/** Gibbs sampling of finite models with their labels drawn on WebGPU. */
import { afterAll, describe, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { expectAssignments, expectSame, finiteCases } from "../run/finite-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("Gibbs sampling of finite models on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  test("all assignments of five items", { timeout: 240_000 }, async () => {
    await expectAssignments(on, 500);
  });

  // Each compiles for seconds on a software Vulkan.
  const quick = finiteCases.filter((c) => c.isQuick === true);
  test.each(quick)("$name", { timeout: 240_000 }, async (own) => {
    await expectSame(own, on, 300);
  });
});
