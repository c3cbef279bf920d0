/** Methods that exploit structure, from text to results: they agree with exact answers. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type * as Api from "../../src/index.js";
import {
  cavi,
  compile,
  em,
  exact,
  explain,
  gibbs,
  infer,
  type Method,
  map,
  type Posterior,
  TildeError,
} from "../../src/index.js";
import { summaryJson } from "../../src/run/results/summary.js";
import { scratchFolder } from "../helpers/cli.js";

const scratch = scratchFolder();

const normal = compile(`model normal(N: int) {
  mu ~ Normal(0, 10)
  let twice = 2 * mu
  for i in 0..N { y[i] ~ Normal(mu, 2) }
}`);
const y = [3.1, 4.2, 2.7, 5.0, 3.9];
const data = { N: y.length, y };
/** Of mu given y, by the conjugate update, and log N(y; 0, 4 I + 100 1 1ᵀ). */
const precision = 1 / 100 + y.length / 4;
const truth = { mean: y.reduce((a, b) => a + b, 0) / 4 / precision, sd: 1 / Math.sqrt(precision) };
const total = y.reduce((a, b) => a + b, 0);
const squares = y.reduce((a, b) => a + b * b, 0);
const logEvidence =
  -0.5 * y.length * Math.log(2 * Math.PI * 4) -
  0.5 * Math.log(100 * precision) -
  0.5 * (squares / 4 - (total / 4) ** 2 / precision);

const mixture = compile(`model mixture(N: int) {
  pi ~ Beta(2, 2)
  for i in 0..N { z[i] ~ Bernoulli(pi); y[i] ~ Normal(if z[i] then 3.0 else 0.0, 1) }
  let ones = sum(for i in 0..N: int(z[i]))
  let both = pi + sum(for i in 0..N: int(z[i]))
}`);
const mixed = { N: 4, y: [-0.2, 1.4, 2.9, 3.3] };

interface Json {
  readonly variables: Record<string, Record<string, number>>;
  readonly diagnostics: Record<string, unknown>;
}
const jsonOf = (fit: Posterior) => summaryJson(fit.fit, fit.summary()) as unknown as Json;

async function errorOf(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof TildeError)) throw error ?? new Error("nothing was thrown");
  return error.diagnostics[0];
}

describe("exact", () => {
  test("gives the evidence and independent draws of the closed form", async () => {
    const fit = await infer(normal, { data, method: exact({ draws: 4000 }) });
    expect(fit.fit.figures.log_evidence).toBeCloseTo(logEvidence, 9);
    const { variables, diagnostics } = jsonOf(fit);
    // Five standard errors of 4000 independent draws.
    expect(Math.abs(variables.mu.mean - truth.mean)).toBeLessThan((5 * truth.sd) / Math.sqrt(4000));
    expect(variables.mu.sd / truth.sd).toBeCloseTo(1, 1);
    expect(variables.twice.mean).toBeCloseTo(2 * variables.mu.mean, 10);
    expect(diagnostics.log_evidence).toBeCloseTo(logEvidence, 9);
    expect(fit.summary().rows[0].rhat).toBeUndefined();
  });

  test("refuses with the site, the reason and the methods that work", async () => {
    const refused = await errorOf(infer(mixture, { data: mixed, method: exact() }));
    expect(refused.code).toBe("not_exact");
    expect(refused.message).toContain("`z`");
    expect(refused.help).toMatch(/methods that work for this model and data: .*gibbs/);
    const text = `model t(N: int) {
      m ~ StudentT(4, 0, 1)
      for i in 0..N { y[i] ~ Normal(m, 2) }
    }`;
    const other = await errorOf(infer(compile(text), { data, method: exact() }));
    expect(other.message).toContain("`m`");
    expect(other.help).not.toContain("exact,");
  });
});

describe("gibbs", () => {
  test("agrees with the conjugate posterior", async () => {
    const fit = await infer(normal, { data, method: gibbs({ draws: 1000, warmup: 50 }) });
    const { variables, diagnostics } = jsonOf(fit);
    // A single conjugate site makes independent draws: five standard errors of 4 · 1000.
    expect(Math.abs(variables.mu.mean - truth.mean)).toBeLessThan((5 * truth.sd) / Math.sqrt(4000));
    expect(variables.mu.rhat).toBeLessThan(1.01);
    expect(diagnostics).toMatchObject({ chains: 4, draws: 1000, warmup: 50, passed: true });
    expect(diagnostics).not.toHaveProperty("divergences");
  });

  test("draws discrete sites: integers in files, lets, marginals", async () => {
    const method = gibbs({ chains: 3, draws: 3000, warmup: 100 });
    const fit = await infer(mixture, { data: mixed, method });
    expect(fit.names).toEqual(["pi", "z", "ones", "both"]);
    const z = fit.draws("z");
    expect(z.shape).toEqual([3, 3000, 4]);
    const ones = fit.draws("ones").data;
    const both = fit.draws("both").data;
    const pi = fit.draws("pi").data;
    for (let t = 0; t < ones.length; t++) {
      const sum = z.data.subarray(4 * t, 4 * t + 4).reduce((a, b) => a + b, 0);
      expect(ones[t]).toBe(sum);
      expect(both[t]).toBeCloseTo(sum + pi[t], 12);
    }
    const p = fit.marginals("z");
    expect(p.shape).toEqual([4, 2]);
    const truth = marginals(mixed.y);
    // The chain mixes within a few sweeps: 9000 draws are worth 1000, five standard errors each.
    for (let i = 0; i < 4; i++) expect(Math.abs(p.data[2 * i + 1] - truth[i])).toBeLessThan(0.08);

    const out = join(scratch.path, "gibbs");
    await fit.save(out);
    const lines = readFileSync(join(out, "draws.csv"), "utf8").trim().split("\n");
    const header = lines.findIndex((l) => l.startsWith("chain__"));
    const at = lines[header].split(",").indexOf("z[2]");
    for (const line of lines.slice(header + 1)) expect(line.split(",")[at]).toMatch(/^[01]$/);
  });

  test("of discrete scalars that hardly move nothing is warned", async () => {
    const clear = { N: 6, y: [-1, -0.5, 0, 6, 6.5, 7] };
    const fit = await infer(mixture, { data: clear, method: gibbs({ draws: 2000 }) });
    expect(fit.warnings.map((w) => w.code)).toEqual([]);
    expect(jsonOf(fit).diagnostics.max_rhat).toBeLessThan(1.01);
  });

  test("is stopped with the draws so far, and tells its progress", async () => {
    const stop = new AbortController();
    const phases = new Set<string>();
    const fit = await infer(mixture, {
      data: mixed,
      method: gibbs({ chains: 2, warmup: 10, draws: 2_000_000 }),
      threads: 1,
      signal: stop.signal,
      onProgress: ({ phase, done }) => {
        phases.add(phase);
        if (phase === "sampling" && done > 50) stop.abort();
      },
    });
    expect(fit.interrupted).toBe(true);
    expect(phases).toContain("sampling");
    expect(fit.fit.chains[0].draws).toBeGreaterThan(50);
    expect(fit.fit.chains[0].draws).toBeLessThan(2_000_000);
  });

  test("sites can be drawn otherwise, and scanned at random", async () => {
    // Autocorrelated now: a third of the draws may count, five standard errors of those.
    const limit = (5 * truth.sd) / Math.sqrt(4000 / 3);
    for (const settings of [
      { sites: { mu: "slice" } },
      { sites: { mu: "nuts" } },
      { scan: "random" },
    ] as const) {
      const fit = await infer(normal, { data, method: gibbs({ warmup: 200, ...settings }) });
      expect(Math.abs(jsonOf(fit).variables.mu.mean - truth.mean)).toBeLessThan(limit);
    }
    const wrong = infer(mixture, { data: mixed, method: gibbs({ sites: { nothing: "slice" } }) });
    expect((await errorOf(wrong)).message).toContain("`nothing`");
    expect(() => gibbs({ sites: { mu: "magic" as "slice" } })).toThrow(TildeError);
  });

  test("says that no state has a positive density", async () => {
    const none = compile(`model none() { m ~ Normal(0, 1); factor -inf; y ~ Normal(m, 1) }`);
    const error = await errorOf(infer(none, { data: { y: 1 }, method: gibbs({ draws: 10 }) }));
    expect(error.code).toBe("gibbs_start");
  });

  const built = join(import.meta.dirname, "../../dist/src/index.js");
  test("threads do not change the draws", async () => {
    expect(existsSync(built), "run `npm run build` first").toBe(true);
    const api = (await import(/* @vite-ignore */ built)) as typeof Api;
    const text = `model m(N: int) {
      s ~ InverseGamma(3, 2)
      for i in 0..N { z[i] ~ Bernoulli(0.4); y[i] ~ Normal(if z[i] then 1.0 else 0.0, s) }
    }`;
    const many = { N: 100, y: Array.from({ length: 100 }, (_, i) => Math.sin(7 * i)) };
    const method = api.gibbs({ chains: 4, warmup: 10, draws: 100, thin: 70 });
    const draws = [];
    const seen: number[] = [];
    for (const threads of [1, 2]) {
      const start = performance.now();
      const fit = await api.infer(api.compile(text), { data: many, method, threads, seed: 3 });
      seen.push(performance.now() - start);
      draws.push([fit.draws("s").data, fit.draws("z").data]);
    }
    // Threads start after 200 ms: shorter runs would compare nothing.
    expect(Math.min(...seen)).toBeGreaterThan(350);
    expect(draws[1]).toEqual(draws[0]);
  });
});

/** P(z_i = 1 | y) of the mixture: sums over all assignments, pi integrated out (Beta function). */
function marginals(values: readonly number[]): number[] {
  const n = values.length;
  const lgamma = (k: number): number => {
    let sum = 0;
    for (let i = 2; i < k; i++) sum += Math.log(i);
    return sum;
  };
  const found = new Array<number>(n).fill(0);
  let sum = 0;
  for (let bits = 0; bits < 1 << n; bits++) {
    let log = 0;
    let ones = 0;
    for (let i = 0; i < n; i++) {
      const one = (bits >> i) & 1;
      ones += one;
      log -= 0.5 * (values[i] - 3 * one) ** 2;
    }
    const weight = Math.exp(log + lgamma(2 + ones) + lgamma(2 + n - ones));
    sum += weight;
    for (let i = 0; i < n; i++) if ((bits >> i) & 1) found[i] += weight;
  }
  return found.map((w) => w / sum);
}

describe("cavi", () => {
  test("is exact where q can be, and reports the moments of q and the bound", async () => {
    const fit = await infer(normal, { data, method: cavi() });
    const { variables, diagnostics } = jsonOf(fit);
    expect(variables.mu.mean).toBeCloseTo(truth.mean, 9);
    expect(variables.mu.sd).toBeCloseTo(truth.sd, 9);
    expect(variables.mu.q95).toBeCloseTo(truth.mean + 1.6448536269514722 * truth.sd, 6);
    // With one site the bound is the evidence.
    const elbo = diagnostics.elbo as { final: number; history: number[] };
    expect(elbo.final).toBeCloseTo(logEvidence, 6);
    expect(elbo.history.at(-1)).toBe(elbo.final);
    expect(diagnostics).toMatchObject({ converged: true, passed: true });
    expect(diagnostics.iterations).toBe(elbo.history.length);
  });

  test("bounds the evidence, with probabilities of discrete sites", async () => {
    const fit = await infer(mixture, { data: mixed, method: cavi({ draws: 500 }) });
    const { elbo } = fit.fit.figures as { elbo: { final: number; history: number[] } };
    for (let k = 1; k < elbo.history.length; k++) {
      expect(elbo.history[k]).toBeGreaterThanOrEqual(elbo.history[k - 1] - 1e-10);
    }
    const p = fit.marginals("z").data;
    const truth = marginals(mixed.y);
    // Mean field leaves out the correlation through pi, which is weak here.
    for (let i = 0; i < 4; i++) expect(Math.abs(p[2 * i + 1] - truth[i])).toBeLessThan(0.1);
    expect(fit.draws("ones").shape).toEqual([1, 500]);
  });
});

describe("em", () => {
  const text = `model gmm(N: int) {
    param pi: unit = 0.4
    param mu: real[2] = [-1, 1]
    for i in 0..N { z[i] ~ Bernoulli(pi); y[i] ~ Normal(mu[int(z[i])], 1) }
    let gap = mu[1] - mu[0]
    let ones = sum(for i in 0..N: int(z[i]))
  }`;
  const points = { N: 6, y: [-2.1, -1.7, -2.4, 1.9, 2.6, 2.2] };

  test("params are points: a mean and no sd, with standard errors on request", async () => {
    const method = em({ standardErrors: true, draws: 200 });
    const fit = await infer(compile(text), { data: points, method });
    const mode = await infer(compile(text), { data: points, method: map({ starts: 8 }) });
    const { variables, diagnostics } = jsonOf(fit);
    for (const name of ["pi", "mu[0]", "mu[1]", "gap"]) {
      expect(variables[name]).not.toHaveProperty("sd");
      // Both maximise the same likelihood; L-BFGS stops at a gradient of about 1e-8.
      const other = jsonOf(mode).variables[name].mean;
      const swapped = jsonOf(mode).variables[name === "mu[0]" ? "mu[1]" : "mu[0]"].mean;
      const near = [other, name === "pi" ? 1 - other : name === "gap" ? -other : swapped];
      const distance = Math.min(...near.map((v) => Math.abs(v - variables[name].mean)));
      expect(distance).toBeLessThan(1e-4);
    }
    // Near enough 1/√3 each: the groups of three points are far apart.
    expect(variables["mu[0]"].se).toBeCloseTo(1 / Math.sqrt(3), 1);
    expect(variables.gap).not.toHaveProperty("se");
    const found = diagnostics.log_likelihood as { final: number; history: number[] };
    expect(found.final).toBeCloseTo(mode.fit.figures.log_density as number, 6);
    for (let k = 1; k < found.history.length; k++) {
      expect(found.history[k]).toBeGreaterThanOrEqual(found.history[k - 1] - 1e-9);
    }
    expect(diagnostics.converged).toBe(true);
  });

  test("what stays random is there with its moments and joint draws", async () => {
    const fit = await infer(compile(text), { data: points, method: em({ draws: 200 }) });
    const p = fit.marginals("z");
    for (let i = 0; i < 6; i++) expect(p.data[2 * i] + p.data[2 * i + 1]).toBeCloseTo(1, 12);
    expect(fit.draws("z").shape).toEqual([1, 200, 6]);
    const z = fit.draws("z").data;
    fit.draws("ones").data.forEach((n, t) => {
      expect(n).toBe(z.subarray(6 * t, 6 * t + 6).reduce((a, b) => a + b, 0));
    });
  });

  test("continuous latent sites have the posterior at the estimates", async () => {
    const fa = compile(`model fa(N: int) {
      param m: real
      for i in 0..N { x[i] ~ Normal(0, 1); y[i] ~ Normal(m + x[i], 2) }
    }`);
    const fit = await infer(fa, { data: points, method: em({ tolerance: 1e-14 }) });
    const mean = points.y.reduce((a, b) => a + b, 0) / 6;
    const { variables } = jsonOf(fit);
    expect(variables.m.mean).toBeCloseTo(mean, 5);
    // x | y is normal with precision 1 + 1/4.
    expect(variables["x[0]"].mean).toBeCloseTo((points.y[0] - mean) / 4 / 1.25, 5);
    expect(variables["x[0]"].sd).toBeCloseTo(1 / Math.sqrt(1.25), 9);
  });

  test("refuses a model with nothing to maximise over and says what could be", async () => {
    const line = compile(
      "model m(N: int) { mu ~ Normal(0, 5); for i in 0..N { y[i] ~ Normal(mu, 1) } }",
    );
    const refused = await errorOf(infer(line, { data: { N: 2, y: [1, 2] }, method: em() }));
    expect(refused.message).toContain("`mu`");
    expect(refused.help).toMatch(/gibbs/);
  });

  test("without params gives the mode of what is not one an item", async () => {
    const fit = await infer(mixture, { data: mixed, method: em() });
    expect(fit.summary(["pi"]).rows.every((r) => r.sd === undefined)).toBe(true);
  });

  test("options are checked", () => {
    const wrong = (make: () => Method) => expect(make).toThrow(TildeError);
    wrong(() => em({ maximise: "mu" as unknown as string[] }));
    wrong(() => cavi({ joint: ["z"] as unknown as string[][] }));
    wrong(() => gibbs({ chains: 0 }));
    wrong(() => exact({ tolerance: 1 } as object));
    wrong(() => em({ tolerance: 0 }));
  });
});

describe("explain", () => {
  test("tells what each method does, and which would work", async () => {
    const plan = await explain(mixture, mixed, { method: "gibbs" });
    expect(plan.steps).toContain("pi: Beta conditional, all elements at once");
    expect(plan.sites.find((s) => s.name === "z")?.treatment).toBe("drawn");
    const works = new Map(plan.methods.map((m) => [m.method, m.works]));
    expect(works.get("nuts")).toBe(true);
    expect(works.get("gibbs")).toBe(true);
    expect(works.get("exact")).toBe(false);
    expect(works.get("enumerate")).toBe(false);
    for (const m of plan.methods) if (!m.works) expect(m.reason).toMatch(/`\w+`/);
    const own = await explain(normal, data, { method: "exact" });
    expect(own.steps).toEqual(["mu: one normal vector"]);
  });
});
