/**
 * Long discrete components that are no chains, against the same sums written out as recurrences: their
 * log joints and gradients must be equal, and their graphs must not grow with the length.
 */
import { describe, expect, it } from "vitest";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { topological } from "../../../src/tensor/traverse.js";
import { dataSet, modelOf, wiggle } from "./models.js";

const T = 60;
const parents = Array.from({ length: T }, (_, i) => Math.max(0, Math.floor((i - 1) / 2)));

const pairs: readonly {
  readonly name: string;
  readonly continuous: string;
  readonly discrete: string;
  readonly written: string;
  readonly inputs: string;
  readonly data: Parameters<typeof dataSet>[0];
}[] = [
  {
    name: "a label at each step of a hidden Markov model",
    inputs: "T: int, y: real[T]",
    continuous: "p ~ Beta(2, 2); q ~ Beta(2, 2); m ~ Normal(0, 1); k ~ Normal(0, 1)",
    discrete: `a[0] ~ Bernoulli(0.3)
  for t in 1..T { a[t] ~ Bernoulli(if a[t - 1] then p else 0.4) }
  for t in 0..T {
    b[t] ~ Bernoulli(if a[t] then q else 0.6)
    y[t] ~ Normal(int(a[t]) * m + int(b[t]) * k, 1)
  }`,
    written: `for t in 0..T, s in 0..2 {
    let r = if s == 1 then q else 0.6
    let own[t, s] = logsumexp([
      log(r) + Normal(s * m + k, 1).log_prob(y[t]),
      log(1 - r) + Normal(s * m, 1).log_prob(y[t])])
  }
  for s in 0..2 { let f[0, s] = log(if s == 1 then 0.3 else 0.7) + own[0, s] }
  for t in 1..T, s in 0..2 {
    let f[t, s] = own[t, s] + logsumexp(for o in 0..2: f[t - 1, o]
      + log(if s == 1 then (if o == 1 then p else 0.4) else (if o == 1 then 1 - p else 0.6)))
  }
  factor logsumexp(f[T - 1])`,
    data: { y: wiggle(T) },
  },
  {
    name: "a chain of second order",
    inputs: "T: int, K: int, y: real[T]",
    continuous: `for i in 0..K, j in 0..K { P[i, j] ~ Dirichlet(2 * ones(K)) }
  for i in 0..K { m[i] ~ Normal(0, 2) }`,
    discrete: `z[0] ~ Categorical(ones(K) / K)
  z[1] ~ Categorical(ones(K) / K)
  for t in 2..T { z[t] ~ Categorical(P[z[t - 1], z[t - 2]]) }
  for t in 0..T { y[t] ~ Normal(m[z[t]], 1) }`,
    written: `for t in 0..T, i in 0..K { let e[t, i] = Normal(m[i], 1).log_prob(y[t]) }
  for i in 0..K, j in 0..K { let f[0, i, j] = -2 * log(K) + e[0, j] + e[1, i] }
  for t in 1..T - 1, i in 0..K, j in 0..K {
    let f[t, i, j] = e[t + 1, i] + logsumexp(for o in 0..K: f[t - 1, j, o] + log(P[j, o, i]))
  }
  factor logsumexp(for i in 0..K, j in 0..K: f[T - 2, i, j])`,
    data: { K: 3, y: wiggle(T) },
  },
  {
    name: "two chains with one emission, in a plate",
    inputs: "S: int, T: int, y: real[S, T]",
    continuous: "p ~ Beta(2, 2); q ~ Beta(2, 2); m ~ Normal(0, 1); k ~ Normal(0, 1)",
    discrete: `for s in 0..S {
    a[s, 0] ~ Bernoulli(0.5)
    b[s, 0] ~ Bernoulli(0.5)
    for t in 1..T {
      a[s, t] ~ Bernoulli(if a[s, t - 1] then p else 1 - p)
      b[s, t] ~ Bernoulli(if b[s, t - 1] then q else 1 - q)
    }
    for t in 0..T { y[s, t] ~ Normal(int(a[s, t]) * m + int(b[s, t]) * k, 1) }
  }`,
    written: `for s in 0..S, t in 0..T, i in 0..2, j in 0..2 {
    let e[s, t, i, j] = Normal(i * m + j * k, 1).log_prob(y[s, t])
  }
  for s in 0..S, i in 0..2, j in 0..2 { let f[s, 0, i, j] = log(0.25) + e[s, 0, i, j] }
  for s in 0..S, t in 1..T, i in 0..2, j in 0..2 {
    let f[s, t, i, j] = e[s, t, i, j] + logsumexp(for v in 0..2, w in 0..2: f[s, t - 1, v, w]
      + log(if i == v then p else 1 - p) + log(if j == w then q else 1 - q))
  }
  for s in 0..S { factor logsumexp(for i in 0..2, j in 0..2: f[s, T - 1, i, j]) }`,
    data: { y: [wiggle(T), wiggle(T, 1), wiggle(T, 2)] },
  },
  {
    name: "one label of a whole hidden Markov model",
    inputs: "T: int, y: real[T]",
    continuous: "p ~ Beta(2, 2); m ~ Normal(0, 1)",
    discrete: `g ~ Categorical([0.2, 0.3, 0.5])
  a[0] ~ Bernoulli(0.5)
  for t in 1..T { a[t] ~ Bernoulli(if a[t - 1] then p else 0.3) }
  for t in 0..T { y[t] ~ Normal(int(a[t]) * m + 0.3 * g, 1) }`,
    written: `let w = [0.2, 0.3, 0.5]
  for g in 0..3, t in 0..T, s in 0..2 { let e[g, t, s] = Normal(s * m + 0.3 * g, 1).log_prob(y[t]) }
  for g in 0..3, s in 0..2 { let f[g, 0, s] = log(0.5) + e[g, 0, s] }
  for g in 0..3, t in 1..T, s in 0..2 {
    let f[g, t, s] = e[g, t, s] + logsumexp(for o in 0..2: f[g, t - 1, o]
      + log(if s == 1 then (if o == 1 then p else 0.3) else (if o == 1 then 1 - p else 0.7)))
  }
  factor logsumexp(for g in 0..3, s in 0..2: log(w[g]) + f[g, T - 1, s])`,
    data: { y: wiggle(T) },
  },
  {
    name: "one label of many others",
    inputs: "T: int, y: real[T]",
    continuous: "p ~ Beta(2, 2); m ~ Normal(0, 1)",
    discrete: `g ~ Bernoulli(0.2)
  for t in 0..T {
    a[t] ~ Bernoulli(if g then p else 0.3)
    y[t] ~ Normal(int(a[t]) * m, 1)
  }`,
    written: `for g in 0..2, t in 0..T {
    let r = if g == 1 then p else 0.3
    let e[g, t] = logsumexp([
      log(r) + Normal(m, 1).log_prob(y[t]), log(1 - r) + Normal(0, 1).log_prob(y[t])])
  }
  factor logsumexp(for g in 0..2: log(if g == 1 then 0.2 else 0.8) + sum(for t in 0..T: e[g, t]))`,
    data: { y: wiggle(T) },
  },
  {
    name: "a tree",
    inputs: "N: int, parent: int[N], y: real[N]",
    continuous: "p ~ Beta(2, 2); m ~ Normal(0, 1)",
    discrete: `z[0] ~ Bernoulli(0.5)
  for i in 1..N { z[i] ~ Bernoulli(if z[parent[i]] then 1 - p else p) }
  for i in 0..N { y[i] ~ Normal(int(z[i]) * m, 1) }`,
    written: `for k in 0..N, s in 0..2 {
    let i = N - 1 - k
    let up[N - 1 - k, s] = Normal(s * m, 1).log_prob(y[i])
      + sum(for c in 1..N: if parent[c] == i
        then logsumexp([log(p) + up[c, 1 - s], log(1 - p) + up[c, s]]) else 0)
  }
  factor log(0.5) + logsumexp(up[0])`,
    data: { parent: parents, y: wiggle(T) },
  },
];

describe("long components", () => {
  for (const { name, inputs, continuous, discrete, written, data } of pairs) {
    it(name, () => {
      const [summed, expected] = [discrete, written].map((body) => {
        const text = `model m(${inputs}) {\n  ${continuous}\n  ${body}\n}`;
        const joint = buildLogJoint(condition(modelOf(text), dataSet(data)), "test");
        const [slope] = gradient(joint.g, joint.logDensity, [joint.q]);
        return { joint, nodes: [joint.logDensity, slope] };
      });
      expect(summed.joint.sum).toBeDefined();
      expect(expected.joint.sum).toBeUndefined();
      for (let k = 0; k < 3; k++) {
        const rng = stream(5, 0, 0, k);
        const q = Float64Array.from({ length: summed.joint.dimension }, () => 0.7 * rng.normal());
        const [[lp], slope] = evaluate(summed.nodes, { q });
        const [[lpWritten], slopeWritten] = evaluate(expected.nodes, { q });
        // The same few thousand terms, summed in another order.
        expect(Math.abs(lp - lpWritten)).toBeLessThan(1e-10 * (1 + Math.abs(lp)));
        slope.forEach((d, i) => {
          expect(Math.abs(d - slopeWritten[i])).toBeLessThan(1e-9 * (1 + Math.abs(d)));
        });
      }
    });
  }

  it.each([0, 1, 3, 4])("graph %i does not grow with the length", (which) => {
    const { inputs, continuous, discrete } = pairs[which];
    const nodes = (n: number): number => {
      const text = `model m(${inputs}) {\n  ${continuous}\n  ${discrete}\n}`;
      const data = dataSet({ y: wiggle(n), K: 2 });
      const joint = buildLogJoint(condition(modelOf(text), data), "test");
      return topological([joint.logDensity]).length;
    };
    expect(nodes(800)).toBeLessThanOrEqual(nodes(80));
  });
});
