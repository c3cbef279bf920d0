/** EM on WebGPU: the CPU's estimates to single precision, and its guard. */
import { afterAll, describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { maximise } from "../../../src/run/em.js";
import { em } from "../../../src/run/methods.js";
import { jobOf } from "../run/fixtures.js";
import { emCases, emModel, points } from "../run/mixtures.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("EM on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  test.each(emCases)("%s", async (name, data) => {
    const { run } = jobOf(emModel(name), data);
    // On the CPU to the tolerance that single precision has.
    const method = em({ restarts: 1, tolerance: 1e-7 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: on }, method);
    expect(there.figures.device).toBe("webgpu");
    const [a, b] = [here, there].map((f) => (f.figures.log_likelihood as { final: number }).final);
    expect(Math.abs(a - b)).toBeLessThan(1e-5 * Math.abs(a));
    there.chains[0].values.forEach((v, k) => {
      // A log likelihood that is flat to 1e-7 leaves the estimates a thousandth of their scale.
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(5e-3 * (1 + Math.abs(v)));
    });
  });

  test("data far from 0 are refused with the numbers", async () => {
    const x = points(240).map((row) => row.map((v) => v + 20_000));
    const { run } = jobOf(emModel("mixture_full"), { N: 240, K: 3, D: 2, x });
    const refused = await maximise({ ...run, device: on }, em({ restarts: 1 })).catch((e) => e);
    expect(refused).toBeInstanceOf(TildeError);
    expect(refused.diagnostics[0].code).toBe("device_imprecise");
  });
});
