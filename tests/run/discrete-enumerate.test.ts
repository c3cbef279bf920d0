/** `method: enumerate`: exact posteriors and evidence against hand computations and brute force. */
import { describe, expect, it } from "vitest";
import { compile, enumerate, infer } from "../../src/index.js";
import { condition } from "../../src/passes/condition/index.js";
import { summaryJson } from "../../src/run/results/summary.js";
import { assignments, logSumExp } from "../inference/logjoint/discrete-brute.js";
import { dataSet, modelOf } from "../inference/logjoint/models.js";

/** Rain, a sprinkler and wet grass (Pearl 1988; the numbers of Russell & Norvig's figure 14.12). */
const sprinkler = compile(`model sprinkler() {
  cloudy ~ Bernoulli(0.5)
  sprinkler ~ Bernoulli(if cloudy then 0.1 else 0.5)
  rain ~ Bernoulli(if cloudy then 0.8 else 0.2)
  wet ~ Bernoulli(if sprinkler && rain then 0.99 else if sprinkler || rain then 0.9 else 0.0)
  let cause = int(rain) - int(sprinkler)
}`);

describe("a Bayesian network", () => {
  it("has the posterior of the textbook", async () => {
    const fit = await infer(sprinkler, { data: { wet: true }, method: enumerate({ draws: 2000 }) });
    // P(wet) = Σ over cloudy of what the three tables give; P(rain, wet) the same with rain.
    const wet =
      0.5 * (0.1 * 0.8 * 0.99 + 0.1 * 0.2 * 0.9 + 0.9 * 0.8 * 0.9) +
      0.5 * (0.5 * 0.2 * 0.99 + 0.5 * 0.8 * 0.9 + 0.5 * 0.2 * 0.9);
    const rain =
      (0.5 * (0.1 * 0.8 * 0.99 + 0.9 * 0.8 * 0.9) + 0.5 * (0.5 * 0.2 * 0.99 + 0.5 * 0.2 * 0.9)) /
      wet;
    expect(fit.fit.figures.log_evidence).toBeCloseTo(Math.log(wet), 12);
    const { data, shape, values } = fit.marginals("rain");
    expect(shape).toEqual([2]);
    expect(values).toEqual([0, 1]);
    expect(data[1]).toBeCloseTo(rain, 12);
    expect([...fit.mostProbable("rain").data]).toEqual([1]);

    const row = fit.summary().rows.find((r) => r.name === "rain");
    expect(row?.mean).toBeCloseTo(rain, 12);
    expect(row?.sd).toBeCloseTo(Math.sqrt(rain * (1 - rain)), 12);
    const json = summaryJson(fit.fit, fit.summary()) as {
      variables: Record<string, { probabilities: Record<string, number>; most_probable: number }>;
      diagnostics: { log_evidence: number };
    };
    expect(json.variables.rain.probabilities["1"]).toBeCloseTo(rain, 12);
    expect(json.variables.rain.most_probable).toBe(1);
    expect(json.diagnostics.log_evidence).toBeCloseTo(Math.log(wet), 12);
  });

  it("draws from the joint posterior, and computes lets from the draws", async () => {
    const fit = await infer(sprinkler, { data: { wet: true }, method: enumerate({ draws: 4000 }) });
    const [r, s, cause] = ["rain", "sprinkler", "cause"].map((n) => fit.draws(n).data);
    expect(fit.draws("rain").shape).toEqual([1, 4000]);
    let neither = 0;
    let ones = 0;
    for (let t = 0; t < 4000; t++) {
      expect(cause[t]).toBe(r[t] - s[t]);
      if (r[t] === 0 && s[t] === 0) neither++;
      ones += r[t];
    }
    expect(neither).toBe(0);
    const exact = fit.marginals("rain").data[1];
    // Five standard errors of a proportion.
    expect(Math.abs(ones / 4000 - exact)).toBeLessThan((5 * 0.5) / Math.sqrt(4000));
  });
});

describe("against brute force", () => {
  const text = `model coupled(T: int) {
    let P = [[0.9, 0.1], [0.2, 0.8]]
    z[0] ~ Categorical([0.5, 0.5])
    n ~ Binomial(3, 0.4)
    for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
    for t in 0..T { y[t] ~ Normal(z[t] + 0.5 * n, 0.8) }
    factor 0.3 * n
  }`;
  const data = { T: 5, y: [0.2, 0.9, 1.4, 0.1, 2.2] };

  it("evidence, marginals and mode", async () => {
    const fit = await infer(compile(text), { data, method: enumerate() });
    const conditioned = condition(modelOf(text), dataSet(data));
    const sites = [
      { name: "z", dims: [5], low: 0, count: 2, offset: 0 },
      { name: "n", dims: [], low: 0, count: 4, offset: 5 },
    ];
    const all = assignments(conditioned, sites, new Map());
    const total = logSumExp(all.map((a) => a.logJoint));
    expect(fit.fit.figures.log_evidence).toBeCloseTo(total, 10);
    const n = [0, 0, 0, 0];
    for (const a of all) n[a.values[5]] += Math.exp(a.logJoint - total);
    fit.marginals("n").data.forEach((p, k) => {
      expect(p).toBeCloseTo(n[k], 10);
    });
    const best = all.reduce((a, b) => (b.logJoint > a.logJoint ? b : a));
    const found = [...fit.mostProbable("z").data, ...fit.mostProbable("n").data];
    expect(found).toEqual([...best.values]);
    const rows = new Map(fit.summary().rows.map((r) => [r.name, r]));
    expect(rows.get("n")?.mean).toBeCloseTo(n[1] + 2 * n[2] + 3 * n[3], 10);
  });
});

describe("what it refuses", () => {
  const run = (text: string, data: Record<string, unknown> = {}) =>
    infer(compile(text), { data, method: enumerate() });

  it("continuous latent sites", async () => {
    await expect(run("model m() { x ~ Normal(0, 1)\n z ~ Bernoulli(0.5) }")).rejects.toThrow(
      /`x` is continuous, and enumerate needs/,
    );
  });
  it("sites with no end of values", async () => {
    await expect(run("model m() { n ~ Poisson(3) }")).rejects.toThrow(/too many for enumerate/);
  });
  it("models with nothing latent", async () => {
    await expect(run("model m() { y ~ Bernoulli(0.5) }", { y: true })).rejects.toThrow(/enumerate/);
  });
  it("data that no assignment allows", async () => {
    const text = "model m() { z ~ Bernoulli(0.5)\n y ~ Bernoulli(if z then 0.0 else 0.0) }";
    await expect(run(text, { y: true })).rejects.toThrow(/the evidence is 0/);
  });
  it("groups that hang together too densely", async () => {
    const text = `model m(N: int) {
      for i in 0..N { z[i] ~ Bernoulli(0.5) }
      for i in 0..N { for j in 0..i { factor 0.1 * int(z[i]) * int(z[j]) } }
    }`;
    await expect(run(text, { N: 40 })).rejects.toThrow(/tables of 1.1e\+12 numbers/);
  });
});
