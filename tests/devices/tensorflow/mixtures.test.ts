/** EM, CAVI and blocked Gibbs on TensorFlow: the CPU's results in double precision. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { ascend } from "../../../src/run/cavi.js";
import { maximise } from "../../../src/run/em.js";
import { cavi, em, gibbs } from "../../../src/run/methods.js";
import { sampleProcess } from "../../../src/run/process.js";
import { normalModel } from "../../helpers/cluster-models.js";
import {
  exactPosterior,
  expectFrequencies,
  subsetMarginal,
} from "../../inference/dp/partitions.js";
import { jobOf } from "../run/fixtures.js";
import { caviCases, emCases, emModel } from "../run/mixtures.js";
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
    there.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
    });
    for (const [element, figures] of there.exact ?? []) {
      expect(figures.mean).toBeCloseTo(here.exact?.get(element)?.mean ?? Number.NaN, 4);
    }
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
    const y = [-1.3, -0.9, 0.2, 0.8, 1.4, 2.1];
    const text = `model known(N: int) {
      for k in 0.. { mu[k] ~ Normal(0.3, 1.5) }
      for i in 0..N { z[i] ~ CRP(1.0); x[i] ~ Normal(mu[z[i]], 0.6) }
    }`;
    const { run } = jobOf(text, { N: 6, x: y });
    const method = gibbs({ chains: 1, warmup: 50, draws: 1500, thin: 2, truncation: 24 });
    const fit = await sampleProcess({ ...run, device: on }, method);
    expect(fit.figures.device).toBe("tensorflow");
    const model = normalModel(Float64Array.from(y), { sigma: 0.6, mean: 0.3, sd: 1.5 });
    const exact = exactPosterior(6, 1, subsetMarginal(model));
    const draws = fit.process?.chains[0].draws;
    if (draws === undefined) throw new Error("no draws");
    expectFrequencies(draws, exact.partitions, exact.masses);
  });
});
