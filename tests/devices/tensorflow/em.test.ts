/** EM on TensorFlow: the CPU's iterations in double precision. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { maximise } from "../../../src/run/em.js";
import { em } from "../../../src/run/methods.js";
import { jobOf } from "../run/fixtures.js";
import { emCases, emModel } from "../run/mixtures.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
afterAll(() => device?.close());

describe.skipIf(device === undefined)("EM on TensorFlow", () => {
  const on = device as GraphDevice;

  test.each(emCases)("%s", async (name, data) => {
    const { run } = jobOf(emModel(name), data);
    const method = em({ restarts: 2 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: on }, method);
    expect(there.figures.device).toBe("tensorflow");
    there.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
    });
    for (const [element, figures] of there.exact ?? []) {
      expect(figures.mean).toBeCloseTo(here.exact?.get(element)?.mean ?? Number.NaN, 4);
    }
  });
});
