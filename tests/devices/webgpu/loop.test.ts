/** Loops on the device: random streams, training, variational inference against the CPU. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { DeviceNoise } from "../../../src/device/contract.js";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/index.js";
import { adamGraph, optimiserSettings } from "../../../src/device/optimise.js";
import {
  compileGraph,
  compileLoop,
  type WebGpuDevice,
  type WebGpuLoop,
} from "../../../src/device/webgpu/index.js";
import { SITES } from "../../../src/inference/hamiltonian/random.js";
import {
  TAIL_START,
  zigguratEdges,
  zigguratHeights,
} from "../../../src/inference/hamiltonian/ziggurat.js";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { SETTINGS, withOptimiser } from "../../../src/inference/stochastic/adam.js";
import { type Noise, noiseKernels, seedNoise } from "../../../src/inference/stochastic/noise.js";
import { guides } from "../../../src/inference/vi/guides/index.js";
import { boundKernels, setWhitening } from "../../../src/inference/vi/objective.js";
import { collapse } from "../../../src/passes/collapse/index.js";
import { withGradient } from "../../../src/passes/grad/index.js";
import { SimplifyingBuilder, simplify } from "../../../src/passes/simplify/index.js";
import { checkSource, conditionRaw, selectModel } from "../../../src/run/compile.js";
import { parseJson } from "../../../src/run/data/files.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import type { Graph, Node } from "../../../src/tensor/ops.js";
import { substitute } from "../../../src/tensor/transform.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

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

describe.skipIf(device === undefined)("loops on WebGPU", () => {
  const on = device as WebGpuDevice;

  test("the random streams are the CPU's: whole numbers to the bit, real ones to 1e-6", async () => {
    const noise: Noise[] = [
      { buffer: "z", length: 20_001, law: { kind: "normal" } },
      { buffer: "u", length: 1001, law: { kind: "uniform" } },
      { buffer: "k", length: 3000, law: { kind: "index", of: 10_000_019 } },
    ];
    const room = (n: Noise): number => n.length + (n.length % 2);
    const { buffers, functions } = noiseKernels(noise);
    const own = noise.map((n) => ({
      name: n.buffer,
      element: "f64" as const,
      length: room(n),
      region: "workspace" as const,
    }));
    const program = compileKernels({ buffers: [...buffers, ...own], functions });
    const cpu = instantiate(program, createMemory(program, 1), 0);
    const seed = -1234567890123456789n;
    seedNoise(cpu.i32("mc_key"), seed, 3);
    const g = new GraphBuilder();
    const inputs = noise.map((n) => g.input(n.buffer, [n.length]));
    const loop = await compileLoop(on, {
      graph: { inputs, outputs: inputs.map((node) => ({ name: node.name, node })) },
      state: {},
      noise: deviceNoise(noise),
      trace: noise.map((n) => n.buffer),
      mostSteps: 2,
    });
    loop.seed(seed, 3);
    const drawn = await loop.steps(41, 2);
    loop.close();
    for (const step of [0, 1]) {
      cpu.call("noise", 41 + step);
      const row = (n: Noise) => drawn[n.buffer].slice(step * n.length, (step + 1) * n.length);
      const exact = (n: Noise) => cpu.f64(n.buffer).slice(0, n.length);
      expect(row(noise[2])).toEqual(exact(noise[2]));
      for (const n of noise.slice(0, 2)) {
        const e = exact(n);
        const worst = row(n).reduce((w, v, i) => Math.max(w, Math.abs(v - e[i])), 0);
        expect(worst, n.buffer).toBeLessThan(1e-6);
      }
      const u = row(noise[1]);
      expect(u.every((v) => v > 0 && v < 1)).toBe(true);
    }
  });

  /** Least squares of a line, in one workgroup or (with many rows) in many dispatches. */
  async function regression(rows: number): Promise<{ loop: WebGpuLoop; exact: number[] }> {
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
    const loop = await compileLoop(on, { ...step, noise: [], mostSteps: 300 });
    const settings = { rate: 0.1, clip: 0, averaging: false, beta1: 0.9, beta2: 0.999 };
    loop.set({ opt_settings: optimiserSettings(settings) });
    const mean = (f: (i: number) => number): number => xs.reduce((s, _, i) => s + f(i), 0) / rows;
    const [mx, my] = [mean((i) => xs[i]), mean((i) => ys[i])];
    const slope = mean((i) => (xs[i] - mx) * (ys[i] - my)) / mean((i) => (xs[i] - mx) ** 2);
    return { loop, exact: [my - slope * mx, slope] };
  }

  test.each([
    [40, 1],
    [100_000, 8],
  ])("Adam finds the least squares of %i rows", async (rows, atMost) => {
    const { loop, exact } = await regression(rows);
    expect(loop.kernels.length).toBeLessThanOrEqual(atMost);
    if (rows > 1000) expect(loop.kernels.length).toBeGreaterThan(1);
    const first = await loop.steps(0, 200);
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
    const loop = await compileLoop(on, { ...step, noise: [], mostSteps: 10 });
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

/** The joint of eight schools with its data. */
function eightSchools() {
  const folder = resolve(import.meta.dirname, "../../../examples/eight_schools");
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const source = { path: "model.ppl", text: read("model.ppl") };
  const data = parseJson("data.json", read("data.json"));
  return buildLogJoint(conditionRaw(selectModel(checkSource(source), source), data), "vi");
}

describe.skipIf(device === undefined)("variational inference of eight schools", () => {
  const on = device as WebGpuDevice;
  const joint = eightSchools();
  const d = joint.dimension;
  const guide = guides.mean_field(d, { rank: 2, layers: 1, hidden: 4 });
  const samples = 4;
  const noise: Noise[] = [{ buffer: "eps", length: samples * d, law: { kind: "normal" } }];

  /** The bound of src/inference/vi/objective.ts at unit coordinates. */
  function bound(): Graph {
    const density = collapse(
      simplify({ inputs: [joint.q], outputs: [{ name: "lp", node: joint.logDensity }] }),
    );
    const g = new GraphBuilder();
    const phi = g.input("phi", [guide.params]);
    const frozen = g.input("frozen", [guide.params]);
    const eps = g.input("eps", [samples * d]);
    let sum: Node = g.constant(0);
    for (let s = 0; s < samples; s++) {
      const { z, logDensity } = guide.build(g, phi, frozen, g.slice(eps, [s * d], [d]));
      const [lp] = substitute(g, [density.outputs[0].node], new Map([[density.inputs[0], z]]));
      sum = g.add(sum, g.sub(lp, logDensity));
    }
    const outputs = [{ name: "bound", node: g.mul(1 / samples, sum) }];
    const graph = simplify({ inputs: [phi, frozen, eps], outputs });
    const both = simplify(withGradient(graph, "bound", { phi: "dphi" }, new SimplifyingBuilder()));
    // `frozen` is `phi` again, without its gradient.
    const h = new SimplifyingBuilder();
    const [p, e] = [h.input("phi", [guide.params]), h.input("eps", [samples * d])];
    const own = new Map<Node, Node>(both.inputs.map((n) => [n, n.name === "eps" ? e : p]));
    const nodes = substitute(
      h,
      both.outputs.map((o) => o.node),
      own,
    );
    return {
      inputs: [p, e],
      outputs: both.outputs.map((o, k) => ({ name: o.name, node: nodes[k] })),
    };
  }

  test("the same steps as on the CPU, and the same guide at the end", async () => {
    const module = withOptimiser(boundKernels(joint, guide, "diagonal", samples), {
      objective: "bound",
      params: "phi",
      gradient: "dphi",
      length: guide.params,
      noise,
      rule: "adam",
    });
    const program = compileKernels(module);
    const cpu = instantiate(program, createMemory(program, 1), 0);
    setWhitening(cpu, { center: new Float64Array(d), factor: new Float64Array(d).fill(1) });
    const settings = cpu.f64("opt_settings");
    settings[SETTINGS.rate] = 0.02;
    [settings[SETTINGS.beta1], settings[SETTINGS.beta2]] = [0.9, 0.999];
    [settings[SETTINGS.power1], settings[SETTINGS.power2]] = [1, 1];
    const run = { rate: 0.02, clip: 0, averaging: false, beta1: 0.9, beta2: 0.999 };
    const step = adamGraph(bound(), { value: "bound", gradient: "dphi", params: "phi" });
    const loop = await compileLoop(on, { ...step, noise: deviceNoise(noise), mostSteps: 1000 });
    // The whole step (noise, gradient, update) is one dispatch for all steps of a call.
    expect(loop.kernels.length).toBe(1);
    const phi = new Float64Array(guide.params);
    loop.set({ opt_settings: optimiserSettings(run), phi });
    cpu.f64("phi").set(phi);
    loop.seed(11, 0);
    seedNoise(cpu.i32("mc_key"), 11, 0);

    // Twenty steps: rounding has not yet been blown up by the trajectory.
    const traced = await loop.steps(0, 20);
    expect(cpu.call("opt_steps", 0, 20)).toBe(20);
    const trace = cpu.f64("opt_trace");
    for (let t = 0; t < 20; t++) {
      expect(Math.abs(traced.opt_value[t] - trace[t]), `step ${t}`).toBeLessThan(2e-3);
    }
    // To the plateau: the iterates differ by less than their noise, about the step size.
    for (let done = 20; done < 820; done += 400) {
      await loop.steps(done, 400);
      cpu.call("opt_steps", done, 400);
    }
    const end = await loop.read(["phi"]);
    loop.close();
    const exact = cpu.f64("phi");
    end.phi.forEach((v, k) => {
      expect(Math.abs(v - exact[k]), `element ${k}`).toBeLessThan(0.02);
    });
  });

  test("log density and gradient stay inside the precision guard", async () => {
    const { checkPrecision } = await import("../../../src/device/guard.js");
    const graph = simplify(
      withGradient(
        simplify({ inputs: [joint.q], outputs: [{ name: "lp", node: joint.logDensity }] }),
        "lp",
        { [joint.q.name]: "dq" },
        new SimplifyingBuilder(),
      ),
    );
    const program = await compileGraph(on, graph);
    const { evaluateGraph } = await import("../../../src/tensor/evaluate.js");
    const points = [0, 1, 2].map((k) =>
      Float64Array.from({ length: d }, (_, i) => Math.sin(3 * k + i)),
    );
    const exact = points.map((q) => evaluateGraph(graph, { [joint.q.name]: q }));
    const found = [];
    for (const q of points) found.push(await program.run({ [joint.q.name]: q }));
    program.close();
    const pairs = (rs: readonly Record<string, Float64Array>[]) =>
      rs.map((r) => ({ lp: r.lp[0], gradient: r.dq }));
    const { report, warnings } = checkPrecision(pairs(exact), pairs(found), "WebGPU");
    expect(warnings).toEqual([]);
    expect(report.lpError).toBeLessThan(1e-4);
    expect(report.gradientError).toBeLessThan(1e-4);
  });
});
