/** HMC of many chains as one program: its draws against exact posteriors. */
import { describe, expect, test } from "vitest";
import { manyChains, pathOf } from "../../../src/inference/hmc/many.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { sampleMany } from "../../../src/run/device/many-chains.js";
import { hmc } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { exampleJob, jobOf } from "./fixtures.js";

/** Mean and variance of a column over all chains and draws. */
function moments(fit: FitData, name: string): { mean: number; variance: number; n: number } {
  const latent = fit.latents.find((l) => l.name === name);
  const width = fit.latents.reduce((n, l) => n + l.length, 0);
  const all = fit.chains.flatMap((c) =>
    Array.from({ length: c.draws }, (_, t) => c.values[t * width + (latent?.offset ?? 0)]),
  );
  const mean = all.reduce((s, v) => s + v, 0) / all.length;
  const variance = all.reduce((s, v) => s + (v - mean) ** 2, 0) / (all.length - 1);
  return { mean, variance, n: all.length };
}

const gaussian = `
model gaussian(N: int, y: real[N]) {
  mu ~ Normal(1, 2)
  x ~ Normal(mu, 0.5)
  for i in 0..N { observe y[i] ~ Normal(mu, 1.5) }
}`;

describe("HMC of many chains", () => {
  const device = openCpuGraphs();

  test.each(["diag", "dense"] as const)(
    "a normal posterior to Monte Carlo error (%s)",
    async (metric) => {
      const y = [2.1, 3.4, 1.2, 2.8];
      const method = hmc({ chains: 1500, warmup: 150, draws: 4, metric, thin: 2 });
      const fit = await sampleMany(jobOf(gaussian, { N: 4, y }).run, device, method);
      const precision = 1 / 4 + 4 / 2.25;
      const mean = (1 / 4 + y.reduce((a, b) => a + b) / 2.25) / precision;
      // Draws of a chain are taken as independent: five standard errors leave room for what they are not.
      for (const [name, variance] of [
        ["mu", 1 / precision],
        ["x", 1 / precision + 0.25],
      ] as const) {
        const found = moments(fit, name);
        expect(found.n).toBe(6000);
        expect(Math.abs(found.mean - mean)).toBeLessThan(5 * Math.sqrt(variance / found.n));
        expect(Math.abs(found.variance / variance - 1)).toBeLessThan(5 * Math.sqrt(2 / found.n));
      }
      const accepted = fit.chains.map((c) => c.statistics.accept_stat?.[3] ?? 0);
      expect(accepted.reduce((a, b) => a + b) / accepted.length).toBeGreaterThan(0.7);
    },
  );

  test("eight schools: moments of reference draws", async () => {
    const method = hmc({ chains: 1024, warmup: 300, draws: 4, thin: 4 });
    const fit = await sampleMany(exampleJob("eight_schools").run, device, method);
    // posteriordb's reference draws of eight_schools_noncentered: mean 4.41, 3.6.
    const [mu, tau] = [moments(fit, "mu"), moments(fit, "tau")];
    expect(Math.abs(mu.mean - 4.41)).toBeLessThan(5 * Math.sqrt(mu.variance / 1024));
    expect(Math.abs(tau.mean - 3.6)).toBeLessThan(5 * Math.sqrt(tau.variance / 1024));
    expect(fit.chains.length).toBe(1024);
  });

  test("a transition whose energy is not finite goes back and is a divergence", async () => {
    const g = new GraphBuilder();
    const q = g.input("q", [1]);
    const x = g.reshape(q, []);
    // log x has no value where a step leads below 0.
    const density = {
      inputs: [q],
      outputs: [
        { name: "lp", node: g.log(x) },
        { name: "grad", node: g.reciprocal(q) },
      ],
    };
    const { graph, state, trace } = manyChains(density, 2, "diag");
    const loop = await device.compileLoop({ graph, state, trace, noise: [], mostSteps: 10 });
    loop.set({ hmc_inverse: [1], hmc_factor: [1], hmc_path: pathOf(1, 1, 0) });
    loop.set({
      q: [1, 1],
      lp: [0, 0],
      grad: [1, 1],
      hmc_normals: [-5, 0],
      hmc_uniforms: [0.5, 0.5],
    });
    loop.set({ hmc_jitters: [0.5, 0.5] });
    const { acceptance } = await loop.steps(0, 1);
    const found = await loop.read(["q", "lp", "grad", "divergent", "accept", "hmc_at"]);
    expect([...found.divergent]).toEqual([1, 0]);
    expect(found.q[0]).toBe(1);
    expect(found.q[1]).toBe(1.5);
    expect([...found.lp]).toEqual([0, Math.log(1.5)]);
    expect(found.grad[0]).toBe(1);
    expect(acceptance[0]).toBeCloseTo((0 + found.accept[1]) / 2, 12);
    expect(found.hmc_at[0]).toBe(0);
  });
});
