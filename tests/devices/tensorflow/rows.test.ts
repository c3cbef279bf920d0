/** Rows of minibatches drawn within a loop: the CPU's to the last one. */
import { afterAll, describe, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { expectShuffles, shuffleSizes } from "../shuffles.js";
import { deviceForTests, loweringDevice } from "./harness.js";

for (const precision of ["f64", "f32"] as const) {
  const device = await deviceForTests(precision);
  afterAll(() => device?.close());

  describe.skipIf(device === undefined)(`rows on TensorFlow in ${precision}`, () => {
    test.each(shuffleSizes)("of %i, %i a step", async (all, rows) => {
      await expectShuffles(device as GraphDevice, all, rows);
    });

    test("the same where loops are lowered into the graph, as on a GPU", async () => {
      const on = loweringDevice(precision);
      for (const [all, rows] of [
        [7, 7],
        [1000, 65],
      ]) {
        await expectShuffles(on, all, rows);
      }
    });

    test("above 2²⁴, where single precision counts no further", async () => {
      await expectShuffles(device as GraphDevice, 2 ** 24 + 4099, 50, [5n]);
    });
  });
}
