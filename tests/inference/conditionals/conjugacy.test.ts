/**
 * The textbook table of conjugate pairs: families found, and natural parameters against the closed
 * forms (Gelman et al., "Bayesian Data Analysis", 3rd ed., §§ 2.4 to 3.6; Murphy 2007).
 */
import { describe, expect, it } from "vitest";
import { inverse, matmul } from "../../../src/math/linalg/index.js";
import { wiggle } from "../logjoint/models.js";
import { type AtState, atState, type Data, shapesOf } from "./harness.js";

const sum = (x: ArrayLike<number>) => Array.from(x).reduce((s, v) => s + v, 0);
const squares = (x: ArrayLike<number>, m: number) => sum(Array.from(x, (v) => (v - m) ** 2));

interface Row {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
  readonly shapes: Readonly<Record<string, string>>;
  /** Usual parameters by site, one list of numbers for each unit. */
  readonly expected: (at: AtState) => Readonly<Record<string, readonly (readonly number[])[]>>;
}

const y5 = wiggle(5, 3);
const counts = [3, 0, 2, 5, 1];
const rows = [
  [0.3, -1.2],
  [1.1, 0.4],
  [-0.7, 0.9],
  [0.2, 0.5],
];

const table: readonly Row[] = [
  {
    name: "mean of a normal",
    text: `model m(N: int) {
      mu ~ Normal(1, 2)
      for n in 0..N { y[n] ~ Normal(mu, 0.7) }
    }`,
    data: { N: 5, y: y5 },
    shapes: { mu: "Normal elementwise" },
    expected: () => {
      const precision = 1 / 4 + 5 / 0.49;
      return { mu: [[(1 / 4 + sum(y5) / 0.49) / precision, precision ** -0.5]] };
    },
  },
  {
    name: "precision of a normal, and its mean",
    text: `model m(N: int) {
      mu ~ Normal(0, 3)
      tau ~ Gamma(2, 1.5)
      for n in 0..N { y[n] ~ Normal(mu, 1 / sqrt(tau)) }
    }`,
    data: { N: 5, y: y5 },
    shapes: { mu: "Normal elementwise", tau: "Gamma elementwise" },
    expected: (at) => {
      const [[mu], [tau]] = [at.own("mu"), at.own("tau")];
      const precision = 1 / 9 + 5 * tau;
      return {
        tau: [[2 + 2.5, 1.5 + squares(y5, mu) / 2]],
        mu: [[(tau * sum(y5)) / precision, precision ** -0.5]],
      };
    },
  },
  {
    name: "variance of a normal",
    text: `model m(N: int) {
      v ~ InverseGamma(3, 2)
      for n in 0..N { y[n] ~ Normal(0.5, sqrt(v)) }
    }`,
    data: { N: 5, y: y5 },
    shapes: { v: "InverseGamma elementwise" },
    expected: () => ({ v: [[3 + 2.5, 2 + squares(y5, 0.5) / 2]] }),
  },
  {
    name: "normal mean given its precision's scale: Normal-Gamma",
    text: `model m(N: int) {
      tau ~ Gamma(2, 1.5)
      mu ~ Normal(1, 1 / sqrt(3 * tau))
      for n in 0..N { y[n] ~ Normal(mu, 1 / sqrt(tau)) }
    }`,
    data: { N: 5, y: y5 },
    shapes: { tau: "Gamma elementwise", mu: "Normal elementwise" },
    expected: (at) => {
      const [[mu], [tau]] = [at.own("mu"), at.own("tau")];
      return {
        tau: [[2 + 3, 1.5 + squares(y5, mu) / 2 + (3 * (mu - 1) ** 2) / 2]],
        mu: [[(3 + sum(y5)) / 8, (8 * tau) ** -0.5]],
      };
    },
  },
  {
    name: "probability of Bernoulli and binomial outcomes",
    text: `model m(N: int) {
      p ~ Beta(2, 3)
      q: unit ~ Uniform(0, 1)
      for n in 0..N { y[n] ~ Bernoulli(p) }
      for n in 0..N { k[n] ~ Binomial(6, q) }
    }`,
    data: { N: 5, y: [true, false, true, true, false], k: counts },
    shapes: { p: "Beta elementwise", q: "Beta elementwise" },
    expected: () => ({ p: [[2 + 3, 3 + 2]], q: [[1 + 11, 1 + 30 - 11]] }),
  },
  {
    name: "probabilities of categories and of counts",
    text: `model m(N: int) {
      p ~ Dirichlet([1, 2, 0.5])
      q ~ Dirichlet([1, 1, 3])
      for n in 0..N { y[n] ~ Categorical(p) }
      x ~ Multinomial(9, q)
    }`,
    data: { N: 5, y: [0, 2, 2, 1, 2], x: [4, 3, 2] },
    shapes: { p: "Dirichlet event", q: "Dirichlet event" },
    expected: () => ({ p: [[2, 3, 3.5]], q: [[5, 4, 5]] }),
  },
  {
    name: "rates of Poisson and exponential outcomes",
    text: `model m(N: int) {
      a ~ Gamma(2, 0.5)
      b ~ Exponential(3)
      for n in 0..N { k[n] ~ Poisson(a) }
      for n in 0..N { t[n] ~ Exponential(b) }
      for n in 0..N { u[n] ~ Poisson(2.5 * a) }
    }`,
    data: { N: 5, k: counts, t: [0.2, 1.4, 0.9, 2.2, 0.1], u: [1, 4, 2, 0, 7] },
    shapes: { a: "Gamma elementwise", b: "Gamma elementwise" },
    expected: () => ({ a: [[2 + 11 + 14, 0.5 + 5 + 12.5]], b: [[1 + 5, 3 + 4.8]] }),
  },
  {
    name: "mean of a multivariate normal",
    text: `model m(N: int) {
      mu ~ MvNormal([0.5, -1], [[2, 0.3], [0.3, 1]])
      for n in 0..N { x[n] ~ MvNormal(mu, [[1, -0.4], [-0.4, 0.6]]) }
    }`,
    data: { N: 4, x: rows },
    shapes: { mu: "MvNormal block" },
    expected: () => {
      const prior = inverse(Float64Array.of(2, 0.3, 0.3, 1), 2) as Float64Array;
      const noise = inverse(Float64Array.of(1, -0.4, -0.4, 0.6), 2) as Float64Array;
      const precision = prior.map((p, i) => p + 4 * noise[i]);
      const total = Float64Array.of(sum(rows.map((r) => r[0])), sum(rows.map((r) => r[1])));
      const [a, b] = [
        matmul(prior, Float64Array.of(0.5, -1), 2, 2, 1),
        matmul(noise, total, 2, 2, 1),
      ];
      const cov = inverse(precision, 2) as Float64Array;
      const linear = a.map((v, i) => v + b[i]);
      return { mu: [[...matmul(cov, linear, 2, 2, 1), ...cov]] };
    },
  },
  {
    name: "precision and covariance of a multivariate normal",
    text: `model m(N: int) {
      P ~ Wishart(4, [[1, 0.2], [0.2, 0.5]])
      S ~ InverseWishart(5, [[1, 0.2], [0.2, 0.5]])
      for n in 0..N { x[n] ~ MvNormal([0.1, 0.2], precision: P) }
      for n in 0..N { z[n] ~ MvNormal([0.1, 0.2], S) }
    }`,
    data: { N: 4, x: rows, z: rows },
    shapes: { P: "Wishart event", S: "InverseWishart event" },
    expected: () => {
      const d = rows.map(([a, b]) => [a - 0.1, b - 0.2]);
      const scatter = [0, 1, 2, 3].map((i) => sum(d.map((r) => r[i >> 1] * r[i & 1])));
      const v = Float64Array.of(1, 0.2, 0.2, 0.5);
      const inv = inverse(v, 2) as Float64Array;
      const V = inverse(
        inv.map((e, i) => e + scatter[i]),
        2,
      ) as Float64Array;
      return { P: [[8, ...V]], S: [[9, ...v.map((e, i) => e + scatter[i])]] };
    },
  },
  {
    name: "coefficients of a linear regression",
    text: `model m(N: int, D: int, X: real[N, D]) {
      beta ~ iid(Normal(0, 2), D)
      v ~ InverseGamma(2, 1)
      y ~ Normal(X @ beta, sqrt(v))
    }`,
    data: { N: 4, D: 2, X: rows, y: [0.3, 1.2, -0.5, 0.8] },
    shapes: { beta: "MvNormal block", v: "InverseGamma elementwise" },
    expected: (at) => {
      const [[v], beta] = [at.own("v"), at.own("beta")];
      const y = [0.3, 1.2, -0.5, 0.8];
      const precision = Float64Array.from([0, 1, 2, 3], (i) => {
        const xx = sum(rows.map((r) => r[i >> 1] * r[i & 1]));
        return xx / v + (i % 3 === 0 ? 1 / 4 : 0);
      });
      const cov = inverse(precision, 2) as Float64Array;
      const xy = Float64Array.of(...[0, 1].map((d) => sum(rows.map((r, n) => r[d] * y[n])) / v));
      const residual = rows.map((r, n) => y[n] - r[0] * beta[0] - r[1] * beta[1]);
      return {
        beta: [[...matmul(cov, xy, 2, 2, 1), ...cov]],
        v: [[2 + 2, 1 + squares(residual, 0) / 2]],
      };
    },
  },
  {
    name: "a hierarchy through gathers",
    text: `model m(N: int, G: int, group: category(G)[N]) {
      mu ~ Normal(0, 5)
      lambda ~ Gamma(3, 2)
      tau ~ Gamma(2, 1)
      for g in 0..G { a[g] ~ Normal(mu, 1 / sqrt(lambda)) }
      for n in 0..N { y[n] ~ Normal(a[group[n]], 1 / sqrt(tau)) }
    }`,
    data: { N: 5, G: 3, group: [0, 2, 1, 1, 0], y: y5 },
    shapes: {
      mu: "Normal elementwise",
      lambda: "Gamma elementwise",
      tau: "Gamma elementwise",
      a: "Normal elementwise",
    },
    expected: (at) => {
      const [[mu], [lambda], [tau], a] = ["mu", "lambda", "tau", "a"].map(at.own);
      const group = [0, 2, 1, 1, 0];
      const p = 1 / 25 + 3 * lambda;
      return {
        mu: [[(lambda * sum(a)) / p, p ** -0.5]],
        lambda: [[3 + 1.5, 2 + squares(a, mu) / 2]],
        tau: [
          [
            2 + 2.5,
            1 +
              squares(
                y5.map((y, n) => y - a[group[n]]),
                0,
              ) /
                2,
          ],
        ],
        a: [0, 1, 2].map((g) => {
          const own = y5.filter((_, n) => group[n] === g);
          const precision = lambda + tau * own.length;
          return [(lambda * mu + tau * sum(own)) / precision, precision ** -0.5];
        }),
      };
    },
  },
  {
    name: "a mixture given its assignments",
    text: `model m(N: int, K: int) {
      w ~ Dirichlet(ones(K))
      for k in 0..K {
        mu[k] ~ Normal(0, 3)
        tau[k] ~ Gamma(2, 1)
      }
      for n in 0..N {
        z[n] ~ Categorical(w)
        y[n] ~ Normal(mu[z[n]], 1 / sqrt(tau[z[n]]))
      }
    }`,
    data: { N: 5, K: 2, y: y5 },
    shapes: { w: "Dirichlet event", mu: "Normal elementwise", tau: "Gamma elementwise" },
    expected: (at) => {
      const { states } = at.state;
      const [mu, tau] = [at.own("mu"), at.own("tau")];
      const own = [0, 1].map((k) => y5.filter((_, n) => states[n] === k));
      const precision = own.map((o, k) => 1 / 9 + tau[k] * o.length);
      return {
        w: [[1 + own[0].length, 1 + own[1].length]],
        mu: own.map((o, k) => [(tau[k] * sum(o)) / precision[k], precision[k] ** -0.5]),
        tau: own.map((o, k) => [2 + o.length / 2, 1 + squares(o, mu[k]) / 2]),
      };
    },
  },
];

const flat = (p: Readonly<Record<string, number | Float64Array>>) =>
  Object.values(p).flatMap((v) => (typeof v === "number" ? [v] : [...v]));

describe("the conjugacy table", () => {
  for (const { name, text, data, shapes, expected } of table) {
    it(name, () => {
      for (const seed of [1, 2]) {
        const at = atState(text, data, seed);
        expect(shapesOf(at.found)).toEqual(shapes);
        for (const [site, units] of Object.entries(expected(at))) {
          const found = at.params(site).map(flat);
          expect(found.length).toBe(units.length);
          units.forEach((want, u) => {
            want.forEach((v, i) => {
              // A few roundings of sums of ordinary size.
              expect(Math.abs(found[u][i] - v)).toBeLessThan(1e-11 * (1 + Math.abs(v)));
            });
          });
        }
      }
    });
  }
});
