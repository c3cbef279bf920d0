/** EM, CAVI and blocked Gibbs on WebGPU: the CPU's results to single precision, and its guard. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { ascend } from "../../../src/run/cavi.js";
import { maximise } from "../../../src/run/em.js";
import { cavi, em } from "../../../src/run/methods.js";
import { jobOf } from "../run/fixtures.js";
import { caviCases, emCases, emModel, expectPartitions, points } from "../run/mixtures.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("mixtures on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  test.each(emCases)("%s", async (name, data) => {
    const { run } = jobOf(emModel(name), data);
    // On the CPU to the tolerance that single precision has.
    const method = em({ restarts: 1, tolerance: 1e-7 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: on }, method);
    expect(there.figures.device).toBe("webgpu");
    // A chain's steps are dispatches: there a call is one pass.
    expect(there.figures.m_steps).toContain(name === "hmm" ? "cpu: `z`" : "device");
    const [a, b] = [here, there].map((f) => (f.figures.log_likelihood as { final: number }).final);
    expect(Math.abs(a - b)).toBeLessThan(1e-5 * Math.abs(a));
    there.chains[0].values.forEach((v, k) => {
      // A log likelihood that is flat to 1e-7 leaves the estimates a thousandth of their scale.
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(5e-3 * (1 + Math.abs(v)));
    });
  });

  test("data a thousand spreads from 0", async () => {
    const x = points(240).map((row) => row.map((v) => v + 3000));
    const { run } = jobOf(emModel("mixture_full"), { N: 240, K: 3, D: 2, x });
    const method = em({ restarts: 1, tolerance: 1e-7 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: on }, method);
    expect(there.warnings.map((w) => w.code)).not.toContain("device_rough");
    there.chains[0].values.forEach((v, k) => {
      // Covariances are of size 1 to 10: 0.1 % of a mean would be as large.
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(0.05);
    });
  });

  test("in blocks of items, one of them shorter", async () => {
    const [[name, data]] = emCases;
    const { run } = jobOf(emModel(name), { ...data, N: 239, x: points(239) });
    const method = em({ restarts: 1, tolerance: 1e-7 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: { ...on, room: 1000 } }, method);
    there.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(5e-3 * (1 + Math.abs(v)));
    });
    for (const [element, { mean }] of there.exact ?? []) {
      expect(mean).toBeCloseTo(here.exact?.get(element)?.mean ?? Number.NaN, 2);
    }
  });

  test("blocked Gibbs in blocks of items: frequencies of partitions", async () => {
    await expectPartitions({ ...on, room: 200 }, 600);
  });

  test.each(caviCases)("CAVI: %s", async (_, text, data) => {
    const { run } = jobOf(text, data);
    const method = cavi({ restarts: 1, draws: 20, tolerance: 1e-7 });
    const here = await ascend(run, method);
    const there = await ascend({ ...run, device: on }, method);
    for (const [element, { mean, sd = Number.NaN }] of there.exact ?? []) {
      const exact = here.exact?.get(element);
      expect(Math.abs(mean - (exact?.mean ?? Number.NaN))).toBeLessThan(
        5e-3 * (1 + Math.abs(mean)),
      );
      expect(Math.abs(sd - (exact?.sd ?? Number.NaN))).toBeLessThan(5e-3 * (1 + sd));
    }
    expect(there.exact?.size).toBe(here.exact?.size);
  });

  test("blocked Gibbs: frequencies of partitions of six items", async () => {
    await expectPartitions(on, 700);
  });
});
