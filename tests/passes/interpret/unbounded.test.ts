/** Prior simulation of Dirichlet-process mixtures, and what the data may say of them. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { samplePrior } from "../../../src/inference/prior/index.js";
import { philoxKey } from "../../../src/math/rng/index.js";
import type { DataSet } from "../../../src/model/data.js";
import { condition } from "../../../src/passes/condition/index.js";
import { compileSimulator } from "../../../src/passes/interpret/simulate.js";
import { dataSet, modelOf } from "../../inference/logjoint/models.js";

const text = `model m(N: int, alpha: positive) {
  for k in 0.. { mu[k] ~ Normal(0, 10);  for d in 0..2 { p[k, d] ~ Beta(1, 1) } }
  for i in 0..N {
    z[i] ~ CRP(alpha)
    x[i] ~ Normal(mu[z[i]], 1)
    for d in 0..2 { b[i, d] ~ Bernoulli(p[z[i], d]) }
  }
}`;

const codesOf = (f: () => unknown): string[] => {
  try {
    f();
  } catch (e) {
    if (e instanceof TildeError) return e.diagnostics.map((d) => d.code);
    throw e;
  }
  return [];
};

describe("simulation", () => {
  test("labels are those of the Chinese restaurant process", () => {
    const [N, alpha, draws] = [4, 1.5, 20000];
    const { draws: found } = samplePrior(modelOf(text), dataSet({ N, alpha }), { draws, seed: 5 });
    const z = found.get("z")?.data ?? new Float64Array();
    // Ewens' formula: a labelling in order of appearance has α^K Π (n_c − 1)! / Π (α + i).
    const counts = new Map<string, number>();
    for (let t = 0; t < draws; t++) {
      const key = z.slice(t * N, (t + 1) * N).join(" ");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(15); // Bell(4): every partition, each by one labelling.
    const rising = [0, 1, 2, 3].reduce((p, i) => p * (alpha + i), 1);
    const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
    let chiSquare = 0;
    for (const [key, count] of counts) {
      const labels = key.split(" ").map(Number);
      const sizes = [...new Set(labels)].map((c) => labels.filter((l) => l === c).length);
      const weight = sizes.reduce((p, n) => p * alpha * factorial(n - 1), 1) / rising;
      chiSquare += (count - draws * weight) ** 2 / (draws * weight);
    }
    // 14 degrees of freedom: 42.58 is the 0.9999 quantile.
    expect(chiSquare).toBeLessThan(42.58);
  });

  test("as many components as labels in use", () => {
    const conditioned = condition(modelOf(text), dataSet({ N: 6, alpha: 1 }));
    const simulator = compileSimulator(conditioned);
    for (let step = 0; step < 20; step++) {
      const drawn = simulator.draw(new Map(), { key: philoxKey(1), offset: 0 }, step);
      const used = Math.max(...(drawn.get("z")?.data ?? [])) + 1;
      expect(drawn.get("mu")?.dims).toEqual([used]);
      expect(drawn.get("p")?.dims).toEqual([used, 2]);
      expect(drawn.get("p")?.data.length).toBe(2 * used);
      expect(drawn.get("x")?.data.every(Number.isFinite)).toBe(true);
    }
  });

  test("no table of components' draws", () => {
    const model = modelOf(text);
    const data = dataSet({ N: 3, alpha: 1 });
    const { draws } = samplePrior(model, data, { draws: 2, seed: 1 });
    expect([...draws.keys()]).toEqual(["z", "x", "b"]);
    const only = () => samplePrior(model, data, { draws: 2, seed: 1, only: ["mu"] });
    expect(codesOf(only)).toEqual(["unbounded_draws"]);
  });

  test("a concentration outside its domain is told", () => {
    const wild = `model m(N: int) {
      a ~ Normal(-5, 0.1)
      for k in 0.. { mu[k] ~ Normal(0, 1) }
      for i in 0..N { z[i] ~ CRP(a);  x[i] ~ Normal(mu[z[i]], 1) }
    }`;
    const run = () => samplePrior(modelOf(wild), dataSet({ N: 3 }), { draws: 1, seed: 1 });
    expect(codesOf(run)).toEqual(["draw_parameter_outside"]);
  });
});

describe("data and methods", () => {
  const given = (data: Record<string, number | number[]>): DataSet => dataSet(data);
  test("labels and components are never given", () => {
    const model = modelOf(text);
    const both = () => condition(model, given({ N: 2, alpha: 1, z: [0, 1], mu: [1, 2, 3] }));
    expect(codesOf(both)).toEqual(["data_unbounded", "data_unbounded"]);
  });
  test("methods over a fixed number of parameters refuse", () => {
    const conditioned = condition(modelOf(text), given({ N: 2, alpha: 1 }));
    expect(codesOf(() => buildLogJoint(conditioned, "nuts"))).toEqual(["unbounded_method"]);
  });
});
