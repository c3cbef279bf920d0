/** NUTS of many chains as one program: its draws against exact posteriors, and what it tells. */
import { describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { BOXED, controlOf, manyTrees } from "../../../src/inference/nuts/many.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { sampleMany } from "../../../src/run/device/many-chains.js";
import { deviceNoise } from "../../../src/run/device/noise.js";
import { VariableDiagnostics } from "../../../src/run/diagnostics/index.js";
import { nestedLimit, nestedRhat } from "../../../src/run/diagnostics/nested.js";
import { nuts } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { exampleJob, jobOf } from "./fixtures.js";

/** A column, chain after chain. */
function column(fit: FitData, name: string, element = 0): Float64Array {
  const latent = fit.latents.find((l) => l.name === name);
  const at = (latent?.offset ?? Number.NaN) + element;
  const width = fit.latents.reduce((n, l) => n + l.length, 0);
  return Float64Array.from(
    fit.chains.flatMap((c) => Array.from({ length: c.draws }, (_, t) => c.values[t * width + at])),
  );
}
const mean = (x: ArrayLike<number>): number => Array.from(x).reduce((s, v) => s + v, 0) / x.length;

const device = openCpuGraphs();

const correlated = `
model correlated(m: real[10], S: real[10, 10]) { x ~ MvNormal(m, cov: S) }`;
const DIMENSION = 10;
const means = Array.from({ length: DIMENSION }, (_, i) => i - 4);
/** Correlations 0.7^|i − j|, scales from 0.2 to 5. */
const covariance = Array.from({ length: DIMENSION }, (_, i) =>
  Array.from({ length: DIMENSION }, (_, j) => {
    const scale = (k: number): number => 0.2 * 25 ** (k / (DIMENSION - 1));
    return scale(i) * scale(j) * 0.7 ** Math.abs(i - j);
  }),
);

describe("NUTS of many chains", () => {
  test.each([
    ["diag", 256],
    ["dense", 96],
  ] as const)("a correlated normal to Monte Carlo error (%s)", async (metric, chains) => {
    const method = nuts({ chains, warmup: 100, draws: 10, metric });
    const job = jobOf(correlated, { m: means, S: covariance });
    const fit = await sampleMany(job.run, device, method);
    const summary = new VariableDiagnostics(chains, 10);
    for (let i = 0; i < DIMENSION; i++) {
      const x = column(fit, "x", i);
      expect(x.length).toBe(chains * 10);
      const { essBulk } = summary.summarise(x);
      expect(essBulk).toBeGreaterThan(x.length / 8);
      const variance = covariance[i][i];
      const error = mean(x) - means[i];
      expect(Math.abs(error)).toBeLessThan(5 * Math.sqrt(variance / essBulk));
      const found = mean(x.map((v) => (v - means[i]) ** 2));
      expect(Math.abs(found / variance - 1)).toBeLessThan(
        5 * Math.sqrt(2 / Math.min(essBulk, x.length / 4)),
      );
    }
    const accepted = fit.chains.flatMap((c) => [...(c.statistics.accept_stat ?? [])]);
    expect(Math.abs(mean(accepted) - 0.8)).toBeLessThan(0.06);
  });

  test("eight schools: moments of reference draws, nested R-hat", async () => {
    const method = nuts({ chains: 512, warmup: 120, draws: 10 });
    const fit = await sampleMany(exampleJob("eight_schools").run, device, method);
    expect(fit.superchains).toBe(16);
    // posteriordb's reference draws of eight_schools_noncentered.
    for (const [name, reference] of [
      ["mu", 4.41],
      ["tau", 3.6],
    ] as const) {
      const x = column(fit, name);
      const own = mean(x);
      const sd = Math.sqrt(mean(x.map((v) => (v - own) ** 2)));
      // Draws of one chain depend on each other: the chains alone are counted.
      expect(Math.abs(own - reference)).toBeLessThan((4 * sd) / Math.sqrt(512));
      expect(nestedRhat(x, 512, 10, 16)).toBeLessThan(nestedLimit(512, 16, 1.01) + 0.02);
    }
    const depths = fit.chains.flatMap((c) => [...(c.statistics.treedepth ?? [])]);
    const leaves = fit.chains.flatMap((c) => [...(c.statistics.n_leapfrog ?? [])]);
    expect(depths.every((depth, k) => leaves[k] >= 2 ** depth - 1)).toBe(true);
    expect(Math.max(...depths)).toBeLessThanOrEqual(10);
    // Chains wait for joins and at the ends of calls, not for each other.
    expect(fit.figures.moving as number).toBeGreaterThan(0.6);
    expect(fit.timing.gradients).toBeGreaterThan(leaves.reduce((a, b) => a + b));
  });

  test("thin, a depth limit and a given step size", async () => {
    const job = jobOf("model m() { x ~ Normal(0, 1) }", {});
    const options = { chains: 8, warmup: 0, draws: 12, stepSize: 1e-5, maxTreeDepth: 3 };
    const one = await sampleMany(job.run, device, nuts(options));
    const all = (fit: FitData, name: "treedepth" | "n_leapfrog" | "stepsize") =>
      fit.chains.flatMap((c) => [...(c.statistics[name] ?? [])]);
    expect(new Set(all(one, "treedepth"))).toEqual(new Set([3]));
    expect(new Set(all(one, "n_leapfrog"))).toEqual(new Set([7]));
    expect(new Set(all(one, "stepsize"))).toEqual(new Set([1e-5]));
    expect(one.maxTreeDepth).toBe(3);
    const thinned = await sampleMany(job.run, device, nuts({ ...options, draws: 4, thin: 3 }));
    expect(thinned.chains.map((c) => c.draws)).toEqual(Array.from({ length: 8 }, () => 4));
  });

  test("a run that is stopped keeps the draws that all chains have", async () => {
    let drawing = 0;
    const stop = new AbortController();
    const job = jobOf("model m() { x ~ Normal(0, 1) }", {}, undefined, {
      signal: stop.signal,
      onProgress: ({ phase }) => {
        if (phase === "sampling" && ++drawing === 3) stop.abort();
      },
    });
    const fit = await sampleMany(job.run, device, nuts({ chains: 16, warmup: 50, draws: 1000 }));
    expect(fit.interrupted).toBe(true);
    const counts = new Set(fit.chains.map((c) => c.draws));
    expect(counts.size).toBe(1);
    const [count] = counts;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(100);
  });

  test("a density that does not fall off has no step size", async () => {
    const flat: GraphDevice = {
      ...device,
      compileLoop: async (spec) => {
        const loop = await device.compileLoop(spec);
        return {
          ...loop,
          steps: async (first, count) => {
            const told = await loop.steps(first, count);
            // As many ended as had acceptance 1.
            told.told.fill(1);
            return told;
          },
        };
      },
    };
    const job = jobOf("model m() { x ~ Normal(0, 1) }", {});
    await expect(sampleMany(job.run, flat, nuts({ chains: 4 }))).rejects.toThrow(/step/);
  });
});

/** log density −x²/2. */
function normalDensity() {
  const g = new GraphBuilder();
  const q = g.input("q", [1]);
  return {
    inputs: [q],
    outputs: [
      { name: "lp", node: g.mul(-0.5, g.square(g.reshape(q, []))) },
      { name: "grad", node: g.neg(q) },
    ],
  };
}

describe("a pass", () => {
  const chains = 6;
  const box = 3;
  const made = manyTrees(normalDensity(), { chains, metric: "diag", maxDepth: 8, box, joins: 2 });
  const open = async () => {
    const noise = deviceNoise(made.noise);
    const loop = await device.compileLoop({ ...made, noise, mostSteps: 200 });
    loop.seed(3, 0);
    const sample_q = Float64Array.from({ length: chains }, (_, c) => c / 4);
    loop.set({
      sample_q,
      sample_lp: sample_q.map((x) => -x * x * 0.5),
      sample_grad: sample_q.map((x) => -x),
      fresh: new Float64Array(chains).fill(1),
      nuts_factor: [1],
    });
    return loop;
  };
  const names = Object.keys(made.state);

  test("draws do not depend on how passes are cut into calls", async () => {
    const control = { stepSize: 0.2, depth: 8, thin: 1, limit: 2 ** 24, keeps: false };
    const [one, many] = [await open(), await open()];
    for (const loop of [one, many]) loop.set({ nuts_control: controlOf(control) });
    await one.steps(0, 120);
    for (const [first, count] of [
      [0, 1],
      [1, 18],
      [19, 101],
    ]) {
      await many.steps(first, count);
    }
    expect(await many.read(names)).toEqual(await one.read(names));
    const { count } = await one.read(["count"]);
    expect(Math.min(...count)).toBeGreaterThan(2);
  });

  test("chains rest at full boxes and at the limit, and go on from there", async () => {
    const control = { stepSize: 0.4, depth: 8, thin: 2, limit: 10, keeps: true };
    const loop = await open();
    loop.set({ nuts_control: controlOf(control) });
    const drawn: number[][] = Array.from({ length: chains }, () => []);
    const width = 1 + BOXED.length;
    for (let call = 0; call < 4; call++) {
      await loop.steps(200 * call, 200);
      const {
        boxed,
        count,
        box: full,
        sample_q,
      } = await loop.read(["boxed", "count", "box", "sample_q"]);
      // Boxes of three hold six transitions each; four more are left to the limit.
      const wanted = [3, 2, 0, 0][call];
      expect([...boxed]).toEqual(Array.from({ length: chains }, () => wanted));
      expect([...count]).toEqual(
        Array.from({ length: chains }, () => Math.min(10, 6 * (call + 1))),
      );
      for (let c = 0; c < chains; c++) {
        for (let k = 0; k < boxed[c]; k++) drawn[c].push(full[(c * box + k) * width]);
        // The last draw is where the next trajectory will begin.
        expect(sample_q[c]).toBe(drawn[c].at(-1));
      }
      loop.set({ boxed: new Float64Array(chains) });
    }
    for (const own of drawn) expect(new Set(own).size).toBe(5);
  });
});
