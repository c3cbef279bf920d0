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
  {
    name: "regression with random coefficients and a precision",
    text: `model m(N: int, D: int, X: real[N, D]) {
      beta ~ iid(Normal(0, 2), D)
      alpha ~ Normal(0, 5)
      tau ~ Gamma(2, 1)
      y ~ Normal(X @ beta + alpha, 1 / sqrt(tau))
    }`,
    data: { N: 6, D: 2, X: matrix(6, 2), y: wiggle(6, 4) },
  },
  {
    name: "a hierarchy through gathers",
    text: `model m(N: int, G: int, group: category(G)[N]) {
      mu ~ Normal(0, 5)
      lambda ~ Gamma(3, 2)
      v ~ InverseGamma(2, 1)
      for g in 0..G { a[g] ~ Normal(mu, 1 / sqrt(lambda)) }
      for n in 0..N { y[n] ~ Normal(a[group[n]], sqrt(v)) }
    }`,
    data: { N: 5, G: 3, group: [0, 2, 1, 1, 0], y: wiggle(5, 3) },
  },
  {
    name: "factor analysis",
    text: `model m(N: int, D: int, K: int) {
      W ~ iid(Normal(0, 1), D, K)
      m ~ iid(Normal(0, 3), D)
      for d in 0..D { tau[d] ~ Gamma(2, 1) }
      for n in 0..N {
        z[n] ~ iid(Normal(0, 1), K)
        let eta = W @ z[n] + m
        for d in 0..D { x[n, d] ~ Normal(eta[d], 1 / sqrt(tau[d])) }
      }
    }`,
    data: { N: 4, D: 3, K: 2, x: matrix(4, 3) },
  },
  {
    name: "PPCA with one precision and ARD",
    text: `model m(N: int, D: int, K: int) {
      tau ~ Gamma(2, 1)
      for k in 0..K { alpha[k] ~ Gamma(1, 1) }
      for d in 0..D { for k in 0..K { W[d, k] ~ Normal(0, 1 / sqrt(alpha[k])) } }
      m ~ iid(Normal(0, 3), D)
      for n in 0..N {
        z[n] ~ MvNormal(zeros(K), eye(K))
        x[n] ~ MvNormal(W @ z[n] + m, eye(D) / tau)
      }
    }`,
    data: { N: 4, D: 3, K: 2, x: matrix(4, 3) },
  },
  {
    name: "matrix factorisation with missing entries",
    text: `model m(N: int, D: int, K: int) {
      u ~ iid(Normal(0, 1), N, K)
      v ~ iid(Normal(0, 1), D, K)
      tau ~ Gamma(2, 1)
      for n in 0..N { for d in 0..D { x[n, d] ~ Normal(dot(u[n], v[d]), 1 / sqrt(tau)) } }
    }`,
    data: {
      N: 3,
      D: 2,
      K: 2,
      x: [
        [0.3, null],
        [1.2, -0.4],
        [null, 0.9],
      ],
    },
  },
  {
    name: "LDA",
    text: `model m(M: int, K: int, V: int, N: int, doc: category(M)[N]) {
      theta ~ iid(Dirichlet(ones(K)), M)
      phi ~ iid(Dirichlet(0.5 * ones(V)), K)
      for n in 0..N {
        z[n] ~ Categorical(theta[doc[n]])
        w[n] ~ Categorical(phi[z[n]])
      }
    }`,
    data: { M: 2, K: 2, V: 4, N: 6, doc: [0, 0, 0, 1, 1, 1], w: [0, 1, 3, 2, 2, 0] },
  },
  {
    name: "a state-space chain",
    text: `model m(T: int) {
      a ~ Normal(0, 1)
      q ~ InverseGamma(3, 1)
      r ~ Gamma(2, 1)
      x[0] ~ Normal(0, 2)
      for t in 1..T { x[t] ~ Normal(a * x[t - 1], sqrt(q)) }
      for t in 0..T { y[t] ~ Normal(x[t], 1 / sqrt(r)) }
    }`,
    data: { T: 6, y: wiggle(6) },
  },
  {
    name: "AR(2) of data",
    text: `model m(T: int) {
      c ~ Normal(0, 1)
      phi ~ iid(Normal(0, 0.5), 2)
      tau ~ Gamma(2, 1)
      for t in 2..T { y[t] ~ Normal(c + phi[0] * y[t - 1] + phi[1] * y[t - 2], 1 / sqrt(tau)) }
      y[0] ~ Normal(0, 1)
      y[1] ~ Normal(0, 1)
    }`,
    data: { T: 7, y: wiggle(7) },
  },
  {
    name: "HMM",
    text: `model m(T: int, K: int, S: int) {
      p0 ~ Dirichlet(ones(K))
      A ~ iid(Dirichlet(ones(K)), K)
      B ~ iid(Dirichlet(ones(S)), K)
      z[0] ~ Categorical(p0)
      for t in 1..T { z[t] ~ Categorical(A[z[t - 1]]) }
      for t in 0..T { y[t] ~ Categorical(B[z[t]]) }
    }`,
    data: { T: 5, K: 2, S: 3, y: [0, 2, 1, 1, 2] },
  },
  {
    name: "mixture of Bernoullis",
    text: `model m(N: int, D: int, K: int) {
      w ~ Dirichlet(ones(K))
      for k in 0..K { for d in 0..D { p[k, d] ~ Beta(1, 2) } }
      for n in 0..N {
        z[n] ~ Categorical(w)
        for d in 0..D { x[n, d] ~ Bernoulli(p[z[n], d]) }
      }
    }`,
    data: {
      N: 4,
      D: 3,
      K: 2,
      x: [
        [true, false, true],
        [false, false, true],
        [true, true, true],
        [false, true, false],
      ],
    },
  },
  {
    name: "mixture of Poissons and exponentials",
    text: `model m(N: int, K: int) {
      w ~ Dirichlet(ones(K))
      for k in 0..K { a[k] ~ Gamma(2, 0.5) }
      b ~ Exponential(3)
      for n in 0..N {
        z[n] ~ Categorical(w)
        c[n] ~ Poisson(2.5 * a[z[n]])
        t[n] ~ Exponential(b)
      }
    }`,
    data: { N: 5, K: 2, c: [3, 0, 2, 5, 1], t: [0.2, 1.4, 0.9, 2.2, 0.1] },
  },
  {
    name: "mixture with precision matrices scaled in the mean (Normal-Wishart)",
    text: `model m(N: int, D: int, K: int, V: cov[D]) {
      w ~ Dirichlet(ones(K))
      for k in 0..K {
        P[k] ~ Wishart(4, V)
        mu[k] ~ MvNormal(zeros(D), precision: 0.1 * P[k])
      }
      for n in 0..N {
        z[n] ~ Categorical(w)
        x[n] ~ MvNormal(mu[z[n]], precision: P[z[n]])
      }
    }`,
    data: {
      N: 5,
      D: 2,
      K: 2,
      V: [
        [1, 0.2],
        [0.2, 0.5],
      ],
      x: matrix(5, 2),
    },
  },
  {
    name: "one covariance for all (tied), inverse-Wishart scaled mean",
    text: `model m(N: int, D: int, K: int, V: cov[D]) {
      w ~ Dirichlet(ones(K))
      Sigma ~ InverseWishart(4, V)
      for k in 0..K { mu[k] ~ MvNormal(ones(D), Sigma / 0.3) }
      for n in 0..N {
        z[n] ~ Categorical(w)
        x[n] ~ MvNormal(mu[z[n]], Sigma)
      }
    }`,
    data: {
      N: 5,
      D: 2,
      K: 3,
      V: [
        [1, 0.2],
        [0.2, 0.5],
      ],
      x: matrix(5, 2),
    },
  },
  {
    name: "multinomial counts and a Pareto-free uniform prior",
    text: `model m(N: int, V: int) {
      q ~ Dirichlet(ones(V))
      p: unit ~ Uniform(0, 1)
      for n in 0..N { x[n] ~ Multinomial(4, q) }
      for n in 0..N { k[n] ~ Binomial(6, p) }
    }`,
    data: {
      N: 2,
      V: 3,
      x: [
        [1, 1, 2],
        [0, 3, 1],
      ],
      k: [2, 5],
    },
  },
  {
    name: "Student-t by latent scales",
    text: `model m(N: int, D: int, X: real[N, D]) {
      beta ~ iid(Normal(0, 2), D)
      tau ~ Gamma(2, 1)
      for n in 0..N {
        u[n] ~ Gamma(2, 2)
        y[n] ~ Normal(dot(X[n], beta), 1 / sqrt(tau * u[n]))
      }
    }`,
    data: { N: 5, D: 2, X: matrix(5, 2), y: wiggle(5, 3) },
  },
  {
    name: "stick-breaking weights",
    text: `model m(N: int, K: int) {
      for k in 0..K { b[k] ~ Beta(1, 2) }
      for k in 0..K { mu[k] ~ Normal(0, 3) }
      let w = [b[0], (1 - b[0]) * b[1], (1 - b[0]) * (1 - b[1])]
      for n in 0..N {
        z[n] ~ Categorical(w)
        y[n] ~ Normal(mu[z[n]], 0.5)
      }
    }`,
    data: { N: 4, K: 3, y: wiggle(4, 3) },
  },
  {
    name: "missing data of a Gaussian",
    text: `model m(N: int, D: int, V: cov[D]) {
      mu ~ MvNormal(zeros(D), 4 * eye(D))
      Sigma ~ InverseWishart(4, V)
      for n in 0..N { x[n] ~ MvNormal(mu, Sigma) }
    }`,
    data: {
      N: 3,
      D: 2,
      V: [
        [1, 0.2],
        [0.2, 0.5],
      ],
      x: [
        [0.3, null],
        [1.2, -0.4],
        [null, 0.9],
      ],
    },
  },
  {
    name: "diagonal covariances",
    text: `model m(N: int, D: int, K: int) {
      w ~ Dirichlet(ones(K))
      for k in 0..K { for d in 0..D {
        mu[k, d] ~ Normal(0, 2)
        v[k, d] ~ InverseGamma(2, 1)
      } }
      for n in 0..N {
        z[n] ~ Categorical(w)
        for d in 0..D { x[n, d] ~ Normal(mu[z[n], d], sqrt(v[z[n], d])) }
      }
    }`,
    data: { N: 4, D: 2, K: 2, x: matrix(4, 2) },
  },
  {
    name: "a linear-Gaussian state space with matrices",
    text: `model m(T: int, D: int, E: int) {
      A ~ iid(Normal(0, 1), D, D)
      C ~ iid(Normal(0, 1), E, D)
      Q ~ Wishart(4, eye(D))
      r ~ Gamma(2, 1)
      x[0] ~ MvNormal(zeros(D), eye(D))
      for t in 1..T { x[t] ~ MvNormal(A @ x[t - 1], precision: Q) }
      for t in 0..T { y[t] ~ Normal(C @ x[t], 1 / sqrt(r)) }
    }`,
    data: { T: 4, D: 2, E: 3, y: matrix(4, 3) },
  },
  {
    name: "diagonal matrices of variances",
    text: `model m(N: int, D: int) {
      mu ~ iid(Normal(0, 2), D)
      v ~ iid(InverseGamma(2, 1), D)
      for n in 0..N { x[n] ~ MvNormal(mu, diag_matrix(v)) }
    }`,
    data: { N: 4, D: 2, x: matrix(4, 2) },
  },
  {
    name: "one dimension: covariance 1 × 1, and a scaled identity",
    text: `model m(N: int, D: int) {
      mu ~ MvNormal(zeros(D), eye(D))
      nu ~ MvNormal(zeros(D), eye(D))
      tau ~ Gamma(2, 1)
      Sigma ~ InverseWishart(3, eye(D))
      for n in 0..N { x[n] ~ MvNormal(mu, Sigma) }
      for n in 0..N { y[n] ~ MvNormal(nu, eye(D) / tau) }
    }`,
    data: { N: 4, D: 1, x: matrix(4, 1), y: matrix(4, 1, 3) },
  },
  {
    name: "stick-breaking by a cumulative product",
    text: `model m(N: int, K: int) {
      for k in 0..K { b[k] ~ Beta(1, 2) }
      let rest = cumprod(1 - b)
      for k in 0..K { mu[k] ~ Normal(0, 3) }
      for n in 0..N {
        z[n] ~ Categorical(ones(K) / K)
        factor log(rest[z[n]])
        y[n] ~ Normal(mu[z[n]], 0.5)
      }
    }`,
    data: { N: 4, K: 3, y: wiggle(4, 3) },
  },
  {
    name: "mixture with diagonal matrices",
    text: `model m(N: int, D: int, K: int) {
      w ~ Dirichlet(ones(K))
      for k in 0..K {
        mu[k] ~ iid(Normal(0, 2), D)
        v[k] ~ iid(InverseGamma(2, 1), D)
        t[k] ~ iid(Gamma(2, 1), D)
      }
      for n in 0..N {
        z[n] ~ Categorical(w)
        x[n] ~ MvNormal(mu[z[n]], diag_matrix(v[z[n]]))
        y[n] ~ MvNormal(mu[z[n]], precision: diag_matrix(t[z[n]]))
      }
    }`,
    data: { N: 4, D: 3, K: 2, x: matrix(4, 3), y: matrix(4, 3, 5) },
  },
];
