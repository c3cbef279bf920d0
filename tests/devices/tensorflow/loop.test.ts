/** Loops on the device: random streams, training, variational inference against the CPU. */
import { afterAll, describe, expect, test } from "vitest";
import type { DeviceNoise, GraphDevice, LoopProgram } from "../../../src/device/contract.js";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/index.js";
import { adamGraph, optimiserSettings } from "../../../src/device/optimise.js";
import { SITES } from "../../../src/inference/hamiltonian/random.js";
import {
  TAIL_START,
  zigguratEdges,
  zigguratHeights,
} from "../../../src/inference/hamiltonian/ziggurat.js";
import { type Noise, noiseKernels, seedNoise } from "../../../src/inference/stochastic/noise.js";
import { withGradient } from "../../../src/passes/grad/index.js";
import { SimplifyingBuilder } from "../../../src/passes/simplify/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { deviceForTests, loweringDevice } from "./harness.js";

const edges = zigguratEdges();
const tables = { edges, heights: zigguratHeights(edges), tailStart: TAIL_START };

/** The device's form of the CPU's noise. */
function deviceNoise(noise: readonly Noise[]): DeviceNoise[] {
  return noise.map(({ buffer, law }, k) => {
    const site = SITES.noise + 2 * k;
    const own = law.kind === "normal" ? { ...law, retrySite: site + 1, tables } : law;
    return { input: buffer, site, law: own };
  });
}

const noise: readonly Noise[] = [
  { buffer: "z", length: 20_001, law: { kind: "normal" } },
  { buffer: "u", length: 1001, law: { kind: "uniform" } },
  { buffer: "k", length: 3000, law: { kind: "index", of: 10_000_019 } },
];

/** The numbers of the CPU's kernels. */
function onCpu(seed: bigint, run: number): (step: number) => Float64Array[] {
  const { buffers, functions } = noiseKernels(noise);
  const own = noise.map((n) => ({
    name: n.buffer,
    element: "f64" as const,
    length: n.length + (n.length % 2),
    region: "workspace" as const,
  }));
  const program = compileKernels({ buffers: [...buffers, ...own], functions });
  const cpu = instantiate(program, createMemory(program, 1), 0);
  seedNoise(cpu.i32("mc_key"), seed, run);
  return (step) => {
    cpu.call("noise", step);
    return noise.map((n) => cpu.f64(n.buffer).slice(0, n.length));
  };
}

for (const precision of ["f64", "f32"] as const) {
  const device = await deviceForTests(precision);
  afterAll(() => device?.close());

  describe.skipIf(device === undefined)(`loops on TensorFlow in ${precision}`, () => {
    const on = device as GraphDevice;

    // Few steps: all numbers are drawn before the loop. Many: those of a step within it.
    test.each([
      [2, "calls of functions"],
      [3000, "calls of functions"],
      [2, "parts of the graph"],
    ] as const)(
      "the CPU's random streams, with up to %i steps a call, loops %s",
      async (mostSteps, loops) => {
        const seed = -1234567890123456789n;
        const g = new GraphBuilder();
        const inputs = noise.map((n) => g.input(n.buffer, [n.length]));
        const where = loops === "calls of functions" ? on : loweringDevice(precision);
        const loop = await where.compileLoop({
          graph: { inputs, outputs: inputs.map((node) => ({ name: node.name, node })) },
          state: {},
          noise: deviceNoise(noise),
          trace: noise.map((n) => n.buffer),
          mostSteps,
        });
        loop.seed(seed, 3);
        const first = 2 ** 31 - 1;
        const drawn = await loop.steps(first, 2);
        loop.close();
        const cpu = onCpu(seed, 3);
        for (const step of [0, 1]) {
          const exact = cpu(first + step);
          noise.forEach((n, k) => {
            const found = drawn[n.buffer].slice(step * n.length, (step + 1) * n.length);
            const wanted =
              precision === "f64" || n.law.kind === "index" ? exact[k] : exact[k].map(Math.fround);
            if (n.law.kind !== "normal") expect(found).toEqual(wanted);
            // Logarithms of a few in ten thousand draws may round otherwise.
            const differ = found.filter((v, i) => v !== wanted[i]).length;
            const worst = found.reduce((w, v, i) => Math.max(w, Math.abs(v - wanted[i])), 0);
            expect(differ).toBeLessThan(10);
            expect(worst).toBeLessThan(precision === "f64" ? 1e-14 : 1e-6);
          });
          expect(drawn.u.every((v) => v > 0 && v < 1)).toBe(true);
        }
      },
    );

    test("steps do not depend on how they are cut into calls", async () => {
      const g = new GraphBuilder();
      const [z, sum] = [g.input("z", [7]), g.input("sum", [7])];
      const total = g.add(sum, z);
      const loop = await on.compileLoop({
        graph: { inputs: [z, sum], outputs: [{ name: "next", node: total }] },
        state: { sum: "next" },
        noise: deviceNoise([{ buffer: "z", length: 7, law: { kind: "normal" } }]),
        trace: [],
        mostSteps: 50,
      });
      const runs: Float64Array[] = [];
      for (const cuts of [[50], [1, 0, 20, 29]]) {
        loop.set({ sum: new Float64Array(7) });
        loop.seed(5, 0);
        let done = 0;
        for (const count of cuts) {
          expect(await loop.steps(done, count)).toEqual({});
          done += count;
        }
        runs.push((await loop.read(["sum"])).sum);
      }
      loop.close();
      expect(runs[1]).toEqual(runs[0]);
      expect(runs[0].every((v) => v !== 0)).toBe(true);
    });

    /** Least squares of a line by Adam. */
    async function regression(rows: number): Promise<{ loop: LoopProgram; exact: number[] }> {
      const xs = Float64Array.from({ length: rows }, (_, i) => Math.sin(i));
      const ys = xs.map((x, i) => 1.5 - 0.7 * x + 0.1 * Math.cos(7 * i));
      const g = new GraphBuilder();
      const w = g.input("w", [2]);
      const [a, b] = [0, 1].map((k) => g.broadcast(g.reshape(g.slice(w, [k], [1]), []), [rows]));
      const r = g.sub(g.constant(ys, [rows]), g.add(a, g.mul(b, g.constant(xs, [rows]))));
      const value = g.mul(-0.5 / rows, g.sum(g.square(r)));
      const graph = withGradient(
        { inputs: [w], outputs: [{ name: "f", node: value }] },
        "f",
        { w: "dw" },
        new SimplifyingBuilder(),
      );
      const step = adamGraph(graph, { value: "f", gradient: "dw", params: "w" });
      const loop = await on.compileLoop({ ...step, noise: [], mostSteps: 300 });
      const settings = { rate: 0.1, clip: 0, averaging: false, beta1: 0.9, beta2: 0.999 };
      loop.set({ opt_settings: optimiserSettings(settings) });
      const mean = (f: (i: number) => number): number => xs.reduce((s, _, i) => s + f(i), 0) / rows;
      const [mx, my] = [mean((i) => xs[i]), mean((i) => ys[i])];
      const slope = mean((i) => (xs[i] - mx) * (ys[i] - my)) / mean((i) => (xs[i] - mx) ** 2);
      return { loop, exact: [my - slope * mx, slope] };
    }

    test.each([40, 60_000])("Adam finds the least squares of %i rows", async (rows) => {
      const { loop, exact } = await regression(rows);
      const first = await loop.steps(0, 200);
      expect(first.opt_taken.length).toBe(200);
      expect(first.opt_taken.every((t) => t === 1)).toBe(true);
      await loop.steps(200, 100);
      const { w } = await loop.read(["w"]);
      loop.close();
      exact.forEach((v, k) => {
        expect(w[k]).toBeCloseTo(v, 3);
      });
    });

    test("steps stop at a value that is not finite, and say so", async () => {
      const g = new GraphBuilder();
      const w = g.input("w", [1]);
      const value = g.log(g.sub(0.35, g.reshape(w, [])));
      const graph = withGradient(
        { inputs: [w], outputs: [{ name: "f", node: g.neg(value) }] },
        "f",
        { w: "dw" },
        new SimplifyingBuilder(),
      );
      const step = adamGraph(graph, { value: "f", gradient: "dw", params: "w" });
      const loop = await on.compileLoop({ ...step, noise: [], mostSteps: 10 });
      const settings = { rate: 0.1, clip: 0, averaging: false, beta1: 0.9, beta2: 0.999 };
      loop.set({ opt_settings: optimiserSettings(settings) });
      const { opt_taken } = await loop.steps(0, 10);
      const { w: last } = await loop.read(["w"]);
      loop.close();
      // 0, 0.1, 0.2, 0.3 are inside; the step to 0.4 is taken, and the next one is not.
      expect([...opt_taken]).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
      expect(last[0]).toBeGreaterThan(0.35);
    });
  });
}
