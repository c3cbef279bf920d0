/**
 * Latent whole numbers without end under `gibbs`: the posterior is that of a twin whose numbers end far
 * in the tail, which is summed exactly; lets, predictions and starts; what other methods say.
 */
import { describe, expect, test } from "vitest";
import { compile, enumerate, explain, gibbs, infer, nuts, TildeError } from "../../src/index.js";

/** A distribution without end stands in angles; its twin ends where its tail is below 1e-12. */
const twins: readonly (readonly [name: string, text: string, data: object])[] = [
  ["Poisson", "model m() { n ~ <Poisson(4)>; y ~ Normal(n, 2) }", { y: 6.3 }],
  ["far from the prior", "model m() { n ~ <Poisson(4)>; y ~ Binomial(n, 0.5) }", { y: 14 }],
  [
    "several that depend on each other",
    `model m() {
  a ~ <Poisson(3)>
  b ~ <NegativeBinomial(a + 1, 2)>
  y ~ Poisson(a + b + 0.5)
  z ~ Normal(a * b, 2)
}`,
    { y: 4, z: 7.5 },
  ],
  [
    "beside finite ones",
    `model m() {
  k ~ Categorical([0.5, 0.3, 0.2])
  n ~ <Geometric(0.15 * (k + 1))>
  y ~ Normal(n + 2 * k, 1.5)
}`,
    { y: 5 },
  ],
];
const ended = (text: string) => text.replace(/<(.*?)>/g, "Truncated($1, lower: 0, upper: 60)");
const endless = (text: string) => text.replace(/<(.*?)>/g, "$1");

test.each(twins)("%s", async (_, text, data) => {
  const options = { data: data as Record<string, number>, seed: 3 };
  const exact = await infer(compile(ended(text)), { ...options, method: enumerate() });
  const method = gibbs({ chains: 4, warmup: 200, draws: 5000 });
  const drawn = await infer(compile(endless(text)), { ...options, method });
  const rows = new Map(drawn.summary().rows.map((r) => [r.name, r]));
  expect(exact.summary().rows.length).toBe(rows.size);
  for (const row of exact.summary().rows) {
    const own = rows.get(row.name);
    expect(Math.abs((own?.mean ?? Number.NaN) - row.mean)).toBeLessThan(4.5 * (own?.mcseMean ?? 0));
    // Of an sd of 20 000 correlated draws a few hundredths are noise.
    expect(Math.abs((own?.sd ?? Number.NaN) / (row.sd ?? 0) - 1)).toBeLessThan(0.06);
  }
});

describe("abundance from repeated counts", () => {
  const text = (d: string) => `model nmix(R: int, T: int) {
  lambda ~ Exponential(0.1)
  p ~ Beta(2, 2)
  for i in 0..R {
    N[i] ~ ${d}
    for t in 0..T { y[i, t] ~ Binomial(N[i], p) }
  }
  let total = sum(N)
}`;
  const y = [
    [2, 3, 1],
    [4, 2, 5],
    [0, 1, 0],
    [6, 5, 7],
  ];
  test("agrees with NUTS on the sum over a truncated twin", async () => {
    const method = gibbs({ chains: 4, warmup: 500, draws: 3000 });
    const a = await infer(compile(text("Poisson(lambda)")), { data: { y }, method, seed: 1 });
    const b = await infer(compile(text("Truncated(Poisson(lambda), lower: 0, upper: 80)")), {
      data: { y },
      method: nuts({ chains: 2, draws: 1000 }),
      seed: 2,
    });
    const others = new Map(b.summary().rows.map((r) => [r.name, r]));
    for (const row of a.summary().rows) {
      const other = others.get(row.name);
      const error = Math.hypot(row.mcseMean ?? 0, other?.mcseMean ?? 0);
      expect(Math.abs(row.mean - (other?.mean ?? Number.NaN))).toBeLessThan(4.5 * error);
    }
    const total = a.draws("total").data;
    const N = a.draws("N").data;
    expect(total[7]).toBe(N[28] + N[29] + N[30] + N[31]);
    expect([...N.subarray(0, 400)].every(Number.isInteger)).toBe(true);
    const plan = await explain(compile(text("Poisson(lambda)")), { y }, { method: "gibbs" });
    const step = plan.steps.find((s) =>
      s.startsWith("N: slice sampling of whole numbers, one by one"),
    );
    // Found with latent counts as with data.
    expect(plan.steps).toContain("lambda: Gamma conditional, all elements at once");
    expect(plan.steps).toContain("p: Beta conditional, all elements at once");
    // Of a site's own terms, those of one place in four.
    const [, own, all] = step?.match(/; one reads (\d+) of (\d+) terms of its density$/) ?? [];
    expect(Number(all)).toBe(4 * Number(own));
  });

  test("other methods name gibbs", async () => {
    const run = infer(compile(text("Poisson(lambda)")), { data: { y }, method: nuts(), seed: 1 });
    await expect(run).rejects.toThrow(TildeError);
    await expect(run).rejects.toThrow(/methods that work for this model and data: gibbs/);
  });
});

test("a latent number of successes out of a latent number of trials", async () => {
  const text = `model m() { n ~ Poisson(6); k ~ Binomial(n, 0.5); y ~ Normal(k, 1) }`;
  const method = gibbs({ chains: 4, warmup: 200, draws: 10_000 });
  const fit = await infer(compile(text), { data: { y: 5 }, method, seed: 1 });
  // k is Poisson(3), n − k is Poisson(3) and independent of it.
  const weights = Array.from({ length: 60 }, (_, k) => {
    const logFactorial = Array.from({ length: k }, (_, i) => Math.log(i + 1)).reduce(
      (a, b) => a + b,
      0,
    );
    return Math.exp(k * Math.log(3) - logFactorial - (5 - k) ** 2 / 2);
  });
  const mean = weights.reduce((s, w, k) => s + w * k, 0) / weights.reduce((s, w) => s + w, 0);
  const rows = new Map(fit.summary().rows.map((r) => [r.name, r]));
  for (const [name, expected] of [
    ["k", mean],
    ["n", mean + 3],
  ] as const) {
    const row = rows.get(name);
    expect(Math.abs((row?.mean ?? Number.NaN) - expected)).toBeLessThan(4.5 * (row?.mcseMean ?? 0));
  }
});
