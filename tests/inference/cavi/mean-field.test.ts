/** Mean-field fits: bounds below the evidence, fixed points of textbooks, bounds that never fall. */
import { describe, expect, it } from "vitest";
import { digamma, lgamma } from "../../../src/math/special/index.js";
import type { Data } from "../conditionals/harness.js";
import { wiggle } from "../logjoint/models.js";
import { cavi, largestFall } from "./harness.js";

const rows = (n: number, d: number, shift = 0): number[][] => {
  const flat = wiggle(n * d, shift);
  return Array.from({ length: n }, (_, i) => flat.slice(i * d, (i + 1) * d));
};
/** Two groups far enough apart, in the plane. */
const plane = rows(24, 2).map(([a, b], i) => (i % 2 === 0 ? [a + 4, b] : [a / 2, b / 3 - 3]));

interface Model {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
  readonly families: Readonly<Record<string, string>>;
}

const models: readonly Model[] = [
  {
    name: "normal data, mean and precision",
    text: `model m(N: int) {
      mu ~ Normal(0, 10)
      tau ~ Gamma(2, 1)
      for n in 0..N { y[n] ~ Normal(mu, 1 / sqrt(tau)) }
    }`,
    data: { N: 8, y: wiggle(8) },
    families: { mu: "Normal elementwise", tau: "Gamma elementwise" },
  },
  {
    name: "a mixture with full covariances",
    text: `model m(N: int, K: int, D: int) {
      pi ~ Dirichlet(ones(K))
      for k in 0..K {
        mu[k] ~ MvNormal(zeros(D), 25 * eye(D))
        Sigma[k] ~ InverseWishart(D + 2, eye(D))
      }
      for i in 0..N {
        z[i] ~ Categorical(pi)
        x[i] ~ MvNormal(mu[z[i]], Sigma[z[i]])
      }
    }`,
    data: { N: 24, K: 3, D: 2, x: plane },
    families: {
      pi: "Dirichlet one vector",
      mu: "Normal 3 blocks of up to 2",
      Sigma: "InverseWishart 3 matrices",
    },
  },
  {
    name: "a hidden Markov model with Dirichlet rows",
    text: `model m(T: int, K: int) {
      for k in 0..K {
        P[k] ~ Dirichlet(ones(K))
        mu[k] ~ Normal(0, 3)
        tau[k] ~ Gamma(2, 1)
      }
      s[0] ~ Categorical(ones(K) / K)
      for t in 1..T { s[t] ~ Categorical(P[s[t - 1]]) }
      for t in 0..T { y[t] ~ Normal(mu[s[t]], 1 / sqrt(tau[s[t]])) }
    }`,
    data: { T: 30, K: 2, y: wiggle(30).map((v, t) => v / 2 + (t % 10 < 5 ? 3 : -2)) },
    families: {
      P: "Dirichlet 2 vectors",
      mu: "Normal elementwise",
      tau: "Gamma elementwise",
    },
  },
  {
    name: "latent Dirichlet allocation",
    text: `model lda(M: int, V: int, K: int, N: int, doc: category(M)[N]) {
      for m in 0..M { theta[m] ~ Dirichlet(0.3 * ones(K)) }
      for k in 0..K { phi[k] ~ Dirichlet(0.1 * ones(V)) }
      for n in 0..N {
        z[n] ~ Categorical(theta[doc[n]])
        w[n] ~ Categorical(phi[z[n]])
      }
    }`,
    data: {
      M: 4,
      V: 6,
      K: 2,
      N: 40,
      doc: Array.from({ length: 40 }, (_, n) => Math.floor(n / 10)),
      w: Array.from({ length: 40 }, (_, n) => {
        return ((n * 7) % 3) + (Math.floor(n / 10) % 2 === 0 ? 0 : 3);
      }),
    },
    families: { theta: "Dirichlet 4 vectors", phi: "Dirichlet 2 vectors" },
  },
  {
    name: "regression with automatic relevance determination",
    text: `model m(N: int, D: int, x: real[N, D]) {
      for d in 0..D {
        lambda[d] ~ Gamma(0.5, 0.5)
        b[d] ~ Normal(0, 1 / sqrt(lambda[d]))
      }
      tau ~ Gamma(1, 1)
      for n in 0..N { y[n] ~ Normal(dot(x[n], b), 1 / sqrt(tau)) }
    }`,
    data: { N: 12, D: 3, x: rows(12, 3, 1), y: wiggle(12, 2) },
    families: {
      lambda: "Gamma elementwise",
      b: "Normal block of 3",
      tau: "Gamma elementwise",
    },
  },
  {
    name: "probabilistic principal components",
    text: `model m(N: int, D: int, d: int) {
      for j in 0..D {
        m[j] ~ Normal(0, 5)
        for i in 0..d { W[j, i] ~ Normal(0, 1) }
      }
      tau ~ Gamma(2, 1)
      for n in 0..N {
        u[n] ~ MvNormal(zeros(d), eye(d))
        for j in 0..D { y[n, j] ~ Normal(dot(W[j], u[n]) + m[j], 1 / sqrt(tau)) }
      }
    }`,
    data: { N: 10, D: 4, d: 2, y: rows(10, 4) },
    families: {
      m: "Normal elementwise",
      W: "Normal 4 blocks of up to 2",
      tau: "Gamma elementwise",
      u: "Normal 10 blocks of up to 2",
    },
  },
  {
    name: "a chain with unknown scales and slope",
    text: `model m(T: int) {
      q ~ InverseGamma(3, 1)
      r ~ InverseGamma(3, 1)
      a ~ Normal(0.5, 1)
      x[0] ~ Normal(0, 2)
      for t in 1..T { x[t] ~ Normal(a * x[t - 1], sqrt(q)) }
      for t in 0..T { y[t] ~ Normal(x[t], sqrt(r)) }
    }`,
    data: { T: 50, y: wiggle(50).map((v, t) => v / 4 + Math.sin(t / 5)) },
    families: {
      q: "InverseGamma elementwise",
      r: "InverseGamma elementwise",
      a: "Normal elementwise",
      x: "Normal sparse block of 50",
    },
  },
  {
    name: "rates in groups",
    text: `model m(G: int, J: int) {
      beta ~ Gamma(2, 1)
      for g in 0..G {
        rate[g] ~ Gamma(3, beta)
        for j in 0..J { y[g, j] ~ Poisson(rate[g]) }
      }
    }`,
    data: {
      G: 3,
      J: 2,
      y: [
        [1, 3],
        [0, 2],
        [7, 5],
      ],
    },
    families: { beta: "Gamma elementwise", rate: "Gamma elementwise" },
  },
  {
    name: "scales with half-normal priors",
    text: `model m(G: int, J: int) {
      mu ~ Normal(0, 5)
      s ~ HalfNormal(2)
      t ~ HalfNormal(1)
      for g in 0..G {
        a[g] ~ Normal(mu, s)
        for j in 0..J { y[g, j] ~ Normal(a[g], t) }
      }
    }`,
    data: { G: 4, J: 3, y: rows(4, 3) },
    families: {
      mu: "Normal elementwise",
      s: "exp(v^2 + v^-2 + log v) by quadrature elementwise",
      t: "exp(v^2 + v^-2 + log v) by quadrature elementwise",
      a: "Normal elementwise",
    },
  },
];

describe("the bound never falls at any update", () => {
  for (const { name, text, data, families } of models) {
    it(name, () => {
      expect(largestFall(text, data, 30)).toBeLessThan(1e-11);
      const fit = cavi(text, data, { restarts: 2, maxIterations: 400, tolerance: 1e-8 });
      expect(fit.families).toEqual(families);
      expect(fit.converged).toBe(true);
    });
  }
});

describe("fixed points", () => {
  it("mean and precision of normal data: Bishop (2006), section 10.1.3", () => {
    const y = wiggle(8);
    const fit = cavi(models[0].text, models[0].data);
    // The two equations, iterated by hand.
    const [n, sum] = [y.length, y.reduce((s, v) => s + v, 0)];
    let et = 1;
    let [mean, variance, a, b] = [0, 0, 0, 0];
    for (let k = 0; k < 200; k++) {
      variance = 1 / (1 / 100 + n * et);
      mean = et * sum * variance;
      a = 2 + n / 2;
      b = 1 + y.reduce((s, v) => s + (v - mean) ** 2 + variance, 0) / 2;
      et = a / b;
    }
    // The bound is flat at its maximum: 1e-13 of it leaves 1e-7 of the parameters.
    expect(fit.mean("mu")).toBeCloseTo(mean, 6);
    expect(fit.sd("mu")).toBeCloseTo(Math.sqrt(variance), 6);
    expect(fit.mean("tau")).toBeCloseTo(et, 6);
    const logTau = digamma(a) - Math.log(b);
    const likelihood = (n / 2) * (logTau - Math.log(2 * Math.PI)) - et * (b - 1);
    const prior = -0.5 * Math.log(2 * Math.PI * 100) - (mean * mean + variance) / 200 + logTau - et;
    const entropy =
      0.5 * (1 + Math.log(2 * Math.PI * variance)) +
      a -
      Math.log(b) +
      lgamma(a) +
      (1 - a) * digamma(a);
    expect(fit.elbo).toBeCloseTo(likelihood + prior + entropy, 9);
  });
});
