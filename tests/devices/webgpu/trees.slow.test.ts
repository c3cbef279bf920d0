/** A whole run of NUTS with many chains on WebGPU. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { sampleMany } from "../../../src/run/device/many-chains.js";
import { nuts } from "../../../src/run/methods.js";
import { exampleJob } from "../run/fixtures.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("NUTS of many chains on WebGPU", () => {
  test("256 chains of eight schools: moments of reference draws", {
    timeout: 600_000,
  }, async () => {
    const on = (device && asGraphDevice(device)) as GraphDevice;
    const method = nuts({ chains: 256, warmup: 100, draws: 5 });
    const fit = await sampleMany(exampleJob("eight_schools").run, on, method);
    const width = fit.latents.reduce((n, l) => n + l.length, 0);
    // posteriordb's reference draws of eight_schools_noncentered.
    for (const [name, mean] of [
      ["mu", 4.41],
      ["tau", 3.6],
    ] as const) {
      const at = fit.latents.find((l) => l.name === name)?.offset ?? -1;
      const all = fit.chains.flatMap((c) => [0, 1, 2, 3, 4].map((t) => c.values[t * width + at]));
      const found = all.reduce((a, b) => a + b) / all.length;
      const sd = Math.sqrt(all.reduce((s, v) => s + (v - found) ** 2, 0) / all.length);
      // Draws of one chain depend on each other: the chains alone are counted.
      expect(Math.abs(found - mean)).toBeLessThan((4 * sd) / Math.sqrt(fit.chains.length));
    }
  });
});
