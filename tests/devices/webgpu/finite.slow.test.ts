/** The rest of the table of finite models on WebGPU, and passes in blocks of items. */
import { afterAll, describe, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { expectSame, finiteCases } from "../run/finite-cases.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("Gibbs sampling of finite models on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  const rest = finiteCases.filter((c) => c.isQuick !== true);
  test.each(rest)("$name", { timeout: 300_000 }, async (own) => {
    await expectSame(own, on, 300);
  });

  test("in blocks of items", { timeout: 300_000 }, async () => {
    await expectSame(finiteCases[0], { ...on, room: 60 }, 200);
  });
});
