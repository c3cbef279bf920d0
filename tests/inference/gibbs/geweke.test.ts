/**
 * Geweke's joint-distribution test ("Getting it right", 2004): a sampler of parameters and data
 * together must have the prior as its stationary distribution. Every update of a sweep, the data's
 * included, runs on the model without data; moments are compared with forward draws.
 */
import { describe, expect, it } from "vitest";
import { samplePrior } from "../../../src/inference/prior/index.js";
import type { Data } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";
import { gibbs, meanOf } from "./harness.js";

const models: readonly {
  name: string;
  text: string;
  data: Data;
  sites: Readonly<Record<string, number>>;
}[] = [
  {
    name: "a hierarchy with conjugate and sliced scales",
    text: `model m(N: int, G: int, group: category(G)[N]) {
      mu ~ Normal(0.5, 1)
      lambda ~ Gamma(4, 3)
      s ~ HalfNormal(1)
      for g in 0..G { a[g] ~ Normal(mu, 1 / sqrt(lambda)) }
      for n in 0..N { y[n] ~ Normal(a[group[n]], 0.5 + s) }
    }`,
    data: { N: 3, G: 2, group: [0, 1, 1] },
    sites: { mu: 1, lambda: 1, s: 1, a: 2, y: 3 },
  },
  {
    name: "a mixture with weights, means, rates and a chain",
    text: `model m(N: int) {
      w ~ Dirichlet([2, 3])
      for k in 0..2 {
        mu[k] ~ Normal(k, 1)
        P[k] ~ Dirichlet([2, 2])
      }
      rate ~ Gamma(5, 4)
      s[0] ~ Categorical([0.5, 0.5])
      for n in 1..N { s[n] ~ Categorical(P[s[n - 1]]) }
      for n in 0..N {
        z[n] ~ Categorical(w)
        y[n] ~ Normal(mu[z[n]] + s[n], 1)
        x[n] ~ Gamma(3, rate)
      }
    }`,
    data: { N: 3 },
    sites: { w: 2, mu: 2, P: 4, rate: 1, s: 3, z: 3, y: 3, x: 3 },
  },
];

describe("the prior is stationary", () => {
  for (const { name, text, data, sites } of models) {
    it(name, () => {
      const draws = 6000;
      const run = gibbs(text, data, { warmup: 500, draws, thin: 2 });
      const prior = samplePrior(modelOf(text), dataSet(data), { draws, seed: 3 });
      const forward = (site: string, k: number, size: number) => {
        const array = prior.draws.get(site);
        if (array === undefined) throw new Error(`no draws of ${site}`);
        return Float64Array.from({ length: draws }, (_, t) => array.data[t * size + k]);
      };
      const columns: [Float64Array, Float64Array][] = [];
      for (const [site, size] of Object.entries(sites)) {
        for (let k = 0; k < size; k++) columns.push([run.of(site, k), forward(site, k, size)]);
      }
      // Means, squares, and products of every pair: about 200 comparisons at 5 standard errors.
      columns.forEach(([a, b], i) => {
        const compare = (f: (x: number, t: number) => number, g: typeof f) => {
          const [left, right] = [meanOf(a.map(f)), meanOf(b.map(g))];
          const error = Math.hypot(left.error, right.error);
          expect(Math.abs(left.mean - right.mean)).toBeLessThan(5 * error + 1e-12);
        };
        compare(
          (x) => x,
          (x) => x,
        );
        for (let j = 0; j <= i; j++) {
          compare(
            (x, t) => x * columns[j][0][t],
            (x, t) => x * columns[j][1][t],
          );
        }
      });
    });
  }
});
