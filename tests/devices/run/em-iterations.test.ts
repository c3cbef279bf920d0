/** Whole iterations of EM on a device: the host's iterations, many a call. */
import { describe, expect, test } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { describeEm, planEm } from "../../../src/inference/em/index.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import { maximise } from "../../../src/run/em.js";
import { makeInstance } from "../../../src/run/gibbs-chain.js";
import { em } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { jobOf } from "./fixtures.js";
import { emCases, emModel, points } from "./mixtures.js";

interface Counted {
  readonly device: GraphDevice;
  readonly calls: { loops: number; passes: number };
}

/** The CPU's graphs as a device of another name, which is given whole iterations. */
function elsewhere(loopPrecision: "f64" | "f32" = "f64", off = 0): Counted {
  const device = openCpuGraphs();
  const calls = { loops: 0, passes: 0 };
  return {
    calls,
    device: {
      ...device,
      name: "tensorflow",
      precision: loopPrecision,
      compileGraph: async (graph) => {
        const program = await device.compileGraph(graph);
        return {
          ...program,
          run: async (inputs) => {
            calls.passes++;
            return await program.run(inputs);
          },
        };
      },
      compileLoop: async (spec) => {
        const loop = await device.compileLoop(spec);
        return {
          ...loop,
          steps: async (first, count) => {
            calls.loops++;
            const rows = await loop.steps(first, count);
            return Object.fromEntries(
              Object.entries(rows).map(([name, x]) => [
                name,
                name === "log_likelihood" ? x.map((v) => v * (1 + off)) : x,
              ]),
            );
          },
        };
      },
    },
  };
}

const historyOf = (fit: FitData): readonly number[] =>
  (fit.figures.log_likelihood as { history: number[] }).history;

function expectNear(there: FitData, here: FitData, part: number): void {
  there.chains[0].values.forEach((v, k) => {
    expect(Math.abs(v - here.chains[0].values[k])).toBeLessThan(part * (1 + Math.abs(v)));
  });
}

const priors = `model priors(N: int, K: int, D: int) {
  pi ~ Dirichlet(2 * ones(K))
  for k in 0..K { mu[k] ~ iid(Normal(0, 3), D); tau[k] ~ Gamma(3, 3) }
  for i in 0..N { z[i] ~ Categorical(pi); x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]])) }
}`;
const rates = `model rates(N: int, K: int) {
  param pi: simplex[K]
  for k in 0..K { param rate[k]: positive }
  for i in 0..N { z[i] ~ Categorical(pi); y[i] ~ Poisson(rate[z[i]]) }
}`;
const ordered = `model ordered(N: int, K: int) {
  param pi: simplex[K]
  param mu: ordered[K]
  param s: positive
  for i in 0..N { z[i] ~ Categorical(pi); y[i] ~ Normal(mu[z[i]], s) }
}`;

const lines = `model lines(N: int, K: int, t: real[N]) {
  param pi: simplex[K]
  for k in 0..K { param a[k]: real; param b[k]: real; param s[k]: positive }
  for i in 0..N { z[i] ~ Categorical(pi); y[i] ~ Normal(a[z[i]] + b[z[i]] * t[i], s[z[i]]) }
}`;

const plane = { N: 120, K: 3, D: 2, x: points(120) };
const line = points(120).map(([a]) => a);
const cases: readonly (readonly [string, string, Record<string, unknown>, string[]])[] = [
  ...emCases
    .map(([name, data]) => [name, emModel(name), data, []] as const)
    .map(([name, text, data]) => [name, text, data, [] as string[]] as const),
  ["modes under priors", priors, plane, ["pi", "mu", "tau"]],
  ["rates", rates, { N: 120, K: 2, y: line.map((v) => Math.round(Math.abs(v))) }, []],
  ["lines, solved together", lines, { N: 120, K: 2, t: line, y: plane.x.map(([, v]) => v) }, []],
  ["ordered means", ordered, { N: 120, K: 2, y: line }, []],
];

describe("whole iterations on a device", () => {
  test.each(cases)("%s: the host's, in a few calls", async (_, text, data, maximised) => {
    const { run } = jobOf(text, data);
    const method = em({ restarts: 1, tolerance: 1e-11, maximise: maximised });
    const { device, calls } = elsewhere();
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device }, method);
    expect(there.figures.m_steps).toBe("device");
    const [a, b] = [historyOf(here), historyOf(there)];
    expect(Math.abs(a.length - b.length)).toBeLessThan(2);
    for (let k = 0; k < Math.min(a.length, b.length); k++) expect(b[k]).toBeCloseTo(a[k], 7);
    expectNear(there, here, 1e-5);
    // The start takes passes of its own, the results one.
    expect(there.figures.device_iterations).toBeGreaterThanOrEqual(b.length - 1);
    expect(calls.loops).toBeLessThan(4 + b.length / 8);
  });

  test("an end by the number of iterations, and one asked for", async () => {
    const { run } = jobOf(emModel("mixture_full"), plane);
    for (const maxIterations of [1, 5, 20]) {
      const method = em({ restarts: 1, tolerance: 1e-300, maxIterations });
      const here = await maximise(run, method);
      const there = await maximise({ ...run, device: elsewhere().device }, method);
      expect(historyOf(there).length).toBe(maxIterations + 1);
      expectNear(there, here, 1e-8);
    }
    const stop = new AbortController();
    stop.abort();
    const options = { ...run.options, signal: stop.signal };
    const cut = await maximise(
      { ...run, options, device: elsewhere().device },
      em({ restarts: 1 }),
    );
    expect(cut.interrupted).toBe(true);
  });

  test("a component that closes on one item ends as it does on the host", async () => {
    const x = [...points(30), [50, 50]];
    const { run } = jobOf(emModel("mixture_diag"), { N: 31, K: 4, D: 2, x });
    const method = em({ restarts: 6 });
    const fit = async (device?: GraphDevice): Promise<FitData | Error> =>
      await maximise({ ...run, device }, method).catch((e: Error) => e);
    const [here, there] = [await fit(), await fit(elsewhere().device)];
    const told = (found: FitData | Error): unknown =>
      found instanceof Error ? found.message : found.figures.restarts;
    const [a, b] = [told(here), told(there)];
    if (!Array.isArray(a) || !Array.isArray(b)) expect(b).toEqual(a);
    else {
      expect(a.some(Number.isNaN)).toBe(true);
      a.forEach((v, k) => {
        expect(Number.isNaN(b[k])).toBe(Number.isNaN(v));
      });
    }
  });

  test("M-steps that are searched for stay on the host, and the figures say which", async () => {
    const text = `model scales(N: int, K: int) {
      param pi: simplex[K]
      for k in 0..K { param mu[k]: real; s[k] ~ InverseGamma(2, 1) }
      for i in 0..N { z[i] ~ Categorical(pi); y[i] ~ Normal(mu[z[i]], s[z[i]]) }
    }`;
    const { run } = jobOf(text, { N: 120, K: 2, y: line });
    const { device, calls } = elsewhere();
    const method = em({ restarts: 1, maxIterations: 20, maximise: ["s"] });
    const here = await maximise(run, method);
    const there = await maximise({ ...run, device }, method);
    expect(there.figures.m_steps).toBe("cpu: `s`, it is maximised by scales by Newton's method");
    expect(calls.loops).toBe(0);
    expectNear(there, here, 1e-6);
    const planned = (maximised: string[]): string[] => {
      const plan = planEm(run.conditioned, makeInstance, { maximise: maximised });
      return plan.kind === "plan" ? describeEm(plan) : [plan.reason];
    };
    expect(planned(["s"])).toContain(
      "on a device: E-steps; M-steps here, as of s it is maximised by scales by Newton's method",
    );
    const mixture = jobOf(emModel("mixture_full"), plane).run;
    const own = planEm(mixture.conditioned, makeInstance, {});
    expect(own.kind === "plan" && describeEm(own)).toContain("on a device: whole iterations");
  });

  test("single precision: the end is the host's, and what is too rough is not used", async () => {
    const { run } = jobOf(emModel("mixture_full"), plane);
    const method = em({ restarts: 1, tolerance: 1e-7 });
    const here = await maximise(run, method);
    const good = elsewhere("f32");
    const there = await maximise({ ...run, device: good.device }, method);
    expect(there.figures.m_steps).toBe("device");
    expect(there.figures.device_iterations).toBeGreaterThan(0);
    expectNear(there, here, 1e-2);
    const bad = elsewhere("f32", 1e-3);
    const rough = await maximise({ ...run, device: bad.device }, method);
    expect(rough.figures.m_steps).toContain("came elsewhere");
    expect(rough.figures.device_iterations).toBe(0);
    expect(bad.calls.loops).toBe(1);
    expectNear(rough, here, 1e-2);
  });
});
