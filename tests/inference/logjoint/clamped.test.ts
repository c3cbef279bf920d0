/** Discrete sites of which some elements are given: sums over the others, listed one by one. */
import { describe, expect, it } from "vitest";
import { compile, enumerate, gibbs, infer, nuts } from "../../../src/index.js";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { logSumExp } from "./discrete-brute.js";
import { dataSet, modelOf } from "./models.js";

type Column = readonly (number | boolean | null)[];
const cases: readonly {
  readonly name: string;
  readonly text: string;
  readonly data: Readonly<Record<string, number | Column>>;
  readonly site: string;
  readonly values: readonly (number | boolean)[];
}[] = [
  {
    name: "states of a hidden Markov model",
    text: `model m(N: int, K: int) {
  for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
  m: ordered[K] ~ Normal(0, 10)
  z[0] ~ Categorical(ones(K) / K)
  for t in 1..N { z[t] ~ Categorical(P[z[t - 1]]) }
  for t in 0..N { y[t] ~ Normal(m[z[t]], 1) }
}`,
    data: { K: 3, y: [1, 2, 5, 6, 1], z: [0, null, 2, null, null] },
    site: "z",
    values: [0, 1, 2],
  },
  {
    name: "labels of a mixture, as truth values",
    text: `model m(N: int) {
  p ~ Beta(1, 1); a ~ Normal(0, 1); b ~ Normal(0, 1)
  for n in 0..N { z[n] ~ Bernoulli(p); y[n] ~ Normal(if z[n] then a else b, 1) }
}`,
    data: { y: [1, 2, 5, 0], z: [true, null, null, false] },
    site: "z",
    values: [false, true],
  },
  {
    name: "outcomes that nothing else reads",
    text: `model m(N: int, n: int[N]) {
  p ~ Beta(1, 1)
  for i in 0..N { k[i] ~ Binomial(n[i], p) }
}`,
    data: { n: [3, 3, 3], k: [2, null, 1] },
    site: "k",
    values: [0, 1, 2, 3],
  },
];

describe("given elements are certain, the others summed out", () => {
  for (const { name, text, data, site, values } of cases) {
    it(name, () => {
      const model = modelOf(text);
      const joint = buildLogJoint(condition(model, dataSet(data)), "test");
      const column = data[site] as Column;
      const open = column.flatMap((v, i) => (v === null ? [i] : []));
      const whole = Array.from({ length: values.length ** open.length }, (_, k) => {
        const filled = [...column];
        open.forEach((i, j) => {
          filled[i] = values[Math.floor(k / values.length ** j) % values.length];
        });
        return buildLogJoint(condition(model, dataSet({ ...data, [site]: filled })), "test");
      });
      const rng = stream(6, 0, 0, 0);
      const q = Float64Array.from({ length: joint.dimension }, () => rng.normal());
      const [found] = evaluate([joint.logDensity], { q });
      const expected = logSumExp(whole.map((j) => evaluate([j.logDensity], { q })[0][0]));
      expect(found[0]).toBeCloseTo(expected, 10);
    });
  }
});

it("a run keeps what is given", async () => {
  const { text, data } = cases[0];
  for (const method of [
    nuts({ chains: 2, warmup: 300, draws: 300 }),
    gibbs({ chains: 2, warmup: 200, draws: 500 }),
  ]) {
    const fit = await infer(compile(text), { data, method, seed: 1 });
    const rows = new Map(fit.summary().rows.map((r) => [r.name, r.mean]));
    expect(rows.get("z[0]")).toBe(0);
    expect(rows.get("z[2]")).toBe(2);
    // y[3] = 6 stands beside y[2] = 5, whose state is the highest.
    expect(rows.get("z[3]")).toBeGreaterThan(1.5);
  }
});

it("the posterior of a finite model with half of its states known", async () => {
  const text = `model m() {
  a ~ Bernoulli(0.3)
  for i in 0..2 { z[i] ~ Bernoulli(if a then 0.9 else 0.2) }
}`;
  const fit = await infer(compile(text), {
    data: { z: [true, null] },
    method: enumerate({ draws: 10 }),
    seed: 1,
  });
  // P(a | z0) = 0.27 / (0.27 + 0.14); z1 follows from a.
  const a = 0.27 / 0.41;
  const rows = new Map(fit.summary().rows.map((r) => [r.name, r.mean]));
  expect(rows.get("a")).toBeCloseTo(a, 10);
  expect(rows.get("z[1]")).toBeCloseTo(0.9 * a + 0.2 * (1 - a), 10);
});

it("counts without end and whole arrays are refused", () => {
  const model = modelOf("model m(N: int) { r ~ Gamma(1, 1); for i in 0..N { k[i] ~ Poisson(r) } }");
  expect(() => condition(model, dataSet({ k: [1, null] }))).toThrow(/k\[1\] is missing/);
});
