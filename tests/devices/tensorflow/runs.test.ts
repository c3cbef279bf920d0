/** Fits on TensorFlow are those on the CPU: the same streams, the same steps. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { sampleMany } from "../../../src/run/device/many-chains.js";
import { hmc, nuts, svi, vi } from "../../../src/run/methods.js";
import { fitGuide } from "../../../src/run/variational.js";
import { exampleJob, flat, jobOf, learnOn, lineData, lines } from "../run/fixtures.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests("f64");
afterAll(() => device?.close());

describe.skipIf(device === undefined)("fits on TensorFlow", () => {
  const on = device as GraphDevice;

  test.each(["mean_field", "full_rank", "low_rank", "flow"] as const)(
    "vi of eight schools, %s",
    async (guide) => {
      const method = vi({ guide, steps: guide === "flow" ? 300 : 1500, samples: 2, draws: 200 });
      const here = await fitGuide(exampleJob("eight_schools").run, method);
      const there = await fitGuide(exampleJob("eight_schools", on).run, method);
      expect(there.figures.steps).toBe(here.figures.steps);
      there.chains[0].values.forEach((v, k) => {
        expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(1e-6 * (1 + Math.abs(v)));
      });
    },
  );

  test("svi with minibatches: the same params to rounding", async () => {
    const method = svi({ batch: { N: 16 }, steps: 600, lr: 0.02, draws: 200 });
    const here = await learnOn(jobOf(lines, lineData), method);
    const there = await learnOn(jobOf(lines, lineData, on), method);
    expect(there.figures.steps).toBe(here.figures.steps);
    expect(flat(there.params).length).toBeGreaterThan(0);
    flat(there.params).forEach((v, k) => {
      expect(v).toBeCloseTo(flat(here.params)[k], 9);
    });
  });

  test("HMC of 64 chains: the same draws as long as rounding does not tell", async () => {
    const method = hmc({ chains: 64, warmup: 40, draws: 4 });
    const here = await sampleMany(exampleJob("eight_schools").run, openCpuGraphs(), method);
    const there = await sampleMany(exampleJob("eight_schools").run, on, method);
    expect(there.chains.length).toBe(64);
    there.chains.forEach((chain, c) => {
      chain.values.forEach((v, k) => {
        expect(Math.abs(v - here.chains[c].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
      });
    });
  });

  test("NUTS of 64 chains: the same draws as long as rounding does not tell", async () => {
    const method = nuts({ chains: 64, warmup: 40, draws: 4 });
    const here = await sampleMany(exampleJob("eight_schools").run, openCpuGraphs(), method);
    const there = await sampleMany(exampleJob("eight_schools").run, on, method);
    expect(there.figures.passes).toBe(here.figures.passes);
    there.chains.forEach((chain, c) => {
      expect(chain.statistics.n_leapfrog).toEqual(here.chains[c].statistics.n_leapfrog);
      chain.values.forEach((v, k) => {
        expect(Math.abs(v - here.chains[c].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
      });
    });
  });
});
