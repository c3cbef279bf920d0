/** At statistics T(v) the expected joint is the direct joint at v. */
import { describe, expect, it } from "vitest";
import { randomStates } from "../../../src/inference/conditionals/states.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { topological } from "../../../src/tensor/traverse.js";
import { dataSet, modelOf } from "../logjoint/models.js";
import { bothOf, directAt, expectedAt, outputsOf } from "./harness.js";
import { models } from "./models.js";

describe("expected joint at T(v)", () => {
  const cases = models.flatMap((m) => [
    { ...m, most: undefined },
    { ...m, name: `${m.name}, products of data as nodes`, most: 0 },
  ]);
  for (const { name, text, data, most } of cases) {
    it(name, () => {
      const { joint, expected } = bothOf(text, data, [], most);
      const draw = randomStates(condition(modelOf(text), dataSet(data)), "test", 1);
      for (const seed of [1, 2]) {
        const { own } = draw(stream(seed, 0, 0, 0));
        const want = directAt({ joint, expected }, own);
        const found = expectedAt(expected, own);
        expect(found.length).toBe(want.length);
        want.forEach((w, k) => {
          const scale = 1 + w.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
          w.forEach((v, i) => {
            expect(Math.abs(found[k][i] - v)).toBeLessThan(1e-9 * scale);
          });
        });
      }
    });
  }
});

describe("products of data as nodes", () => {
  it("are picked columns of the data, and no table of their size is known before", () => {
    const text = `model quadratic(N: int, D: int, K: int) {
      pi ~ Dirichlet(ones(K))
      for k in 0..K { mu[k] ~ iid(Normal(0, 1), D); Sigma[k] ~ InverseWishart(9.0, eye(D)) }
      for i in 0..N { z[i] ~ Categorical(pi); x[i] ~ MvNormal(mu[z[i]], Sigma[z[i]]) }
    }`;
    const [N, D] = [50, 4];
    const x = Array.from({ length: N }, (_, i) =>
      Array.from({ length: D }, (_, d) => Math.sin(i * D + d) + (d > 1 ? 3 : 0)),
    );
    const largest = (most?: number): { readonly known: number; readonly gathers: number } => {
      const { expected } = bothOf(text, { N, D, K: 2, x }, [], most);
      const nodes = topological(outputsOf(expected));
      const known = nodes.map((n) => (n.op === "const" ? n.data.length : 0));
      return {
        known: Math.max(...known),
        gathers: nodes.filter((n) => n.op === "gather" && n.shape.includes(N)).length,
      };
    };
    // Ten second-order statistics of an item, its four coordinates and 1.
    expect(largest()).toEqual({ known: N * 15, gathers: 0 });
    expect(largest(0)).toEqual({ known: N * 5, gathers: 2 });
  });
});
