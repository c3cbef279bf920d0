/** EM, CAVI and blocked Gibbs on TensorFlow: the CPU's results in double precision. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { ascend } from "../../../src/run/cavi.js";
import { maximise } from "../../../src/run/em.js";
import { cavi, em } from "../../../src/run/methods.js";
import { jobOf } from "../run/fixtures.js";
import { caviCases, emCases, emModel, expectPartitions, points } from "../run/mixtures.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
afterAll(() => device?.close());

describe.skipIf(device === undefined)("mixtures on TensorFlow", () => {
  const on = device as GraphDevice;

  test.each(emCases)("%s", async (name, data) => {
    const { run } = jobOf(emModel(name), data);
    const method = em({ restarts: 2 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: on }, method);
    expect(there.figures.device).toBe("tensorflow");
    expect(there.figures.m_steps).toBe("device");
    expect(there.figures.device_iterations).toBeGreaterThan(2);
    there.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
    });
    for (const [element, figures] of there.exact ?? []) {
      expect(figures.mean).toBeCloseTo(here.exact?.get(element)?.mean ?? Number.NaN, 4);
    }
  });

  test("in blocks of items, one of them shorter", async () => {
    const [[name, data]] = emCases;
    const { run } = jobOf(emModel(name), { ...data, N: 239, x: points(239) });
    const method = em({ restarts: 1 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: { ...on, room: 1000 } }, method);
    there.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
    });
    for (const [element, { mean }] of there.exact ?? []) {
      expect(mean).toBeCloseTo(here.exact?.get(element)?.mean ?? Number.NaN, 4);
    }
  });

  test("blocked Gibbs in blocks of items: frequencies of partitions", async () => {
    await expectPartitions({ ...on, room: 200 }, 600);
  });

  test.each(caviCases)("CAVI: %s", async (_, text, data) => {
    const { run } = jobOf(text, data);
    const method = cavi({ restarts: 1, draws: 20 });
    const here = await ascend(run, method);
    const there = await ascend({ ...run, device: on }, method);
    for (const [element, { mean, sd = Number.NaN }] of there.exact ?? []) {
      const exact = here.exact?.get(element);
      expect(Math.abs(mean - (exact?.mean ?? Number.NaN))).toBeLessThan(
        1e-4 * (1 + Math.abs(mean)),
      );
      expect(Math.abs(sd - (exact?.sd ?? Number.NaN))).toBeLessThan(1e-4 * (1 + sd));
    }
    expect(there.exact?.size).toBe(here.exact?.size);
  });

  test("blocked Gibbs: frequencies of partitions of six items", async () => {
    await expectPartitions(on, 1500);
  });
});
