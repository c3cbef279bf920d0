/** Rows of minibatches drawn on the device, and data in several buffers. */
import { afterAll, describe, test } from "vitest";
import { asGraphDevice, type WebGpuDevice } from "../../../src/device/webgpu/index.js";
import { expectShuffles, shuffleSizes } from "../shuffles.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("rows of minibatches on WebGPU", () => {
  const on = device as WebGpuDevice;

  test.each(shuffleSizes)("of %i, %i a step: the CPU's to the last one", async (all, rows) => {
    await expectShuffles(asGraphDevice(on), all, rows);
  });

  test("above 2²⁴, where single precision counts no further", async () => {
    await expectShuffles(asGraphDevice(on), 2 ** 24 + 4099, 50, [5n]);
  });
});
