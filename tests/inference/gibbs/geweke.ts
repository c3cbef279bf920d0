/**
 * Geweke's joint-distribution test ("Getting it right", 2004): a sampler of parameters and data
 * together must have the prior as its stationary distribution. Every update of a sweep, the data's
 * included, runs on the model without data; moments are compared with forward draws.
 */
import { expect } from "vitest";
import type { Scan } from "../../../src/inference/gibbs/chain.js";
import type { GibbsPlanOptions } from "../../../src/inference/gibbs/plan.js";
import { samplePrior } from "../../../src/inference/prior/index.js";
import type { Data } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";
import { gibbs, meanOf } from "./harness.js";

export const models: readonly {
  name: string;
  text: string;
  data: Data;
  sites: Readonly<Record<string, number>>;
  /** What blocks a sweep has, and so what is tested. */
  blocks: readonly string[];
  plan?: GibbsPlanOptions;
  scan?: Scan;
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
    blocks: ["joint", "conjugate", "slice"],
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
    blocks: ["discrete", "conjugate", "joint", "conjugate", "conjugate", "conjugate"],
  },
  {
    name: "a variance, a probability, odds and a binomial, in random order",
    text: `model m(N: int) {
      v ~ InverseGamma(5, 4)
      p ~ Beta(2, 3)
      c ~ Bernoulli(0.4)
      for n in 0..N {
        x[n] ~ Normal(0, sqrt(v))
        k[n] ~ Binomial(3, p)
        b[n] ~ Bernoulli(if c then 0.8 else 0.3)
      }
    }`,
    data: { N: 2 },
    sites: { v: 1, p: 1, c: 1, x: 2, k: 2, b: 2 },
    blocks: ["discrete", "conjugate", "conjugate", "conjugate"],
    scan: "random",
  },
  {
    name: "pairs by joint tables, and a gamma by its exponentials",
    text: `model m(N: int) {
      r ~ Gamma(3, 2)
      for n in 0..N {
        a[n] ~ Bernoulli(0.3)
        b[n] ~ Bernoulli(if a[n] then 0.9 else 0.2)
        t[n] ~ Exponential(r)
        y[n] ~ Normal(if a[n] && b[n] then 1 else 0, 1)
      }
    }`,
    data: { N: 2 },
    sites: { r: 1, a: 2, b: 2, t: 2, y: 2 },
    blocks: ["discrete", "conjugate", "conjugate", "conjugate"],
  },
  {
    name: "vectors: precision and covariance matrices with their normals",
    text: `model m(N: int) {
      P ~ Wishart(6, [[0.3, 0.05], [0.05, 0.2]])
      S ~ InverseWishart(9, [[2, 0.3], [0.3, 1]])
      mu ~ MvNormal([0.5, 0], S)
      for n in 0..N { x[n] ~ MvNormal(mu, precision: P) }
    }`,
    data: { N: 2 },
    sites: { P: 4, S: 4, mu: 2, x: 4 },
    blocks: ["conjugate", "conjugate", "joint"],
  },
  {
    name: "truncated normals and gammas",
    text: `model m(N: int) {
      h: positive ~ Normal(0, 1)
      u ~ Truncated(Normal(0.5, 1), lower: -1, upper: 1)
      tau ~ Uniform(0.5, 2)
      y ~ Normal(u, 1 / sqrt(tau))
      z ~ Normal(1, 1 / sqrt(tau))
    }`,
    data: { N: 1 },
    sites: { u: 1, tau: 1, y: 1, z: 1 },
    blocks: ["truncated", "truncated", "truncated", "conjugate", "conjugate"],
  },
  {
    name: "NUTS within Gibbs, beside a conjugate scale",
    text: `model m(N: int) {
      tau ~ Gamma(4, 3)
      for n in 0..N { a[n] ~ StudentT(8, 0, 1) }
      for n in 0..N { y[n] ~ Normal(a[n]^2 / 2, 1 / sqrt(tau)) }
    }`,
    data: { N: 2 },
    sites: { tau: 1, a: 2, y: 2 },
    blocks: ["conjugate", "hamiltonian", "conjugate"],
  },
  {
    name: "HMC within Gibbs, by option, beside a slice by option",
    text: `model m(N: int) {
      mu ~ Normal(0, 1)
      s ~ HalfNormal(1)
      for n in 0..N { y[n] ~ Normal(mu, 0.5 + s) }
    }`,
    data: { N: 2 },
    sites: { mu: 1, s: 1, y: 2 },
    blocks: ["slice", "hamiltonian"],
    plan: { sites: { mu: "slice", s: "hmc", y: "hmc" }, blocks: [["s", "y"]] },
  },
];

/** Fails where a mean, a square or a product of two scalars is not the prior's. */
export function testStationary(
  { text, data, sites, blocks, plan, scan }: (typeof models)[number],
  draws: number,
  seed = 1,
): void {
  const run = gibbs(text, data, { warmup: 500, draws, thin: 2, scan }, { seed, chain: 0 }, plan);
  expect(run.plan.blocks.map((b) => b.kind)).toEqual(blocks);
  const prior = samplePrior(modelOf(text), dataSet(data), { draws, seed: seed + 2 });
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
}
