/** Models of every kind of statement with small data, for tests of the log joint. */

import { elaborate } from "../../../src/elaborate/index.js";
import { type DataSet, type DataValue, elementCount } from "../../../src/model/data.js";
import type { Model } from "../../../src/model/ir.js";
import { parseSource } from "../../../src/syntax/parse.js";

type Nested = number | boolean | null | readonly Nested[];

/** The only model of a text; throws with every diagnostic where there is one. */
export function modelOf(text: string): Model {
  const parsed = parseSource({ path: "<test>", text });
  const made = elaborate(parsed.ast);
  const errors = [...parsed.diagnostics, ...made.diagnostics].filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((d) => d.message).join("\n"));
  const [model] = made.models.values();
  return model;
}

function dimsOf(x: Nested): number[] {
  return Array.isArray(x) ? [x.length, ...(x.length > 0 ? dimsOf(x[0] as Nested) : [])] : [];
}

function flatten(x: Nested): (number | boolean | null)[] {
  return Array.isArray(x) ? (x as readonly Nested[]).flatMap(flatten) : [x as number];
}

/** Nested arrays to a data value; null is a missing entry. */
export function dataValue(x: Nested): DataValue {
  const dims = dimsOf(x);
  const flat = flatten(x);
  const data = Float64Array.from(flat, (v) => (v === null ? Number.NaN : Number(v)));
  if (!flat.includes(null)) return { dims, data };
  return { dims, data, missing: Uint8Array.from(flat, (v) => (v === null ? 1 : 0)) };
}

export function dataSet(record: Readonly<Record<string, Nested>>): DataSet {
  return new Map(Object.entries(record).map(([name, x]) => [name, dataValue(x)]));
}

/** Deterministic numbers of no particular pattern, by the golden ratio. */
export function wiggle(n: number, shift = 0): number[] {
  return Array.from({ length: n }, (_, i) => {
    const u = ((i + 1 + shift) * 0.6180339887498949) % 1;
    return Math.round((u * 4 - 2) * 1000) / 1000;
  });
}

const rows = (n: number, d: number, shift = 0): number[][] => {
  const flat = wiggle(n * d, shift);
  return Array.from({ length: n }, (_, i) => flat.slice(i * d, (i + 1) * d));
};

export interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: Readonly<Record<string, Nested>>;
}

export const cases: readonly Case[] = [
  {
    name: "whole numbers that are given, read as numbers by other sites",
    text: `model m(N: int) {
      k ~ DirichletMultinomial(4, fill(0.5, N))
      z[0] ~ Categorical(ones(2) / 2)
      for t in 1..N { z[t] ~ Categorical(softmax([for q in 0..2: 1.0 * q * z[t - 1]])) }
      for t in 0..N { y[t] ~ Normal(k[t] + z[t], 1) }
      c ~ Poisson(2)
      x ~ Normal(c, 1)
    }`,
    data: { N: 3, k: [1, 3, 0], z: [1, 0, 1], y: [0.3, null, 1], c: 2 },
  },
  {
    name: "censored and zero-inflated observations",
    text: `model m(N: int, cap: real) {
      mu ~ Normal(0, 2)
      s ~ HalfNormal(1)
      p ~ Beta(1, 1)
      for n in 0..N {
        y[n] ~ Censored(Normal(mu, s), lower: -1, upper: cap)
        c[n] ~ Censored(Poisson(exp(mu)), upper: 3)
        k[n] ~ ZeroInflated(p, Poisson(exp(mu)))
      }
    }`,
    data: { cap: 1.5, y: [-1, 0.3, 1.5, 1.2], c: [0, 3, 1, 3], k: [0, 0, 3, 1] },
  },
  {
    name: "matrices of normals, a low-rank normal, counts without putting back",
    text: `model m(N: int, R: int, C: int, U: cov[R], V: cov[C]) {
      X ~ MatrixNormal(zeros(R, C), U, V)
      W ~ iid(Normal(0, 1), R, 2)
      f ~ LowRankMvNormal(zeros(R), W, ones(R))
      for n in 0..N { y[n] ~ Normal(sum(X), 1) }
      k ~ DirichletMultinomial(4, exp(f))
      h ~ Hypergeometric(3, 2, 7)
    }`,
    data: {
      U: [
        [2, 0.1, 0],
        [0.1, 1, 0],
        [0, 0, 1],
      ],
      V: [
        [1, 0.5],
        [0.5, 1],
      ],
      y: [1, 2, 3],
      k: [1, 2, 1],
      h: 1,
    },
  },
  {
    name: "differential equations in a plate",
    text: `fn decay(t: real, z: real[2], k: real) -> real[2] = [-k * z[0], k * z[0] - t * z[1]]
    model m(S: int, ts: real[T]) {
      s ~ HalfNormal(1)
      for i in 0..S {
        k[i] ~ LogNormal(0, 1)
        let z[i] = ode(decay, [1 + i, 0], 0, ts, k[i], steps: 2)
        for n in 0..T { y[i, n] ~ Normal(z[i, n, 1], s) }
      }
    }`,
    data: {
      S: 2,
      ts: [0.5, 1, 3],
      y: [
        [0.2, 0.4, 0.1],
        [0.3, 0.2, 0.1],
      ],
    },
  },
  {
    name: "eight schools",
    text: `model m(J: int, sigma: positive[J]) {
      mu ~ Normal(0, 5)
      tau ~ HalfCauchy(5)
      for j in 0..J {
        theta[j] ~ Normal(mu, tau)
        y[j] ~ Normal(theta[j], sigma[j])
      }
    }`,
    data: { J: 4, sigma: [15, 10, 16, 11], y: [28, 8, -3, 7] },
  },
  {
    name: "linear regression with a matrix product",
    text: `model m(N: int, D: int, X: real[N, D]) {
      beta ~ iid(Normal(0, 2), D)
      alpha ~ StudentT(4, 0, 1)
      s ~ HalfNormal(1)
      let mu = alpha + X @ beta
      y ~ Normal(mu, s)
    }`,
    data: { N: 5, D: 3, X: rows(5, 3), y: wiggle(5, 7) },
  },
  {
    name: "logistic and Poisson regression with gathers",
    text: `model m(N: int, G: int, group: category(G)[N], x: real[N]) {
      tau ~ Gamma(2, 1)
      for g in 0..G { a[g] ~ Normal(0, tau) }
      b ~ Laplace(0, 1)
      let eta = a[group] + b * x
      for n in 0..N {
        y[n] ~ Bernoulli(logits: eta[n])
        k[n] ~ Poisson(log_rate: 0.1 * a[group[n]])
      }
    }`,
    data: {
      N: 6,
      G: 3,
      group: [0, 2, 1, 1, 0, 2],
      x: wiggle(6),
      y: [true, false, true, true, false, false],
      k: [0, 3, 1, 2, 0, 5],
    },
  },
  {
    name: "autoregression",
    text: `model m(T: int) {
      phi: between(-1, 1) ~ Normal(0, 0.5)
      s ~ Exponential(1)
      y[0] ~ Normal(0, s / sqrt(1 - phi^2))
      for t in 1..T { y[t] ~ Normal(phi * y[t - 1], s) }
    }`,
    data: { T: 6, y: wiggle(6) },
  },
  {
    name: "a latent random walk",
    text: `model m(T: int) {
      s ~ HalfNormal(1)
      x[0] ~ Normal(0, 1)
      for t in 1..T { x[t] ~ Normal(x[t - 1], s) }
      for t in 0..T { y[t] ~ Normal(x[t], 0.3) }
    }`,
    data: { T: 5, y: wiggle(5) },
  },
  {
    name: "an ARMA recurrence",
    text: `model m(T: int) {
      mu ~ Normal(0, 10)
      phi ~ Normal(0, 2)
      theta ~ Normal(0, 2)
      s ~ HalfCauchy(2.5)
      let nu[0] = mu + phi * mu
      for t in 1..T { let nu[t] = mu + phi * y[t - 1] + theta * (y[t - 1] - nu[t - 1]) }
      for t in 0..T { y[t] ~ Normal(nu[t], s) }
    }`,
    data: { T: 7, y: wiggle(7) },
  },
  {
    name: "two lets that recur together, of lag two",
    text: `model m(T: int) {
      a ~ Beta(2, 2)
      b: unit ~ Uniform(0, 1)
      let level[0] = 0.5
      let level[1] = a
      let trend[0] = 0.1
      let trend[1] = b
      for t in 2..T {
        let level[t] = a * level[t - 1] + (1 - a) * trend[t - 1]
        let trend[t] = b * (level[t] - level[t - 2]) + 0.3 * trend[t - 2]
      }
      for t in 0..T { y[t] ~ Logistic(level[t], 0.4) }
    }`,
    data: { T: 6, y: wiggle(6) },
  },
  {
    name: "reductions over comprehensions, and locals",
    text: `model m(N: int, K: int, w: real[N, K]) {
      for k in 0..K { c[k] ~ Normal(0, 1) }
      for n in 0..N {
        let score = sum(for k in 0..K: w[n, k] * c[k])
        let top = max(for k in 0..K, j in 0..K: c[k] - w[n, j])
        y[n] ~ Normal(score + 0.1 * top, 1 + mean(for k in 0..K: c[k]^2))
      }
      let soft = [for k in 0..K: exp(c[k])] / sum(for k in 0..K: exp(c[k]))
      factor logsumexp(for k in 0..K: soft[k] * c[k])
    }`,
    data: { N: 4, K: 3, w: rows(4, 3), y: wiggle(4, 3) },
  },
  {
    name: "ragged loops",
    text: `model m(G: int, count: int[G], N: int, start: int[G], y: real[N]) {
      s ~ LogNormal(0, 0.5)
      for g in 0..G {
        m[g] ~ Normal(0, 1)
        for i in start[g]..start[g] + count[g] {
          observe y[i] ~ Normal(m[g] + sum(for j in 0..i: 0.01 * j), s)
        }
      }
    }`,
    data: { G: 3, count: [2, 0, 3], N: 5, start: [0, 2, 2], y: wiggle(5) },
  },
  {
    name: "ifs of statements and expressions",
    text: `model m(N: int, kind: int[N], hard: bool) {
      a ~ Normal(0, 1)
      b ~ Gumbel(0, 1)
      for n in 0..N {
        if kind[n] == 0 {
          y[n] ~ Normal(a, 1)
        } else {
          y[n] ~ StudentT(3, if n > 1 && kind[n] > 1 then a - b else b, 2)
        }
      }
      if hard { factor -a^2 } else { factor -abs(b) }
    }`,
    data: { N: 5, kind: [0, 1, 2, 0, 2], hard: true, y: wiggle(5) },
  },
  {
    name: "mixtures, listed and over a binder",
    text: `model m(N: int, K: int) {
      w ~ Dirichlet(2 * ones(K))
      mu: ordered[K] ~ Normal(0, 3)
      for k in 0..K { s[k] ~ InverseGamma(3, 2) }
      for n in 0..N {
        x[n] ~ Mixture(w, [for k in 0..K: Normal(mu[k], s[k])])
        y[n] ~ Mixture([0.3, 0.7], [Normal(mu[0], 1), Cauchy(mu[1], 2)])
      }
    }`,
    data: { N: 4, K: 3, x: wiggle(4), y: wiggle(4, 9) },
  },
  {
    name: "multivariate normal with an LKJ factor",
    text: `model m(N: int, D: int) {
      L ~ LKJCholesky(2, D)
      tau ~ iid(HalfNormal(1), D)
      mu ~ MvNormal(zeros(D), 4 * eye(D))
      let A = diag_matrix(tau) @ L
      for n in 0..N { x[n] ~ MvNormal(mu, cholesky: A) }
    }`,
    data: { N: 4, D: 3, x: rows(4, 3) },
  },
  {
    name: "covariances and correlations in a plate",
    text: `model m(K: int, D: int, N: int) {
      for k in 0..K {
        S[k] ~ InverseWishart(D + 2, eye(D))
        m[k] ~ MvNormal(zeros(D), S[k])
      }
      R ~ LKJ(1.5, D)
      P ~ Wishart(D + 3, R)
      for n in 0..N { x[n] ~ MvNormal(m[n % K], P + S[0]) }
      factor 0.1 * log_det(P) - trace(solve(R, S[1]))
    }`,
    data: { K: 2, D: 2, N: 3, x: rows(3, 2) },
  },
  {
    name: "data with gaps",
    text: `model m(N: int, D: int) {
      mu ~ iid(Normal(0, 1), D)
      s ~ HalfNormal(2)
      for n in 0..N { x[n] ~ Normal(mu, s) }
      for n in 0..N { p[n]: unit ~ Beta(2, 1 + s) }
    }`,
    data: {
      N: 3,
      D: 2,
      x: [
        [0.1, null],
        [null, -0.4],
        [1.2, 0.3],
      ],
      p: [0.2, null, 0.9],
    },
  },
  {
    name: "truncations, restrictions and bounds by other sites",
    text: `model m(N: int) {
      low ~ Normal(-3, 1)
      width ~ HalfNormal(1)
      u ~ Uniform(low, low + width)
      t ~ Truncated(Normal(u, 2), lower: low)
      h: positive ~ Normal(0, 2)
      c: positive_ordered[3] ~ Exponential(1)
      cuts: ordered[2] ~ Normal(0, 2)
      for n in 0..N {
        y[n] ~ Truncated(Normal(t, h), lower: -4, upper: 4)
        k[n] ~ OrderedLogistic(u + c[n % 3], cuts)
      }
    }`,
    data: { N: 4, y: wiggle(4), k: [0, 2, 1, 1] },
  },
  {
    name: "functions, distribution methods and observations",
    text: `fn soft(x: real, k: real) -> real {
      let z = k * x
      return log(1 + exp(z)) / k
    }
    model m(N: int, x: real[N], v: real[N]) {
      a ~ Normal(0, 1)
      s ~ HalfStudentT(3, 1)
      for n in 0..N { observe x[n] + v[n] ~ Normal(soft(a, 2) * v[n], s) }
      factor Normal(a, s).log_prob(0.3) + log(Normal(0, 1).cdf(a)) - Gamma(2, s).mean
    }`,
    data: { N: 4, x: wiggle(4), v: wiggle(4, 5) },
  },
  {
    name: "slices, reverses and cumulative sums",
    text: `model m(T: int, P: int, y: real[T]) {
      a ~ iid(Normal(0, 1), P)
      s ~ Weibull(2, 1)
      b ~ iid(Normal(0, 1), 4)
      let path = cumsum(b)
      let smooth = softmax(path)
      for t in P..T {
        observe y[t] ~ Normal(dot(a, reverse(y[t - P..t])) + smooth[t % 4], s)
      }
      observe sum(y[..2]) ~ Normal(path[3] + sd(b) + row_sums(outer(a, b))[0], 1)
    }`,
    data: { T: 6, P: 2, y: wiggle(6) },
  },
  {
    name: "a matrix of sites and its rows",
    text: `model m(N: int, D: int, K: int) {
      for d in 0..D { for k in 0..K { W[d, k] ~ Normal(0, 1) } }
      for n in 0..N {
        z[n] ~ iid(Normal(0, 1), K)
        x[n] ~ Normal(W @ z[n], 0.5)
      }
      for d in 0..D { e[d] ~ Normal(sum(W[d]) + dot(W[d, 0..2], z[0, 0..2]), 1) }
    }`,
    data: { N: 3, D: 3, K: 2, x: rows(3, 3), e: wiggle(3, 2) },
  },
  {
    name: "guarded indices and masked reductions",
    text: `model m(N: int, g: int[N]) {
      b ~ Normal(0, 1)
      for n in 0..N { x[n] ~ Normal(0, 1) }
      for n in 0..N {
        let prev = if n > 0 then x[n - 1] else b
        y[n] ~ Normal(prev + sum(for j in 0..n: x[j]) + prod(for j in n..N: 1 + 0.1 * x[j]), 2)
        if g[n] > 0 {
          observe n * 0.5 ~ Normal(x[g[n]] - max(for j in 0..g[n]: x[j]), 1)
        }
      }
      let gaps = [for n in 1..N: x[n] - x[n - 1]]
      factor -mean(for n in 0..N - 1: gaps[n]^2) + logsumexp(for n in 0..N, j in 0..n + 1: x[n] * x[j])
    }`,
    data: { N: 5, g: [0, 1, 3, 0, 2], y: wiggle(5) },
  },
  {
    name: "recurrences inside a plate, with locals and vectors",
    text: `model m(G: int, T: int) {
      for g in 0..G { phi[g] ~ Uniform(-1, 1) }
      A ~ iid(Normal(0, 0.3), 2, 2)
      for g in 0..G {
        let h[g, 0] = 0.1 * g
        for t in 1..T {
          let pull = phi[g] * h[g, t - 1]
          let h[g, t] = pull + 0.2 * sin(pull) + 0.1 * t
        }
      }
      let v[0] = [1.0, -0.5]
      for t in 1..T { let v[t] = A @ v[t - 1] + [0.1 * t, phi[0]] }
      for g in 0..G { for t in 0..T { y[g, t] ~ Normal(h[g, t] + sum(v[t]), exp(0.1 * h[g, t])) } }
    }`,
    data: { G: 2, T: 4, y: rows(2, 4) },
  },
  {
    name: "repeated, mixed and lifted distributions",
    text: `model m(N: int, D: int, K: int, lo: real[N]) {
      w ~ Dirichlet(ones(K))
      for k in 0..K { m[k] ~ MvNormal(zeros(D), eye(D)) }
      a ~ iid(MvNormal(m[0], eye(D)), N)
      b ~ iid(Mixture([0.2, 0.8], [Normal(0, 1), Normal(sum(m[1]), 0.3)]), N)
      r ~ iid(Truncated(Normal(m[0, 0], 1), lower: -1), 3)
      for n in 0..N {
        x[n] ~ Mixture(w, [for k in 0..K: MvNormal(m[k], (k + 1.0) * eye(D))])
        u[n] ~ Truncated(Normal(b[n], 1), lower: lo[n])
        e[n] ~ Mixture(softmax(a[n]), [for d in 0..D: Exponential(exp(a[n, d]))])
      }
      z ~ Normal(b, abs(lo) + 0.5)
    }`,
    data: { N: 3, D: 2, K: 2, lo: [-3, -2.5, -4], x: rows(3, 2), e: [0.5, 0.1, 2] },
  },
  {
    name: "params, counts and a categorical in the data",
    text: `model m(N: int, K: int, n: int[N]) {
      param c: positive = 1
      param S: cov[2]
      for i in 0..N { param o[i]: real = 0 }
      p ~ Dirichlet(c * ones(K))
      v ~ MvNormal(zeros(2), S)
      for i in 0..N {
        z[i] ~ Categorical(p)
        k[i] ~ Binomial(n[i], sigmoid(o[i] + v[0]))
        f[i] ~ NegativeBinomial(exp(v[1] + o[i]), c)
        q[i] ~ BetaBinomial(n[i], c, 2)
        t[i] ~ Geometric(0.3)
      }
      counts ~ Multinomial(6, p)
    }`,
    data: {
      N: 3,
      K: 3,
      n: [4, 5, 6],
      z: [0, 2, 1],
      k: [1, 5, 0],
      f: [0, 3, 2],
      q: [4, 0, 3],
      t: [0, 1, 4],
      counts: [1, 2, 3],
    },
  },
  {
    name: "nothing to loop over",
    text: `model m(N: int, G: int) {
      for g in 0..G { a[g] ~ Normal(0, 1) }
      b ~ Normal(0, 1)
      for n in 0..N { y[n] ~ Normal(b, 1) }
      factor sum(for g in 0..G: a[g]) + logsumexp([b, 2 * b]) + prod(for g in 0..G: a[g])
    }`,
    data: { N: 0, G: 0, y: [] },
  },
  {
    name: "elements referred to before their statement",
    text: `model m(T: int) {
      s ~ HalfNormal(1)
      th ~ Uniform(-0.9, 0.9)
      for t in 1..T { let e[t] = y[t] - th * e[t - 1] }
      let e[0] = y[0]
      y[0] ~ Normal(0, s)
      for t in 1..T { y[t] ~ Normal(th * e[t - 1], s) }
    }`,
    data: { T: 5, y: [0.1, null, -0.4, 0.9, 0.2] },
  },
  {
    name: "guards by && and by ifs inside recurrences",
    text: `model m(T: int, G: int, g: int[T], lag: int[T], x: real[T]) {
      a ~ Normal(0, 1)
      b ~ Normal(0, 1)
      for t in 0..T {
        let u[t] = if t == 0 then a else b * u[t - 1] + x[t - 1]
        let s[t] = if t > 1 && x[lag[t]] > 0 then s[t - 1] + u[t - 2] else sin(u[t])
      }
      for k in 0..G {
        for t in 0..T {
          let h[k, t] = if t > k then 0.5 * h[k, t - 1] + u[t - k - 1] * (if k > 0 then x[k - 1] else 2) else a * k
        }
      }
      let picked = sum(for t in 0..T: if g[t] > 0 && x[g[t] - 1] > 0 then u[g[t] - 1] else 0)
      let other = sum(for t in 0..T: if g[t] == 0 || x[g[t] - 1] > 0 then u[t] else s[t])
      for t in 0..T { y[t] ~ Normal(u[t] + s[t] + picked * other + sum(for k in 0..G: h[k, t]), 3) }
    }`,
    data: { T: 5, G: 2, g: [0, 3, 0, 5, 2], lag: [-2, -1, 0, 1, 2], x: wiggle(5), y: wiggle(5, 4) },
  },
  {
    name: "reductions over ranges of a plate inside a recurrence",
    text: `model m(T: int, G: int, count: int[G], w: real[G, 3]) {
      a ~ Normal(0, 1)
      for k in 0..G {
        for t in 0..T {
          let h[k, t] = if t == 0 then a else sum(for j in 0..count[k]: w[k, j] * cos(h[k, t - 1] + j))
        }
      }
      for t in 0..T { y[t] ~ Normal(sum(for k in 0..G: h[k, t]), 3) }
    }`,
    data: { T: 4, G: 2, count: [1, 3], w: rows(2, 3), y: wiggle(4, 4) },
  },
];

/** A constrained point of a log joint as whole arrays, gaps of the data filled in. */
export function wholeArrays(
  latents: readonly {
    readonly name: string;
    readonly dims: readonly number[];
    readonly elements?: Float64Array;
    readonly offset: number;
    readonly length: number;
  }[],
  constrained: Float64Array,
  observed: DataSet,
): DataSet {
  const values = new Map<string, DataValue>();
  for (const { name, dims, elements, offset, length } of latents) {
    const own = constrained.slice(offset, offset + length);
    if (elements === undefined) {
      values.set(name, { dims, data: own });
      continue;
    }
    const data = observed.get(name)?.data.slice() ?? new Float64Array(elementCount(dims));
    elements.forEach((at, k) => {
      data[at] = own[k];
    });
    values.set(name, { dims, data });
  }
  return values;
}
