/** Learning through the contract of devices: the same streams, steps, ends and failures as the CPU's. */
import { describe, expect, test } from "vitest";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { svi, vi } from "../../../src/run/methods.js";
import { fitGuide } from "../../../src/run/variational.js";
import { exampleJob, flat, jobOf, learnOn, lineData, lines } from "./fixtures.js";

describe("svi through the contract", () => {
  const method = svi({ batch: { N: 16 }, steps: 600, lr: 0.02, draws: 200 });

  test("minibatches, noise and stages are the CPU's: the same params to rounding", async () => {
    const here = await learnOn(jobOf(lines, lineData), method);
    const there = await learnOn(jobOf(lines, lineData, openCpuGraphs()), method);
    expect(there.figures.steps).toBe(here.figures.steps);
    // Both take the same f64 steps; sums are in another order where a minibatch is gathered.
    flat(there.params).forEach((v, k) => {
      expect(v).toBeCloseTo(flat(here.params)[k], 9);
    });
    expect(flat(there.figures.elbo).length).toBe(flat(here.figures.elbo).length);
    flat(there.figures.elbo).forEach((v, k) => {
      expect(v).toBeCloseTo(flat(here.figures.elbo)[k], 7);
    });
  });

  test.each(["constant", "cosine"] as const)(
    "schedule %s, sgd with momentum and clipping",
    async (schedule) => {
      const own = svi({
        batch: { N: 7 },
        steps: 200,
        lr: 0.001,
        optimizer: "sgd",
        clip: 5,
        warmup: 20,
        schedule,
        draws: 50,
      });
      const here = await learnOn(jobOf(lines, lineData), own);
      const there = await learnOn(jobOf(lines, lineData, openCpuGraphs()), own);
      expect(JSON.stringify(there.params)).not.toBe("{}");
      flat(there.params).forEach((v, k) => {
        expect(v).toBeCloseTo(flat(here.params)[k], 9);
      });
    },
  );

  test("params with `then` have their next values there, and stay while estimates are made", async () => {
    const text = `
model m(N: int, y: real[N]) {
  param w: real = 3
  param mean: real = 1 then 0.9 * mean + 0.1 * w
  for i in 0..N { y[i] ~ Normal(w + 0.1 * mean, 1) }
}`;
    const own = svi({ objective: "maximum_likelihood", steps: 300, lr: 0.02, batch: { N: 3 } });
    const data = { y: [0.4, 1.2, -0.3, 2, 0.8] };
    const here = await learnOn(jobOf(text, data), own);
    const there = await learnOn(jobOf(text, data, openCpuGraphs()), own);
    const [a, b] = [here, there].map((f) => f.params as unknown as { w: number; mean: number });
    expect(Math.abs(a.mean - 1)).toBeGreaterThan(0.1);
    expect(b.w).toBeCloseTo(a.w, 9);
    expect(b.mean).toBeCloseTo(a.mean, 9);
  });

  test("states of baselines go from step to step", async () => {
    const text = `
model coins(N: int, y: real[N]) {
  for i in 0..N { k[i] ~ Bernoulli(0.4);  observe y[i] ~ Normal(if k[i] then 1 else -1, 1) }
}
guide labels(N: int, y: real[N]) for coins {
  param a: real = 0.1
  param b: real = 0.0
  for i in 0..N { k[i] ~ Bernoulli(logits: a * y[i] + b) using reinforce }
}`;
    const given = { N: 5, y: [0.2, 1.4, 0.3, -0.2, 0.8] };
    const own = svi({ steps: 300, draws: 50, lr: 0.02 });
    const here = await learnOn(jobOf(text, given), own);
    const there = await learnOn(jobOf(text, given, openCpuGraphs()), own);
    flat(there.params).forEach((v, k) => {
      expect(v).toBeCloseTo(flat(here.params)[k], 9);
    });
  });
});

describe("vi through the contract", () => {
  test.each(["mean_field", "full_rank", "low_rank", "flow"] as const)(
    "guide %s of eight schools",
    async (guide) => {
      const method = vi({ guide, steps: guide === "flow" ? 300 : 1500, samples: 2, draws: 200 });
      const here = await fitGuide(exampleJob("eight_schools").run, method);
      const there = await fitGuide(exampleJob("eight_schools", openCpuGraphs()).run, method);
      expect(there.figures.steps).toBe(here.figures.steps);
      there.chains[0].values.forEach((v, k) => {
        expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(1e-6 * (1 + Math.abs(v)));
      });
    },
  );
});
