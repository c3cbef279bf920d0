/** Models with latent discrete sites of small sizes, so that every assignment can be listed. */
import { type Case, wiggle } from "./models.js";

const rows = (n: number, d: number, shift = 0): number[][] => {
  const flat = wiggle(n * d, shift);
  return Array.from({ length: n }, (_, i) => flat.slice(i * d, (i + 1) * d));
};

const mixture = (K: number): Case => ({
  name: `a mixture of ${K}`,
  text: `model m(N: int, K: int) {
    w ~ Dirichlet(2 * ones(K))
    mu: ordered[K] ~ Normal(0, 3)
    s ~ HalfNormal(1)
    for n in 0..N {
      z[n] ~ Categorical(w)
      y[n] ~ Normal(mu[z[n]], s)
    }
  }`,
  data: { N: K > 3 ? 3 : 4, K, y: wiggle(K > 3 ? 3 : 4) },
});

export const discreteCases: readonly Case[] = [
  mixture(2),
  mixture(3),
  mixture(5),
  {
    name: "a Bernoulli indicator as a number and as a condition",
    text: `model m(N: int) {
      p ~ Beta(2, 2)
      a ~ Normal(0, 1)
      b ~ Normal(1, 1)
      for n in 0..N {
        z[n] ~ Bernoulli(p)
        y[n] ~ Normal(a + b * int(z[n]), if z[n] then 0.5 else 1)
      }
    }`,
    data: { N: 5, y: wiggle(5) },
  },
  {
    name: "a latent Binomial count with observed totals",
    text: `model m(N: int) {
      p ~ Beta(2, 3)
      r ~ Gamma(2, 1)
      for n in 0..N {
        k[n] ~ Binomial(4, p)
        y[n] ~ Poisson(r * (k[n] + 0.5))
      }
    }`,
    data: { N: 3, y: [1, 0, 5] },
  },
  {
    name: "supports of unequal size in one site",
    text: `model m(G: int, n: int[G]) {
      p ~ Beta(1, 1)
      for g in 0..G {
        k[g] ~ Binomial(n[g], p)
        y[g] ~ Normal(k[g], 1)
      }
    }`,
    data: { G: 3, n: [2, 4, 1], y: [1.2, 3.5, -0.3] },
  },
  {
    name: "several sites of different supports meet in one statement",
    text: `model m(N: int) {
      w ~ Dirichlet(ones(3))
      p ~ Beta(1, 1)
      m ~ iid(Normal(0, 1), 3)
      for n in 0..N {
        z[n] ~ Categorical(w)
        b[n] ~ Bernoulli(p)
        u[n] ~ Binomial(3, 0.4)
        y[n] ~ Normal(m[z[n]] + int(b[n]) * u[n], 0.7)
      }
    }`,
    data: { N: 2, y: wiggle(2) },
  },
  {
    name: "nested plates with a class for each group",
    text: `model m(G: int, N: int) {
      w ~ Dirichlet(ones(2))
      mu ~ iid(Normal(0, 2), 2)
      for g in 0..G {
        z[g] ~ Categorical(w)
        for n in 0..N { y[g, n] ~ Normal(mu[z[g]], 1) }
      }
    }`,
    data: { G: 3, N: 3, y: rows(3, 3) },
  },
  {
    name: "a class for each group and one for each element",
    text: `model m(G: int, N: int) {
      w ~ Dirichlet(ones(2))
      for k in 0..2 { v[k] ~ Dirichlet(ones(3)) }
      mu ~ iid(Normal(0, 2), 3)
      for g in 0..G {
        z[g] ~ Categorical(w)
        for n in 0..N {
          c[g, n] ~ Categorical(v[z[g]])
          y[g, n] ~ Normal(mu[c[g, n]], 1)
        }
      }
    }`,
    data: { G: 2, N: 2, y: rows(2, 2) },
  },
  {
    name: "a scalar site that all elements read",
    text: `model m(N: int) {
      a ~ Normal(0, 1)
      z ~ Bernoulli(0.3)
      for n in 0..N { y[n] ~ Normal(if z then a else -a, 1) }
    }`,
    data: { N: 4, y: wiggle(4) },
  },
  {
    name: "a homogeneous hidden Markov model",
    text: `model m(T: int, K: int) {
      for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
      mu: ordered[K] ~ Normal(0, 2)
      z[0] ~ Categorical(ones(K) / K)
      for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
      for t in 0..T { y[t] ~ Normal(mu[z[t]], 0.8) }
    }`,
    data: { T: 5, K: 3, y: wiggle(5) },
  },
  {
    name: "an HMM of many states",
    text: `model m(T: int, K: int) {
      for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
      mu: ordered[K] ~ Normal(0, 2)
      z[0] ~ Categorical(ones(K) / K)
      for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
      for t in 0..T { y[t] ~ Normal(mu[z[t]], 0.8) }
    }`,
    data: { T: 3, K: 13, y: wiggle(3) },
  },
  {
    name: "an HMM of two steps",
    text: `model m(T: int, K: int) {
      for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
      mu ~ iid(Normal(0, 2), K)
      z[0] ~ Categorical(ones(K) / K)
      for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
      for t in 0..T { y[t] ~ Normal(mu[z[t]], 0.8) }
    }`,
    data: { T: 2, K: 2, y: wiggle(2) },
  },
  {
    name: "an HMM of one step",
    text: `model m(T: int, K: int) {
      for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
      mu ~ iid(Normal(0, 2), K)
      z[0] ~ Categorical(ones(K) / K)
      for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
      for t in 0..T { y[t] ~ Normal(mu[z[t]], 0.8) }
    }`,
    data: { T: 1, K: 2, y: wiggle(1) },
  },
  {
    name: "an HMM whose transitions change with time",
    text: `model m(T: int, x: real[T]) {
      a ~ iid(Normal(0, 1), 2)
      b ~ Normal(0, 1)
      mu ~ iid(Normal(0, 2), 2)
      z[0] ~ Bernoulli(0.5)
      for t in 1..T { z[t] ~ Bernoulli(logits: a[int(z[t - 1])] + b * x[t]) }
      for t in 0..T { y[t] ~ Normal(mu[int(z[t])], 1) }
    }`,
    data: { T: 6, x: wiggle(6, 3), y: wiggle(6) },
  },
  {
    name: "several sequences in a plate",
    text: `model m(S: int, T: int, K: int) {
      for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
      start ~ Dirichlet(ones(K))
      mu ~ iid(Normal(0, 2), K)
      for s in 0..S {
        z[s, 0] ~ Categorical(start)
        for t in 1..T { z[s, t] ~ Categorical(P[z[s, t - 1]]) }
        for t in 0..T { y[s, t] ~ Normal(mu[z[s, t]], 1) }
      }
    }`,
    data: { S: 2, T: 3, K: 2, y: rows(2, 3) },
  },
  {
    name: "sequences of unequal length end to end",
    text: `model m(N: int, starts: int[N]) {
      for k in 0..2 { P[k] ~ Dirichlet(ones(2)) }
      mu ~ iid(Normal(0, 2), 2)
      z[0] ~ Categorical([0.5, 0.5])
      for t in 1..N {
        if starts[t] == 1 { z[t] ~ Categorical([0.5, 0.5]) }
        else { z[t] ~ Categorical(P[z[t - 1]]) }
      }
      for t in 0..N { y[t] ~ Normal(mu[z[t]], 1) }
    }`,
    data: { N: 9, starts: [1, 0, 0, 1, 1, 0, 0, 0, 0], y: wiggle(9) },
  },
  {
    name: "a chain whose links read the later element first",
    text: `model m(T: int) {
      for k in 0..3 { P[k] ~ Dirichlet([1.0, 2.0, 3.0]) }
      mu ~ iid(Normal(0, 2), 3)
      for t in 0..T { z[t] ~ Categorical([0.2, 0.3, 0.5]) }
      for t in 0..T - 1 { factor log(P[z[t + 1], z[t]]) }
      for t in 0..T { y[t] ~ Normal(mu[z[t]], 1) }
    }`,
    data: { T: 5, y: wiggle(5) },
  },
  {
    name: "emissions that are missing at some steps",
    text: `model m(T: int, seen: int[T], y: real[T]) {
      p ~ Beta(1, 1)
      q ~ Beta(1, 1)
      mu ~ iid(Normal(0, 2), 2)
      z[0] ~ Bernoulli(0.5)
      for t in 1..T { z[t] ~ Bernoulli(if z[t - 1] then p else q) }
      for t in 0..T {
        if seen[t] == 1 { observe y[t] ~ Normal(mu[int(z[t])], 1) }
      }
    }`,
    data: { T: 6, seen: [1, 0, 0, 1, 1, 0], y: wiggle(6) },
  },
  {
    name: "transitions of probability zero and states that cannot be",
    text: `model m(T: int, start: simplex[3]) {
      p ~ Beta(2, 2)
      mu: ordered[3] ~ Normal(0, 2)
      let P = [[p, 1 - p, 0.0], [0.0, p, 1 - p], [0.0, 0.0, 1.0]]
      z[0] ~ Categorical(start)
      for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
      for t in 0..T { y[t] ~ Normal(mu[z[t]], 1) }
    }`,
    data: { T: 6, start: [1, 0, 0], y: wiggle(6) },
  },
  {
    name: "emissions that rule out states",
    text: `model m(T: int, K: int) {
      for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
      a ~ Gamma(2, 2)
      z[0] ~ Categorical(ones(K) / K)
      for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
      for t in 0..T { y[t] ~ Uniform(z[t] - 0.5, z[t] + 0.5 + a / (1 + a)) }
    }`,
    data: { T: 5, K: 3, y: [-0.2, 0.6, 2.3, 1.7, 0.1] },
  },
  {
    name: "a pair of sites for each element of a plate",
    text: `model m(N: int) {
      w ~ Dirichlet(ones(2))
      A ~ iid(Dirichlet(ones(3)), 2)
      mu ~ iid(Normal(0, 1), 2, 3)
      for n in 0..N {
        z[n] ~ Categorical(w)
        c[n] ~ Categorical(A[z[n]])
        y[n] ~ Normal(mu[z[n], c[n]], 0.6)
      }
    }`,
    data: { N: 3, y: wiggle(3) },
  },
  {
    name: "a tree",
    text: `model m(N: int, parent: int[N]) {
      p ~ Beta(2, 2)
      mu ~ iid(Normal(0, 1), 2)
      z[0] ~ Bernoulli(0.4)
      for i in 1..N { z[i] ~ Bernoulli(if z[parent[i]] then p else 1 - p) }
      for i in 0..N { y[i] ~ Normal(mu[int(z[i])], 1) }
    }`,
    data: { N: 8, parent: [0, 0, 0, 1, 1, 2, 2, 5], y: wiggle(8) },
  },
  {
    name: "an Ising grid of 3 by 3",
    text: `model m(L: int) {
      beta ~ HalfNormal(1)
      h ~ Normal(0, 1)
      for i in 0..L { for j in 0..L { z[i, j] ~ Bernoulli(0.5) } }
      for i in 0..L { for j in 0..L - 1 {
        factor beta * (2 * int(z[i, j]) - 1) * (2 * int(z[i, j + 1]) - 1)
      } }
      for i in 0..L - 1 { for j in 0..L {
        factor beta * (2 * int(z[i, j]) - 1) * (2 * int(z[i + 1, j]) - 1)
      } }
      for i in 0..L { for j in 0..L { y[i, j] ~ Normal(h * int(z[i, j]), 1) } }
    }`,
    data: { L: 3, y: rows(3, 3) },
  },
  {
    name: "two chains that are coupled by what they emit",
    text: `model m(T: int) {
      for k in 0..2 { P[k] ~ Dirichlet(ones(2)) }
      for k in 0..3 { Q[k] ~ Dirichlet(ones(3)) }
      mu ~ iid(Normal(0, 1), 2)
      nu ~ iid(Normal(0, 1), 3)
      z[0] ~ Categorical([0.3, 0.7])
      w[0] ~ Categorical([0.2, 0.3, 0.5])
      for t in 1..T {
        z[t] ~ Categorical(P[z[t - 1]])
        w[t] ~ Categorical(Q[w[t - 1]])
      }
      for t in 0..T { y[t] ~ Normal(mu[z[t]] + nu[w[t]], 0.5) }
    }`,
    data: { T: 3, y: wiggle(3) },
  },
  {
    name: "a chain that drives another",
    text: `model m(T: int) {
      p ~ Beta(2, 2)
      R ~ iid(Dirichlet(ones(2)), 2, 2)
      mu ~ iid(Normal(0, 1), 2)
      z[0] ~ Bernoulli(p)
      w[0] ~ Categorical([0.5, 0.5])
      for t in 1..T {
        z[t] ~ Bernoulli(if z[t - 1] then p else 0.2)
        w[t] ~ Categorical(R[int(z[t]), w[t - 1]])
      }
      for t in 0..T { y[t] ~ Normal(mu[w[t]], 0.5) }
    }`,
    data: { T: 4, y: wiggle(4) },
  },
  {
    name: "a chain of second order",
    text: `model m(T: int) {
      R ~ iid(Dirichlet(ones(2)), 2, 2)
      mu ~ iid(Normal(0, 1), 2)
      z[0] ~ Categorical([0.5, 0.5])
      z[1] ~ Categorical([0.5, 0.5])
      for t in 2..T { z[t] ~ Categorical(R[z[t - 1], z[t - 2]]) }
      for t in 0..T { y[t] ~ Normal(mu[z[t]], 0.5) }
    }`,
    data: { T: 6, y: wiggle(6) },
  },
  {
    name: "lets that depend on the state: scalar, indexed, nested, with locals",
    text: `model m(T: int, K: int, x: real[T]) {
      for k in 0..K { P[k] ~ Dirichlet(ones(K)) }
      a ~ iid(Normal(0, 1), K)
      b ~ Normal(0, 1)
      c ~ Bernoulli(0.4)
      let sign = if c then 1.0 else -1.0
      z[0] ~ Categorical(ones(K) / K)
      for t in 1..T { z[t] ~ Categorical(P[z[t - 1]]) }
      for t in 0..T {
        let level = a[z[t]] + b * x[t]
        let mean[t] = sign * level
        let scaled[t] = mean[t] / (1 + z[t])
        y[t] ~ Normal(scaled[t], exp(0.1 * mean[t]))
      }
    }`,
    data: { T: 4, K: 2, x: wiggle(4, 9), y: wiggle(4) },
  },
  {
    name: "functions of the state are inlined",
    text: `fn level(k: int, x: real, a: real[K]) { let u = a[k] * x
      return u + 0.1 * k }
    model m(N: int, K: int, x: real[N]) {
      a ~ iid(Normal(0, 1), K)
      w ~ Dirichlet(ones(K))
      for n in 0..N {
        z[n] ~ Categorical(w)
        y[n] ~ Normal(level(z[n], x[n], a), 1)
      }
    }`,
    data: { N: 3, K: 3, x: wiggle(3, 4), y: wiggle(3) },
  },
  {
    name: "components chosen by conditions",
    text: `model m(N: int) {
      a ~ Normal(0, 1)
      s ~ HalfNormal(1)
      w ~ Dirichlet(ones(3))
      for n in 0..N {
        z[n] ~ Categorical(w)
        y[n] ~ Normal(if z[n] == 0 then a else if z[n] == 1 then -a else 0, if z[n] == 2 then 3 else s)
      }
    }`,
    data: { N: 4, y: wiggle(4) },
  },
  {
    name: "vector emissions and a latent mean for each element",
    text: `model m(N: int, D: int, K: int) {
      w ~ Dirichlet(ones(K))
      for k in 0..K { mu[k] ~ MvNormal(zeros(D), 4 * eye(D)) }
      for n in 0..N {
        z[n] ~ Categorical(w)
        x[n] ~ MvNormal(mu[z[n]], eye(D))
        y[n] ~ MvNormal(x[n], 0.5 * eye(D))
      }
    }`,
    data: { N: 3, D: 2, K: 2, y: rows(3, 2) },
  },
  {
    name: "a mixture whose emission is missing in part",
    text: `model m(N: int) {
      mu ~ iid(Normal(0, 2), 2)
      for n in 0..N {
        z[n] ~ Bernoulli(0.4)
        y[n] ~ Normal(mu[int(z[n])], 1)
      }
    }`,
    data: { N: 4, y: [0.3, null, -1.2, null] },
  },
  {
    name: "a state that two steps apart share",
    text: `model m(T: int) {
      p ~ Beta(2, 2)
      a ~ iid(Normal(0, 1), 2, 2)
      z[0] ~ Bernoulli(0.5)
      for t in 1..T { z[t] ~ Bernoulli(if z[t - 1] then p else 0.3) }
      for t in 1..T { y[t] ~ Normal(a[int(z[t]), int(z[t - 1])], 1) }
      y[0] ~ Normal(a[int(z[0]), 0], 1)
    }`,
    data: { T: 5, y: wiggle(5) },
  },
  {
    name: "links of densities far below what exp can hold",
    text: `model m(T: int) {
      a ~ iid(Normal(0, 1), 2, 2)
      for t in 0..T { z[t] ~ Bernoulli(0.5) }
      for t in 1..T { y[t] ~ Normal(a[int(z[t]), int(z[t - 1])], 0.01) }
      y[0] ~ Normal(0, 1)
    }`,
    data: { T: 5, y: [0, 40, -30, 25, 60] },
  },
  {
    name: "a latent index of data",
    text: `model m(N: int, K: int, table: real[K, N]) {
      s ~ HalfNormal(1)
      z ~ Categorical(ones(K) / K)
      for n in 0..N { y[n] ~ Normal(table[z, n], s) }
    }`,
    data: { N: 3, K: 4, table: rows(4, 3), y: wiggle(3, 8) },
  },
  {
    name: "a change point",
    text: `model m(T: int) {
      early ~ Exponential(1)
      late ~ Exponential(1)
      tau ~ Categorical(ones(T) / T)
      for t in 0..T { y[t] ~ Poisson(if t < tau then early else late) }
    }`,
    data: { T: 6, y: [1, 2, 0, 4, 5, 3] },
  },
];
