/** `svi` and `nce` through the API: bounds against exact evidence, params, minibatches, examples. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  compile,
  infer,
  load,
  nce,
  type Posterior,
  type SviOptions,
  svi,
} from "../../../src/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { exampleData } from "../../examples/data.js";

type Settings = Partial<Omit<SviOptions, "method">>;
interface Climb {
  readonly history: readonly number[];
  readonly final: number;
  readonly mcse: number;
}
const elboOf = (p: Posterior): Climb => p.fit.figures.elbo as unknown as Climb;
/** The scalar params of a program. */
function paramsOf({ params }: Posterior, program: string): Record<string, number> {
  if (params === undefined) throw new Error("no params");
  return params[program] as unknown as Record<string, number>;
}
const rowOf = (p: Posterior, name: string) => {
  const row = p.summary().rows.find((r) => r.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
};
const example = (name: string) =>
  load(new URL(`../../../examples/${name}/model.ppl`, import.meta.url).pathname);

describe("the noisy cone", async () => {
  const program = await example("noisy_cone");
  const data = exampleData("noisy_cone");
  const fit = await infer(program, { data, method: svi({ draws: 20_000 }), seed: 1 });

  test("has the ELBO of a Gaussian mean field", () => {
    const { final, mcse, history } = elboOf(fit);
    // The known value is rounded to two places; the Monte Carlo error is beside it.
    expect(Math.abs(final + 8.08)).toBeLessThan(0.05);
    expect(mcse).toBeLessThan(0.02);
    expect(history.at(-1)).toBeGreaterThan(history[0]);
    expect(fit.fit.figures.converged).toBe(true);
    // A ring is not covered by independent normals.
    expect(fit.fit.figures.pareto_k).toBeGreaterThan(0.7);
    expect(fit.warnings.map((w) => w.code)).toEqual(["guide_misfit"]);
  });

  test("has a tighter bound by IWAE at the same params", async () => {
    const method = svi({ objective: "iwae(5)", init: fit.params, steps: 1, lr: 1e-12 });
    const bound = elboOf(await infer(program, { data, method, seed: 2 }));
    // NumPy at the ELBO's best params: -7.841 (200 000 draws, standard error 0.001).
    expect(Math.abs(bound.final + 7.84)).toBeLessThan(0.03 + 3 * bound.mcse);
    const named = svi({ objective: "iwae(K: 1)", init: fit.params, steps: 1, lr: 1e-12 });
    // One draw is the ELBO again.
    const same = elboOf(await infer(program, { data, method: named, seed: 2 }));
    expect(Math.abs(same.final - elboOf(fit).final)).toBeLessThan(5 * same.mcse);
  });
});

/** z ~ N(0, 1), x ~ N(1.5 z, 0.8): posterior N(1.5 x / 2.89, 0.8² / 2.89), evidence N(0, 2.89). */
const linear = `model linear(N: int) {
  for i in 0..N { z[i] ~ Normal(0, 1);  x[i] ~ Normal(1.5 * z[i], 0.8) }
}
guide amortised(N: int, x: real[N]) for linear {
  param a: real = 0
  param b: real = 0
  param s: positive = 1
  for i in 0..N { z[i] ~ Normal(a * x[i] + b, s) }
}`;

describe("an amortised guide of a linear Gaussian model", () => {
  const rng = stream(3, 0, 0, 0);
  const x = Array.from({ length: 40 }, () => 1.7 * rng.normal());
  const variance = 1.5 ** 2 + 0.8 ** 2;
  const evidence = x.reduce(
    (sum, v) => sum - 0.5 * Math.log(2 * Math.PI * variance) - (v * v) / 2 / variance,
    0,
  );
  const learn = async (settings: Settings) =>
    infer(compile(linear), {
      data: { N: x.length, x },
      method: svi({ lr: 0.03, ...settings }),
      seed: 4,
    });

  test("is the posterior, and its bound the evidence", async () => {
    const fit = await learn({ steps: 8000, draws: 1000 });
    const { a, b, s } = paramsOf(fit, "amortised");
    expect(Math.abs(a - 1.5 / variance)).toBeLessThan(2e-3);
    expect(Math.abs(b)).toBeLessThan(4e-3);
    expect(Math.abs(s - 0.8 / Math.sqrt(variance))).toBeLessThan(2e-3);
    expect(Math.abs(elboOf(fit).final - evidence)).toBeLessThan(0.01);
    expect(fit.fit.figures.pareto_k).toBeLessThan(0.7);
    expect(fit.warnings).toEqual([]);
    const z = rowOf(fit, "z[0]");
    // 1000 draws: 4.5 standard errors.
    expect(Math.abs(z.mean - (1.5 * x[0]) / variance)).toBeLessThan(0.47 * 4.5 * 0.032);
  });

  test("is the same from minibatches", async () => {
    const fit = await learn({ steps: 8000, batch: { N: 8 }, optimizer: "adam", draws: 500 });
    const { a, s } = paramsOf(fit, "amortised");
    // Minibatches add no noise at the optimum of an exact guide but through a and b.
    expect(Math.abs(a - 1.5 / variance)).toBeLessThan(0.02);
    expect(Math.abs(s - 0.8 / Math.sqrt(variance))).toBeLessThan(0.02);
    // Draws are of all data.
    expect(fit.draws("z").shape).toEqual([1, 500, 40]);
  });

  test("is the same by momentum, a cosine, a slow start and clipped gradients", async () => {
    const more = { optimizer: "sgd", schedule: "cosine", warmup: 100, clip: 50 } as const;
    const fit = await learn({ steps: 6000, lr: 3e-4, ...more });
    const { a, s } = paramsOf(fit, "amortised");
    expect(Math.abs(a - 1.5 / variance)).toBeLessThan(0.02);
    expect(Math.abs(s - 0.8 / Math.sqrt(variance))).toBeLessThan(0.02);
  });
});

test("maximum likelihood without a guide gives points, by module path", async () => {
  const text = `import nn
model line(N: int, x: real[N]) {
  let f = nn.dense(1, 1)
  param s: positive = 1
  for i in 0..N { y[i] ~ Normal(f([x[i]])[0], s) }
}`;
  const x = [-1, 0, 1, 2, 3];
  const y = [-0.9, 0.2, 1.1, 1.7, 3.2];
  const fit = await infer(compile(text), {
    data: { N: 5, x, y },
    method: svi({ lr: 0.05 }),
    seed: 1,
  });
  const mean = (v: readonly number[]): number => v.reduce((s, t) => s + t, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  const slope =
    x.reduce((s, v, i) => s + (v - mx) * (y[i] - my), 0) / x.reduce((s, v) => s + (v - mx) ** 2, 0);
  const { f, s } = fit.params as unknown as { f: { w: number[][]; b: number[] }; s: number };
  expect(Math.abs(f.w[0][0] - slope)).toBeLessThan(1e-3);
  expect(Math.abs(f.b[0] - (my - slope * mx))).toBeLessThan(1e-3);
  const rss = x.reduce((t, v, i) => t + (y[i] - my - slope * (v - mx)) ** 2, 0);
  expect(Math.abs(s - Math.sqrt(rss / 5))).toBeLessThan(1e-3);
  const row = rowOf(fit, "s");
  expect(row.mean).toBe(s);
  expect(row.sd).toBeUndefined();
  expect(fit.fit.figures).toMatchObject({ objective: "maximum_likelihood", converged: true });
  expect(fit.fit.figures.elbo).toBeUndefined();
});

test("a variational autoencoder of digits beats independent pixels", async () => {
  const program = await example("vae");
  const { N, D, x } = exampleData("digits") as { N: number; D: number; x: number[][] };
  const fit = await infer(program, {
    data: { N, D, x, d: 2, H: 64, R: 1, grid: [[0, 0]] },
    method: svi({ steps: 700, batch: { N: 100 }, lr: 0.003, draws: 20 }),
    seed: 1,
  });
  let independent = 0;
  for (let k = 0; k < D; k++) {
    const p = x.reduce((s, row) => s + row[k], 0) / N;
    if (p > 0 && p < 1) independent += N * (p * Math.log(p) + (1 - p) * Math.log(1 - p));
  }
  const { final, mcse } = elboOf(fit);
  expect(final - 5 * mcse).toBeGreaterThan(independent + 500);
  const tree = fit.params as unknown as { decode: { layers: Record<string, { w: number[][] }> } };
  expect(tree.decode.layers[0].w.length).toBe(2);
  expect(tree.decode.layers[1].w[0].length).toBe(64);
  expect(fit.fit.params).toHaveProperty("encoder.mean.b");
});

test("noise-contrastive estimation finds a normal and its normaliser", async () => {
  const rng = stream(5, 0, 0, 0);
  const x = Array.from({ length: 500 }, () => 1 + 0.5 * rng.normal());
  const mean = x.reduce((s, v) => s + v, 0) / x.length;
  const sd = Math.sqrt(x.reduce((s, v) => s + (v - mean) ** 2, 0) / x.length);
  const program = compile(
    `model p(N: int) {
  param m: real = 0;  param s: positive = 1;  param c: real = 0
  for i in 0..N { x[i] ~ Flat();  factor -0.5 * ((x[i] - m) / s)^2 - c }
}
model broad(N: int) { for i in 0..N { x[i] ~ Normal(1, 1) } }`,
    { model: "p" },
  );
  const method = nce({ noise: "broad", ratio: 10, steps: 3000, lr: 0.05 });
  const fit = await infer(program, { data: { N: x.length, x }, method, seed: 6 });
  const { m, s, c } = fit.params as Record<string, number>;
  // Of the errors of maximum likelihood, 0.022 and 0.016, a part is added by the noise.
  expect(Math.abs(m - mean)).toBeLessThan(0.04);
  expect(Math.abs(s - sd)).toBeLessThan(0.04);
  expect(Math.abs(c - Math.log(sd * Math.sqrt(2 * Math.PI)))).toBeLessThan(0.05);
  expect(fit.method).toBe("nce");
});

test("data of the guide alone are no data too many", async () => {
  const text = `model m(N: int) { for i in 0..N { z[i] ~ Normal(0, 1);  x[i] ~ Normal(z[i], 1) } }
guide q(N: int, x: real[N], scale: real) for m {
  param a: real = 0
  for i in 0..N { z[i] ~ Normal(a * x[i], scale) }
}`;
  const data = { N: 2, x: [1, -2], scale: 0.7 };
  const fit = await infer(compile(text), { data, method: svi({ lr: 0.03 }) });
  expect(fit.warnings).toEqual([]);
  expect(fit.fit.figures.strategies).toEqual({ z: "reparam" });
  expect(Math.abs(paramsOf(fit, "q").a - 0.5)).toBeLessThan(0.01);
});

test("labels that a guide draws are in the summary with their values", async () => {
  const text = `model m(N: int) {
  param mu: real[2] = [-1, 1]
  for i in 0..N { z[i] ~ Categorical([0.5, 0.5]);  y[i] ~ Normal(mu[z[i]], 0.5) }
}
guide q(N: int) for m {
  param eta: real[N, 2] = Normal(0, 0.1)
  for i in 0..N { z[i] ~ Categorical(logits: eta[i]) }
}`;
  const y = [-2, -1.8, -2.2, 2.1, 1.9];
  const method = svi({ lr: 0.05, steps: 4000, draws: 400 });
  const fit = await infer(compile(text), { data: { N: y.length, y }, method, seed: 1 });
  expect(Math.abs(rowOf(fit, "mu[0]").mean + 2)).toBeLessThan(0.01);
  expect(rowOf(fit, "z[0]").mean).toBeLessThan(0.05);
  expect(rowOf(fit, "z[4]").mean).toBeGreaterThan(0.95);
  // Labels are indices; the guide can be the posterior, which leaves next to nothing to the weights.
  expect(fit.fit.figures.pareto_k).toBeLessThan(0.7);
});

test("params are saved with a fit and loaded into the next", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tilde-"));
  try {
    const x = [0.3, -1.2, 2.2];
    const program = compile(linear);
    const first = await infer(program, {
      data: { N: x.length, x },
      method: svi({ steps: 500 }),
      seed: 1,
    });
    await first.save(directory);
    const path = join(directory, "params.json");
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(first.params);
    const summary = JSON.parse(readFileSync(join(directory, "summary.json"), "utf8"));
    expect(summary.diagnostics.elbo.history.length).toBeGreaterThan(5);
    for (const init of [path, first.params]) {
      const method = svi({ init, steps: 1, lr: 1e-15 });
      const second = await infer(program, { data: { N: x.length, x }, method, seed: 9 });
      const [was, is] = [first, second].map((f) => paramsOf(f, "amortised"));
      // There and back through the unconstrained numbers.
      for (const name of ["a", "b", "s"]) expect(is[name]).toBeCloseTo(was[name], 12);
    }
    // What is left out begins where it would.
    const init = { amortised: { a: 0.25 } };
    const part = svi({ init, steps: 1, lr: 1e-15 });
    const third = await infer(program, { data: { N: x.length, x }, method: part });
    expect(third.params).toEqual({ amortised: { a: 0.25, b: expect.closeTo(0, 12), s: 1 } });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a run can be watched and stopped", async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  const fit = await infer(compile(linear), {
    data: { N: 2, x: [1, 2] },
    method: svi({ steps: 1_000_000_000, schedule: "constant", tolerance: 1e-300, lr: 0.5 }),
    signal: stop.signal,
    onProgress: ({ done }) => {
      seen.push(done);
      if (done > 2000) stop.abort();
    },
  });
  expect(fit.interrupted).toBe(true);
  expect(fit.fit.figures.steps).toBe(seen.at(-1));
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test("a seed gives the same fit, however the steps are cut into calls", async () => {
  const fit = (onProgress?: () => void) =>
    infer(compile(linear), {
      data: { N: 4, x: [1, 2, 0.5, -1] },
      method: svi({ steps: 400, batch: { N: 2 } }),
      seed: 12,
      onProgress,
    });
  const slow = (): void => {
    const until = performance.now() + 2;
    while (performance.now() < until);
  };
  expect((await fit(slow)).params).toEqual((await fit()).params);
});
