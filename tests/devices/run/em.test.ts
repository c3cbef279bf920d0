/** EM with its passes over the data on a device: the CPU's iterations, from the same starts. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import type { GraphDevice, NamedValues } from "../../../src/device/contract.js";
import { planEm, planEmWithin, runEm } from "../../../src/inference/em/index.js";
import { Shelf } from "../../../src/run/device/auto.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { StagedInstance } from "../../../src/run/device/staged.js";
import { maximise, planOptions } from "../../../src/run/em.js";
import { makeInstance } from "../../../src/run/gibbs-chain.js";
import { em } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { transform } from "../../../src/tensor/transform.js";
import { jobOf } from "./fixtures.js";
import { emCases, emModel, lostAt, points } from "./mixtures.js";

const historyOf = (fit: FitData): readonly number[] =>
  (fit.figures.log_likelihood as { history: number[] }).history;

/** The CPU as a device in single precision, as far as what it reads and gives back; sums are scaled. */
function rounding(factor: number): GraphDevice {
  const device = openCpuGraphs();
  const rounded = (values: NamedValues, by: number) =>
    Object.fromEntries(
      Object.entries(values).map(([name, x]) => [
        name,
        Float64Array.from(x, (v) => Math.fround(v * by)),
      ]),
    );
  return {
    ...device,
    precision: "f32",
    compileGraph: async (graph) => {
      const g = new GraphBuilder();
      const outputs = transform(
        g,
        graph.outputs.map((o) => o.node),
        (n) =>
          n.op === "const" ? g.constant(n.data.map(Math.fround), n.shape, n.dtype) : undefined,
      ).outputs;
      const program = await device.compileGraph({
        inputs: g.inputs,
        outputs: graph.outputs.map((o, k) => ({ name: o.name, node: outputs[k] })),
      });
      return {
        ...program,
        run: async (inputs) => rounded(await program.run(rounded(inputs, 1)), factor),
      };
    },
  };
}

describe("EM with its passes on a device", () => {
  test.each(emCases)("%s", async (name, data) => {
    const { run } = jobOf(emModel(name), data);
    const here = await maximise(run, em({ restarts: 3 }));
    const there = await maximise({ ...run, device: openCpuGraphs() }, em({ restarts: 3 }));
    expect(there.figures.device).toBe("cpu");
    // Sums in another order: the last iteration may come one sooner or later.
    const [a, b] = [historyOf(here), historyOf(there)];
    expect(Math.abs(a.length - b.length)).toBeLessThan(2);
    for (let k = 0; k < Math.min(a.length, b.length); k++) expect(b[k]).toBeCloseTo(a[k], 7);
    there.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
    });
    // The responsibilities, too.
    expect(there.exact?.size).toBe(here.exact?.size);
    for (const [element, figures] of there.exact ?? []) {
      expect(figures.mean).toBeCloseTo(here.exact?.get(element)?.mean ?? Number.NaN, 4);
    }
  });

  test("standard errors", async () => {
    const [[, data]] = emCases;
    const { run } = jobOf(emModel("mixture_diag"), data);
    const method = em({ restarts: 2, standardErrors: true, tolerance: 1e-12 });
    const [here, there] = [
      await maximise(run, method),
      await maximise({ ...run, device: openCpuGraphs() }, method),
    ];
    expect([...(here.points?.values() ?? [])].some((p) => p.se !== undefined)).toBe(true);
    for (const [name, { se }] of there.points ?? []) {
      se?.forEach((v, k) => {
        expect(v).toBeCloseTo(here.points?.get(name)?.se?.[k] ?? Number.NaN, 4);
      });
    }
  });

  test("a step that has no program is named", async () => {
    const x = emCases[0][1].x;
    const { run } = jobOf(emModel("ppca"), { N: 240, D: 2, d: 1, x });
    const refused = await maximise({ ...run, device: openCpuGraphs() }, em({})).catch((e) => e);
    expect(refused).toBeInstanceOf(TildeError);
    expect(refused.diagnostics[0].code).toBe("device_step");
    expect(refused.message).toContain("E-step of `z`");
    // Left to itself the choice is the CPU.
    const shelf = new Shelf(["webgpu"], async () => openCpuGraphs());
    const fit = await maximise({ ...run, shelf }, em({ maxIterations: 5 }));
    expect(fit.figures.device).toBe("cpu");
  });

  test("single precision: data far from 0, and a device that is too rough", async () => {
    const x = points(300).map((row) => row.map((v) => Math.fround(v + 1000)));
    const { run } = jobOf(emModel("mixture_full"), { N: 300, K: 3, D: 2, x });
    const method = em({ restarts: 1, tolerance: 1e-7 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: rounding(1) }, method);
    expect(there.warnings.filter((w) => w.code.startsWith("device"))).toEqual([]);
    there.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(0.02);
    });
    const refused = await maximise({ ...run, device: rounding(1.3) }, method).catch((e) => e);
    expect(refused).toBeInstanceOf(TildeError);
    expect(refused.diagnostics[0].code).toBe("device_imprecise");
  });

  test("a device that is lost leaves the parameters before", async () => {
    const [[name, data]] = emCases;
    const { run } = jobOf(emModel(name), data);
    const method = em({ restarts: 1 });
    const whole = await maximise({ ...run, device: openCpuGraphs() }, method);
    const cut = await maximise({ ...run, device: lostAt(20) }, method);
    expect(cut.interrupted).toBe(true);
    expect(cut.warnings.map((w) => w.code)).toContain("webgpu_lost");
    const history = historyOf(cut);
    expect(history).toEqual(historyOf(whole).slice(0, history.length));
    expect(history.length).toBeGreaterThan(3);
    await expect(maximise({ ...run, device: lostAt(1) }, method)).rejects.toThrow("lost");
  });
});

describe("passes in blocks of items", () => {
  /** The CPU as a device with room for some items at a time. */
  const narrow = (room: number): GraphDevice => ({ ...openCpuGraphs(), room });

  test.each(emCases)("%s: the iterations of all items at once", async (name, data) => {
    const { run } = jobOf(emModel(name), data);
    const [whole, blocks] = [
      await maximise({ ...run, device: openCpuGraphs() }, em({ restarts: 2 })),
      await maximise({ ...run, device: narrow(1000) }, em({ restarts: 2 })),
    ];
    const [a, b] = [historyOf(whole), historyOf(blocks)];
    expect(Math.abs(a.length - b.length)).toBeLessThan(2);
    for (let k = 0; k < Math.min(a.length, b.length); k++) expect(b[k]).toBeCloseTo(a[k], 7);
    blocks.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - whole.chains[0].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
    });
    expect(blocks.exact?.size).toBe(whole.exact?.size);
    for (const [element, { mean }] of blocks.exact ?? []) {
      expect(mean).toBeCloseTo(whole.exact?.get(element)?.mean ?? Number.NaN, 4);
    }
  });

  test.each([1, 2, 59, 60])("%i items, no multiple of a block's", async (N) => {
    const x = points(60).slice(0, N);
    const text = `model diagonal(N: int, K: int, D: int) {
      pi ~ Dirichlet(2 * ones(K))
      for k in 0..K { mu[k] ~ iid(Normal(0, 3), D); tau[k] ~ Gamma(3, 3) }
      for i in 0..N { z[i] ~ Categorical(pi); x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]])) }
    }`;
    const { run } = jobOf(text, { N, K: 4, D: 2, x });
    const method = em({ maximise: ["pi", "mu", "tau"], restarts: 1 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: narrow(200) }, method);
    there.chains[0].values.forEach((v, k) => {
      expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(1e-5 * (1 + Math.abs(v)));
    });
  });

  test("cells that are missing", async () => {
    const x: (number | null)[][] = points(61);
    for (let i = 0; i < 61; i += 4) x[i][i % 2] = null;
    const text = `model diagonal(N: int, K: int, D: int) {
      pi ~ Dirichlet(2 * ones(K))
      for k in 0..K { for d in 0..D { mu[k, d] ~ Normal(0, 3) } }
      for i in 0..N {
        z[i] ~ Categorical(pi)
        for d in 0..D { x[i, d] ~ Normal(mu[z[i], d], 1) }
      }
    }`;
    const { run } = jobOf(text, { N: 61, K: 3, D: 2, x });
    const method = em({ maximise: ["pi", "mu"], restarts: 1 });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device: narrow(200) }, method).catch((e) => e);
    // Cells that are integrated out are the CPU's.
    expect(here.chains[0].values.length).toBeGreaterThan(0);
    expect(there).toBeInstanceOf(TildeError);
    expect(there.diagnostics[0].code).toBe("device_step");
  });

  test("tables of many values: the CPU by itself, to rounding what it does with all at once", async () => {
    const data = { N: 5000, K: 16, D: 2, x: points(5000) };
    const { run } = jobOf(emModel("mixture_diag"), data);
    const method = em({ restarts: 1, maxIterations: 12 });
    const there = await maximise(run, method);
    const plan = planEm(run.conditioned, makeInstance, planOptions(method));
    if (plan.kind !== "plan") throw new Error(plan.reason);
    const here = runEm(plan, run.seed);
    if (here.kind !== "fitted") throw new Error(here.failure.kind);
    expect(here.history.length).toBe(13);
    historyOf(there).forEach((v, k) => {
      expect(Math.abs(v - here.history[k])).toBeLessThan(1e-10 * Math.abs(v));
    });
    const isBlocked = (n: number): boolean => {
      const size = { ...data, N: n, x: points(n) };
      const { conditioned } = jobOf(emModel("mixture_diag"), size).run;
      let found = false;
      planEmWithin(conditioned, makeInstance, {}, Infinity, (kernels) => {
        found = true;
        return new StagedInstance(openCpuGraphs(), kernels);
      });
      return found;
    };
    expect([isBlocked(5000), isBlocked(500)]).toEqual([true, false]);
  });

  test("kernels that would not fit are told by their size", () => {
    const { run } = jobOf(emModel("mixture_full"), emCases[0][1]);
    const plan = planEmWithin(run.conditioned, makeInstance, {}, 1000);
    expect(plan.kind === "too_large" && plan.numbers > 1000).toBe(true);
  });
});
