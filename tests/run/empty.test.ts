/** Sizes of 0: sites without elements stand in no method's way. */
import { describe, expect, test } from "vitest";
import { cavi, compile, em, enumerate, gibbs, infer, map, nuts, prior } from "../../src/index.js";

const model = compile(`model m(N: int, x: real[N, 2]) {
  mu ~ Normal(0, 1)
  tau ~ Gamma(2, 2)
  for i in 0..N {
    z[i] ~ Bernoulli(0.3)
    w[i] ~ Beta(2, 2)
    y[i] ~ Normal(mu + x[i, 0] * w[i] + z[i], tau)
  }
  o ~ Normal(mu, 1)
}`);
const data = { N: 0, x: [], y: [], o: 0.5 };

describe("a plate without elements", () => {
  test.each([
    ["nuts", nuts({ chains: 1, warmup: 50, draws: 50 })],
    ["gibbs", gibbs({ chains: 1, warmup: 50, draws: 50 })],
    ["cavi", cavi({ draws: 50 })],
    ["map", map()],
    ["prior", prior({ draws: 50 })],
  ])("%s", async (_, method) => {
    const fit = await infer(model, { data, method, threads: 1 });
    const row = fit.summary().rows.find((r) => r.name === "mu");
    expect(Number.isFinite(row?.mean)).toBe(true);
    expect(fit.draws("w").shape.slice(2)).toEqual([0]);
    expect(fit.draws("z").shape.slice(2)).toEqual([0]);
  });

  test("em, with a param beside it", async () => {
    const text = `model m(N: int) {
      param s: positive = 1
      for i in 0..N { param a[i]: real = 0;  z[i] ~ Bernoulli(0.3);  y[i] ~ Normal(a[i] + z[i], s) }
      for k in 0..3 { u[k] ~ Bernoulli(0.5);  o[k] ~ Normal(3 * u[k], s) }
    }`;
    const fit = await infer(compile(text), {
      data: { N: 0, o: [0.1, 2.9, 0.2] },
      method: em({ restarts: 1 }),
    });
    expect(fit.draws("s").data[0]).toBeGreaterThan(0);
  });

  test("enumerate and gibbs of discrete sites alone", async () => {
    const text = `model m(N: int) { for i in 0..N { z[i] ~ Bernoulli(0.3) }
      u ~ Bernoulli(0.5) }`;
    for (const method of [enumerate(), gibbs({ chains: 1, warmup: 10, draws: 20 })]) {
      const fit = await infer(compile(text), { data: { N: 0 }, method, threads: 1 });
      expect(fit.draws("z").shape.slice(2)).toEqual([0]);
    }
  });
});

test("a label without cut points has one value", async () => {
  const text = "model m(N: int) { z ~ OrderedLogistic(1, fill(1, N));  o ~ Normal(z, 1) }";
  const data = { N: 0, o: 0.3 };
  for (const method of [enumerate(), gibbs({ chains: 1, warmup: 10, draws: 20 })]) {
    const fit = await infer(compile(text), { data, method, threads: 1 });
    expect([...fit.draws("z").data].every((v) => v === 0)).toBe(true);
  }
});
