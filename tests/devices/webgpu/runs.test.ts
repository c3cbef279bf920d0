/** Methods on WebGPU from end to end, against the CPU's results. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { asGraphDevice } from "../../../src/device/webgpu/index.js";
import { sampleMany } from "../../../src/run/device/many-chains.js";
import { hmc, svi, vi } from "../../../src/run/methods.js";
import { fitGuide } from "../../../src/run/variational.js";
import { exampleJob, flat, jobOf, learnOn, lineData, lines } from "../run/fixtures.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

describe.skipIf(device === undefined)("methods on WebGPU", () => {
  const on = (device && asGraphDevice(device)) as GraphDevice;

  test("svi with minibatches: params as on the CPU", async () => {
    const method = svi({ batch: { N: 16 }, steps: 1500, lr: 0.02, draws: 500 });
    const here = await learnOn(jobOf(lines, lineData), method);
    const there = await learnOn(jobOf(lines, lineData, on), method);
    // The same minibatches and noise: trajectories part by rounding alone, and the averages of the
    // last stage by less than its step size.
    flat(there.params).forEach((v, k) => {
      expect(Math.abs(v - flat(here.params)[k])).toBeLessThan(0.002);
    });
    const [a, b] = [here, there].map((f) => f.figures.elbo as { final: number; mcse: number });
    expect(Math.abs(a.final - b.final)).toBeLessThan(0.01 + a.mcse + b.mcse);
  });

  test("vi of eight schools: the bound as on the CPU", async () => {
    const method = vi({ steps: 3000, draws: 1000 });
    const here = await fitGuide(exampleJob("eight_schools").run, method);
    const there = await fitGuide(exampleJob("eight_schools", on).run, method);
    const [a, b] = [here, there].map((f) => f.figures.elbo as { final: number; mcse: number });
    expect(Math.abs(a.final - b.final)).toBeLessThan(0.02 + 4 * Math.hypot(a.mcse, b.mcse));
  });

  test("256 chains of eight schools: moments of reference draws", async () => {
    const method = hmc({ chains: 256, warmup: 150, draws: 5, thin: 3 });
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
