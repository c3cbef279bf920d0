/** Conditionally conjugate models, with small data, for tests of the expected joint. */
import type { Data } from "../conditionals/harness.js";
import { wiggle } from "../logjoint/models.js";

export interface Model {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
}

export const matrix = (n: number, d: number, shift = 0): number[][] => {
  const flat = wiggle(n * d, shift);
  return Array.from({ length: n }, (_, i) => flat.slice(i * d, (i + 1) * d));
};

export const models: readonly Model[] = [
  {
    name: "mixture of scalar Gaussians with precisions",
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
    data: { N: 5, K: 3, y: wiggle(5, 3) },
  },
  {
    name: "mixture of scalar Gaussians with deviations",
    text: `model m(N: int, K: int) {
      w ~ Dirichlet(ones(K))
      for k in 0..K {
        mu[k] ~ Normal(0, 3)
        s[k] ~ InverseGamma(3, 2)
      }
      for n in 0..N {
        z[n] ~ Categorical(w)
        y[n] ~ Normal(mu[z[n]], s[z[n]])
      }
    }`,
    data: { N: 5, K: 2, y: wiggle(5, 3) },
  },
  {
    name: "mixture of Gaussians with full covariances",
    text: `model m(N: int, D: int, K: int, S: cov[D]) {
      w ~ Dirichlet(ones(K))
      for k in 0..K {
        mu[k] ~ MvNormal(zeros(D), S)
        Sigma[k] ~ InverseWishart(5, S)
      }
      for n in 0..N {
        z[n] ~ Categorical(w)
        x[n] ~ MvNormal(mu[z[n]], Sigma[z[n]])
      }
    }`,
    data: {
      N: 6,
      D: 3,
      K: 2,
      S: [
        [2, 0.3, 0.1],
        [0.3, 1, -0.2],
        [0.1, -0.2, 1.5],
      ],
      x: matrix(6, 3),
    },
  },
];
