/** Entries of factor tables: pushed down, they are those of the whole table. */
import { describe, expect, test } from "vitest";
import { buildDirectJoint, STATES } from "../../../src/inference/logjoint/direct.js";
import { entriesAt } from "../../../src/inference/logjoint/entries.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { topological } from "../../../src/tensor/traverse.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { dataSet, modelOf } from "./models.js";

type Data = Parameters<typeof dataSet>[0];
const N = 20;
const ramp = (n: number, f: (i: number) => number): number[] =>
  Array.from({ length: n }, (_, i) => f(i));
const x = ramp(N, (i) => Math.sin(i * 1.7));
const rows = ramp(N, (i) => i).map((i) => [Math.sin(i), Math.cos(2 * i), i / N]);

const models: readonly (readonly [name: string, text: string, data: Data])[] = [
  [
    "scales and locations",
    `model m(N: int) {
      w ~ Dirichlet([1, 2, 3])
      b ~ Normal(0, 1)
      for k in 0..3 { mu[k] ~ Normal(0, 10); tau[k] ~ Gamma(2, 2) }
      for i in 0..N { z[i] ~ Categorical(w); x[i] ~ Normal(mu[z[i]] + b * i, 1 / sqrt(tau[z[i]])) }
    }`,
    { N, x },
  ],
  [
    "vectors with a covariance each",
    `model m(N: int, x: real[N, 3]) {
      for k in 0..2 { mu[k] ~ MvNormal(zeros(3), eye(3)); S[k] ~ InverseWishart(5, eye(3)) }
      for i in 0..N { z[i] ~ Categorical([0.5, 0.5]); observe x[i] ~ MvNormal(mu[z[i]], S[z[i]]) }
    }`,
    { N, x: rows },
  ],
  [
    "regressions, a shared covariance, a loop in each item",
    `model m(N: int, x: real[N, 3], y: real[N]) {
      Sigma ~ InverseWishart(5, eye(3))
      for k in 0..2 { beta[k] ~ MvNormal(zeros(3), eye(3)); for d in 0..3 { p[k, d] ~ Beta(1, 1) } }
      for i in 0..N {
        z[i] ~ Categorical([0.5, 0.5])
        observe y[i] ~ Normal(dot(x[i], beta[z[i]]), 1)
        observe x[i] ~ MvNormal(beta[z[i]], Sigma)
        for d in 0..3 { observe x[i, d] ~ Normal(p[z[i], d], 1) }
      }
    }`,
    { N, x: rows, y: x },
  ],
  [
    "groups of items, labels of labels' neighbours, missing entries",
    `model m(N: int, group: category(4)[N]) {
      for k in 0..3 { mu[k] ~ Normal(0, 1); P[k] ~ Dirichlet([1, 1, 1]) }
      z[0] ~ Categorical([0.2, 0.3, 0.5])
      for g in 1..4 { z[g] ~ Categorical(P[z[g - 1]]) }
      for i in 0..N { x[i] ~ Normal(mu[z[group[i]]], 1) }
    }`,
    { N, x: x.map((v, i) => (i === 3 ? null : v)), group: ramp(N, (i) => (i * 7) % 4) },
  ],
];

describe("entries of factor tables", () => {
  for (const [name, text, data] of models) {
    test(name, () => {
      const joint = buildDirectJoint(condition(modelOf(text), dataSet(data)), new Set(), "test");
      const rng = stream(3, 0, 0, 0);
      const inputs: Record<string, Float64Array> = {};
      const graph = topological(joint.factors.map((f) => f.rows));
      for (const n of graph) {
        if (n.op !== "input" || n.name === STATES) continue;
        inputs[n.name] = Float64Array.from(
          { length: sizeOf(n.shape) },
          () => 0.2 + 0.6 * rng.uniform(),
        );
        if (n.name === "S" || n.name === "Sigma") {
          inputs[n.name] = inputs[n.name].map((v, i) => ((i % 9) % 4 === 0 ? 2 + v : 0.3));
        }
      }
      expect(joint.factors.length).toBeGreaterThan(0);
      for (const { rows: table } of joint.factors) {
        const { g } = joint;
        const [tuples, ...sizes] = table.shape;
        const strides = sizes.map((_, k) => sizes.slice(k + 1).reduce((n, d) => n * d, 1));
        const width = sizes.reduce((n, d) => n * d, 1);
        const B = 7;
        const index = (size: number) => Float64Array.from({ length: B }, () => rng.int(size));
        const at = [tuples, ...sizes].map((s) => index(s));
        const nodes = new Map(at.map((v, axis) => [axis, g.constant(v, [B], "int")]));
        const [got, all] = evaluate([entriesAt(g, table, nodes), table], inputs);
        const wanted = at[0].map((t, b) => {
          return all[t * width + strides.reduce((s, stride, k) => s + at[k + 1][b] * stride, 0)];
        });
        expect(wanted.every(Number.isFinite)).toBe(true);
        got.forEach((v, b) => {
          expect(v).toBeCloseTo(wanted[b], 10);
        });
        // Rows alone: the other axes are kept.
        const [some] = evaluate(
          [entriesAt(g, table, new Map([[0, nodes.get(0) ?? table]]))],
          inputs,
        );
        at[0].forEach((t, b) => {
          for (let k = 0; k < width; k++) {
            expect(some[b * width + k]).toBeCloseTo(all[t * width + k], 10);
          }
        });
      }
    });
  }
});
