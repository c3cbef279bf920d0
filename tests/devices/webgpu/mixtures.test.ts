/** EM, CAVI and blocked Gibbs on WebGPU: the CPU's results to single precision, and its guard. */
import { afterAll, describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
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
import { caviCases, emCases, emModel, points } from "../run/mixtures.js";
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

  test.each(caviCases)("CAVI: %s", async (_, text, data) => {
    const { run } = jobOf(text, data);
    const method = cavi({ restarts: 1, draws: 20, tolerance: 1e-7 });
    const here = await ascend(run, method);
    const there = await ascend({ ...run, device: on }, method);
    for (const [element, { mean, sd }] of there.exact ?? []) {
      const exact = here.exact?.get(element);
      expect(Math.abs(mean - (exact?.mean ?? Number.NaN))).toBeLessThan(
        5e-3 * (1 + Math.abs(mean)),
      );
      expect(Math.abs(sd - (exact?.sd ?? Number.NaN))).toBeLessThan(5e-3 * (1 + sd));
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
    const method = gibbs({ chains: 1, warmup: 50, draws: 700, thin: 2, truncation: 24 });
    const fit = await sampleProcess({ ...run, device: on }, method);
    expect(fit.figures.device).toBe("webgpu");
    const model = normalModel(Float64Array.from(y), { sigma: 0.6, mean: 0.3, sd: 1.5 });
    const exact = exactPosterior(6, 1, subsetMarginal(model));
    const draws = fit.process?.chains[0].draws;
    if (draws === undefined) throw new Error("no draws");
    expectFrequencies(draws, exact.partitions, exact.masses);
  });
});
