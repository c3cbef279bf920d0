/** Exchangeable components are found by an identity, and draws are relabelled to one labelling. */
import { describe, expect, it } from "vitest";
import { latentVariables } from "../../../src/inference/logjoint/latents.js";
import { assign } from "../../../src/math/assignment.js";
import { stream } from "../../../src/math/rng/random.js";
import { checkSource, conditionRaw, selectModel } from "../../../src/run/compile.js";
import { readObject } from "../../../src/run/data/values.js";
import { findExchangeable } from "../../../src/run/labels/exchangeable.js";
import { relabel } from "../../../src/run/labels/relabel.js";
import type { FitData } from "../../../src/run/results/fit.js";

function conditioned(text: string, data: Record<string, unknown>) {
  const source = { path: "model.ppl", text };
  const model = selectModel(checkSource(source), source);
  return conditionRaw(model, readObject(data));
}
const found = (text: string, data: Record<string, unknown>) =>
  findExchangeable(conditioned(text, data)).map(({ size, variables, labels }) => ({
    size,
    variables: Object.fromEntries(variables.map((v) => [v.name, v.axes])),
    labels,
  }));

const y = [-2, -1.5, -2.2, 2, 2.5, 1.9];

describe("the assignment problem", () => {
  it("is solved as trying all permutations solves it", () => {
    const rng = stream(7, 0, 0, 0);
    const permutations = (n: number): number[][] =>
      n === 0
        ? [[]]
        : permutations(n - 1).flatMap((p) =>
            Array.from({ length: n }, (_, k) => [...p.slice(0, k), n - 1, ...p.slice(k)]),
          );
    for (let n = 1; n <= 5; n++) {
      for (let k = 0; k < 20; k++) {
        const cost = Float64Array.from({ length: n * n }, () => rng.normal());
        const total = (p: ArrayLike<number>) =>
          Array.from(p).reduce((s, j, i) => s + cost[i * n + j], 0);
        const least = Math.min(...permutations(n).map(total));
        expect(total(assign(cost, n))).toBeCloseTo(least, 12);
      }
    }
  });
});

describe("exchangeable components", () => {
  const mixture = (mu: string, pi = "pi ~ Dirichlet(ones(K))") => `model m(N: int, K: int) {
    ${pi}
    ${mu}
    s ~ HalfNormal(1)
    for i in 0..N { z[i] ~ Categorical(pi); y[i] ~ Normal(mu[z[i]], s) }
  }`;
  const iid = "for k in 0..K { mu[k] ~ Normal(0, 5) }";

  it("are found where labels select them", () => {
    expect(found(mixture(iid), { N: 6, K: 3, y })).toEqual([
      { size: 3, variables: { pi: [0], mu: [0] }, labels: ["z"] },
    ]);
  });
  it("are found where a mixture is a distribution", () => {
    const text = `model m(N: int, K: int) {
      pi ~ Dirichlet(ones(K))
      for k in 0..K { mu[k] ~ Normal(0, 5) }
      for i in 0..N { y[i] ~ Mixture(pi, [for k in 0..K: Normal(mu[k], 1)]) }
    }`;
    expect(found(text, { N: 6, K: 3, y })).toEqual([
      { size: 3, variables: { pi: [0], mu: [0] }, labels: [] },
    ]);
  });
  it("take both axes of a transition matrix", () => {
    const text = `model hmm(N: int, K: int) {
      for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
      for k in 0..K { m[k] ~ Normal(0, 10) }
      z[0] ~ Categorical(ones(K) / K)
      for t in 1..N { z[t] ~ Categorical(P[z[t - 1]]) }
      for t in 0..N { y[t] ~ Normal(m[z[t]], 1) }
    }`;
    expect(found(text, { N: 6, K: 3, y })).toEqual([
      { size: 3, variables: { P: [0, 1], m: [0] }, labels: ["z"] },
    ]);
  });
  it("leave an axis of equal length and other meaning alone", () => {
    const text = `model m(N: int, K: int, D: int) {
      pi ~ Dirichlet(ones(K))
      for k in 0..K { mu[k] ~ MvNormal(zeros(D), eye(D)) }
      for i in 0..N { z[i] ~ Categorical(pi); x[i] ~ MvNormal(mu[z[i]], eye(D)) }
    }`;
    const x = [
      [1, 2],
      [3, 1],
      [-1, 0],
    ];
    expect(found(text, { N: 3, K: 2, D: 2, x })).toEqual([
      { size: 2, variables: { pi: [0], mu: [0] }, labels: ["z"] },
    ]);
  });
  it("are none where an order or the prior tells them apart", () => {
    expect(found(mixture("mu: ordered[K] ~ Normal(0, 5)"), { N: 6, K: 3, y })).toEqual([]);
    expect(found(mixture("for k in 0..K { mu[k] ~ Normal(k, 5) }"), { N: 6, K: 3, y })).toEqual([]);
  });
  it("are none where nothing is a mixture", () => {
    const text = `model m(N: int) {
      for i in 0..N { theta[i] ~ Normal(0, 1); y[i] ~ Normal(theta[i], 1) }
    }`;
    expect(found(text, { N: 6, y })).toEqual([]);
  });
});

describe("relabelling", () => {
  const text = `model m(N: int, K: int) {
    pi ~ Dirichlet(ones(K))
    for k in 0..K { mu[k] ~ Normal(0, 5) }
    s ~ HalfNormal(1)
    for i in 0..N { z[i] ~ Categorical(pi); y[i] ~ Normal(mu[z[i]], s) }
  }`;
  const model = conditioned(text, { N: 6, K: 3, y });
  const latents = latentVariables(model);
  const rng = stream(3, 0, 0, 0);
  const perms = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  /** Draws around one labelling, each then permuted at random: pi, mu, s. */
  const draws = Array.from({ length: 200 }, () => {
    const noise = () => 0.1 * rng.normal();
    const [pi, mu] = [
      [0.2 + 0.1 * noise(), 0.3 + 0.1 * noise(), 0.5 + 0.1 * noise()],
      [-2 + noise(), 0.5 + noise(), 3 + noise()],
    ];
    const p = perms[rng.int(6)];
    return { pi, mu, p, s: Math.exp(noise()) };
  });
  const values = Float64Array.from(
    draws.flatMap(({ pi, mu, p, s }) => [...p.map((k) => pi[k]), ...p.map((k) => mu[k]), s]),
  );
  const chain = (from: number, to: number) => ({
    values: values.slice(from * 7, to * 7),
    draws: to - from,
    statistics: {},
  });
  const fit: FitData = {
    conditioned: model,
    method: "nuts",
    latents,
    chains: [chain(0, 100), chain(100, 200)],
    timing: { compileSeconds: 0, warmupSeconds: 0, sampleSeconds: 0, gradients: 0 },
    seed: 1,
    isPoint: false,
    interrupted: false,
    warmup: 0,
    warnings: [],
    figures: {},
  };

  it("undoes the permutations of well separated components", () => {
    const { fit: done, relabellings } = relabel(fit, findExchangeable(model));
    expect(relabellings).toHaveLength(1);
    // The pivot is the first draw: its own labelling is kept.
    const order = draws[0].p;
    draws.forEach(({ pi, mu, s }, t) => {
      const of = done.chains[t < 100 ? 0 : 1].values;
      const row = Array.from(of.subarray((t % 100) * 7, (t % 100) * 7 + 7));
      expect(row).toEqual([...order.map((k) => pi[k]), ...order.map((k) => mu[k]), s]);
    });
    // About 1/6 of random permutations are each chain's most usual one, at least.
    expect(relabellings[0].switched).toBeGreaterThan(0.5);
    expect(fit.chains[0].values).toEqual(chain(0, 100).values);
  });
  it("changes nothing without groups", () => {
    expect(relabel(fit, []).fit.chains).toBe(fit.chains);
  });
});
