/** Models of every kind of statement with small data, for tests of the log joint. */
import { elementCount, type DataSet, type DataValue } from "../../../src/model/data.js";
import type { Model } from "../../../src/model/ir.js";
import { elaborate } from "../../../src/elaborate/index.js";
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

/** Nested arrays to a data value; null is a missing entry. */
export function dataValue(x: Nested): DataValue {
  const dims = dimsOf(x);
  const flat = [x].flat(Number.POSITIVE_INFINITY) as (number | boolean | null)[];
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
