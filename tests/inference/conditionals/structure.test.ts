/** Which splits are found, conditionals against the log joint along lines, and refusals. */
import { describe, expect, it } from "vitest";
import { expFamilies, logDensity } from "../../../src/inference/expfam/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { cases, wiggle } from "../logjoint/models.js";
import { atState, conditionalsOf, type Data, shapesOf } from "./harness.js";

const matrix = (n: number, d: number, shift = 0) => {
  const flat = wiggle(n * d, shift);
  return Array.from({ length: n }, (_, i) => flat.slice(i * d, (i + 1) * d));
};

interface Model {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
  readonly shapes: Readonly<Record<string, string>>;
}

const models: readonly Model[] = [
  {
    name: "factor analysis: linear maps of latent vectors",
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
    shapes: {
      W: "MvNormal block",
      m: "Normal elementwise",
      tau: "Gamma elementwise",
      z: "MvNormal event",
    },
  },
  {
    name: "a latent random walk, short",
    text: `model m(T: int) {
      v ~ InverseGamma(3, 1)
      x[0] ~ Normal(0, 2)
      for t in 1..T { x[t] ~ Normal(x[t - 1], sqrt(v)) }
      for t in 0..T { y[t] ~ Normal(x[t], 0.3) }
    }`,
    data: { T: 6, y: wiggle(6) },
    shapes: { v: "InverseGamma elementwise", x: "MvNormal block" },
  },
  {
    name: "a latent random walk, long",
    text: `model m(T: int) {
      v ~ InverseGamma(3, 1)
      x[0] ~ Normal(0, 2)
      for t in 1..T { x[t] ~ Normal(x[t - 1], sqrt(v)) }
      for t in 0..T { y[t] ~ Normal(x[t], 0.3) }
    }`,
    data: { T: 150, y: wiggle(150) },
    shapes: { v: "InverseGamma elementwise", x: "Normal coloured" },
  },
  {
    name: "gamma chains are drawn in two colours",
    text: `model m(T: int) {
      r[0] ~ Gamma(2, 1)
      for t in 1..T { r[t] ~ Gamma(3, r[t - 1]) }
      for t in 0..T { k[t] ~ Poisson(r[t]) }
    }`,
    data: { T: 6, k: [1, 0, 2, 4, 1, 0] },
    shapes: { r: "Gamma coloured" },
  },
  {
    name: "missing data",
    text: `model m(N: int) {
      mu ~ Normal(0, 1)
      for n in 0..N { y[n] ~ Normal(mu, 0.5) }
    }`,
    data: { N: 4, y: [0.3, null, 1.2, null] },
    shapes: { mu: "Normal elementwise", y: "Normal elementwise" },
  },
  {
    name: "scale mixtures: Student-t by gamma weights",
    text: `model m(N: int) {
      mu ~ Normal(0, 10)
      prec ~ Gamma(1, 1)
      for n in 0..N {
        w[n] ~ Gamma(2, 2)
        y[n] ~ Normal(mu, 1 / sqrt(prec * w[n]))
      }
    }`,
    data: { N: 5, y: wiggle(5) },
    shapes: { mu: "Normal elementwise", prec: "Gamma elementwise", w: "Gamma elementwise" },
  },
  {
    name: "covariances in a plate, with an inverse",
    text: `model m(K: int, N: int) {
      for k in 0..K {
        S[k] ~ InverseWishart(5, [[1, 0.2], [0.2, 0.5]])
        mu[k] ~ MvNormal([0, 0], 2 * S[k])
      }
      for n in 0..N { x[n] ~ MvNormal(mu[n % K], S[n % K]) }
    }`,
    data: { K: 2, N: 5, x: matrix(5, 2) },
    shapes: { S: "InverseWishart event", mu: "MvNormal event" },
  },
  {
    name: "topics",
    text: `model m(D: int, W: int, K: int, V: int, doc: category(D)[W]) {
      for k in 0..K { phi[k] ~ Dirichlet(0.5 * ones(V)) }
      for d in 0..D { theta[d] ~ Dirichlet(ones(K)) }
      for w in 0..W {
        z[w] ~ Categorical(theta[doc[w]])
        word[w] ~ Categorical(phi[z[w]])
      }
    }`,
    data: { D: 2, W: 6, K: 3, V: 4, doc: [0, 0, 0, 1, 1, 1], word: [0, 1, 0, 3, 2, 3] },
    shapes: { phi: "Dirichlet event", theta: "Dirichlet event" },
  },
  {
    name: "a hidden Markov chain",
    text: `model m(T: int, K: int) {
      for k in 0..K {
        P[k] ~ Dirichlet(ones(K))
        mu[k] ~ Normal(0, 2)
      }
      s[0] ~ Categorical(ones(K) / K)
      for t in 1..T { s[t] ~ Categorical(P[s[t - 1]]) }
      for t in 0..T { y[t] ~ Normal(mu[s[t]], 0.5) }
    }`,
    data: { T: 6, K: 2, y: wiggle(6) },
    shapes: { P: "Dirichlet event", mu: "Normal elementwise" },
  },
];

describe("structures", () => {
  for (const { name, text, data, shapes } of models) {
    it(name, () => {
      const at = atState(text, data);
      expect(shapesOf(at.found)).toEqual(shapes);
      const rng = stream(5, 0, 0, 0);
      for (const f of at.found.findings) {
        if (f.kind !== "conjugate") continue;
        const family = expFamilies[f.rule.family];
        const params = at.params(f.name);
        const order = f.classes.flatMap((c) => [...c]);
        // Along a line through the state: one unit moves, the log joint moves as the family says.
        for (const i of [0, order.length - 1]) {
          const eta = family.toNatural(params[i]);
          const setting = { size: f.size };
          const before = at.own(f.name);
          const own = (v: Float64Array) => {
            const whole = before.slice();
            whole.set(v, order[i] * f.unit);
            return at.lp({ [f.name]: whole });
          };
          const density = (v: Float64Array) => logDensity(family, eta, setting, v);
          const [a, b] = [0, 1].map(() => family.sample(eta, setting, rng));
          const [left, right] = [own(a) - own(b), density(a) - density(b)];
          // Sums of a few hundred terms, and matrices inverted twice.
          expect(Math.abs(left - right)).toBeLessThan(1e-8 * (1 + Math.abs(own(a))));
        }
      }
    });
  }

  it("colours a chain with two colours", () => {
    const found = conditionalsOf(models[2].text, models[2].data).findings;
    const x = found.find((f) => f.name === "x");
    expect(x?.kind === "conjugate" && x.classes.map((c) => c.length)).toEqual([75, 75]);
  });
});

describe("what is not conjugate is not taken for it", () => {
  const others: readonly Model[] = [
    {
      name: "standard deviations, logistic slopes, heavy tails",
      text: `model m(N: int, x: real[N]) {
        s ~ HalfNormal(1)
        b ~ Normal(0, 1)
        c ~ StudentT(3, 0, 1)
        d ~ Laplace(0, 1)
        for n in 0..N {
          y[n] ~ Normal(c + d, s)
          k[n] ~ Bernoulli(logits: b * x[n])
        }
      }`,
      data: { N: 4, x: wiggle(4), y: wiggle(4), k: [true, false, true, true] },
      shapes: { s: "other", b: "other", c: "other", d: "other" },
    },
    {
      name: "a mean that is also a scale, products of means, shapes of gammas",
      text: `model m(N: int) {
        a ~ Normal(0, 1)
        b ~ Normal(0, 1)
        shape ~ Gamma(2, 1)
        rate ~ Gamma(2, 1)
        for n in 0..N {
          y[n] ~ Normal(a * b, exp(a))
          g[n] ~ Gamma(shape, rate)
        }
      }`,
      data: { N: 4, y: wiggle(4), g: [0.3, 1.2, 2.2, 0.1] },
      shapes: { a: "other", b: "Normal elementwise", shape: "other", rate: "Gamma elementwise" },
    },
    {
      name: "supports cut off: a normal that must be positive, orders, simplex of odds",
      text: `model m(N: int) {
        h: positive ~ Normal(0, 2)
        c: ordered[2] ~ Normal(0, 2)
        p ~ Dirichlet([1, 1, 1])
        q ~ Beta(1, 1)
        for n in 0..N {
          y[n] ~ Normal(h, 1)
          k[n] ~ Bernoulli(p[0] / (p[0] + p[1]))
          j[n] ~ Bernoulli(0.5 * q)
        }
        factor -(c[0] - 1)^2
      }`,
      data: { N: 2, y: [0.2, 0.3], k: [true, false], j: [true, false] },
      shapes: { h: "other", c: "other", p: "other", q: "other" },
    },
    {
      name: "a piecewise density",
      text: `model m(N: int) {
        a ~ Normal(0, 1)
        b ~ Normal(0, 1)
        for n in 0..N { y[n] ~ Normal(if a > 0.5 then a else b, 1) }
        factor -abs(b - 3)
      }`,
      data: { N: 3, y: wiggle(3) },
      shapes: { a: "other", b: "other" },
    },
  ];
  for (const { name, text, data, shapes } of others) {
    it(name, () => {
      expect(shapesOf(conditionalsOf(text, data))).toEqual(shapes);
    });
  }
});

describe("the models of the log joint's tests", () => {
  for (const { name, text, data } of cases) {
    it(name, () => {
      const at = atState(text, data, 3);
      const rng = stream(6, 0, 0, 0);
      for (const f of at.found.findings) {
        if (f.kind !== "conjugate") continue;
        expect(f.evidence).toBeLessThan(1e-8);
        const family = expFamilies[f.rule.family];
        const params = at.params(f.name);
        const order = f.classes.flatMap((c) => [...c]);
        const eta = family.toNatural(params[0]);
        const setting = { size: f.size };
        const own = (v: Float64Array) => {
          const whole = at.own(f.name).slice();
          whole.set(v, order[0] * f.unit);
          return at.lp({ [f.name]: whole });
        };
        const density = (v: Float64Array) => logDensity(family, eta, setting, v);
        const [a, b] = [0, 1].map(() => family.sample(eta, setting, rng));
        const difference = own(a) - own(b) - (density(a) - density(b));
        expect(Math.abs(difference)).toBeLessThan(1e-8 * (1 + Math.abs(own(a))));
      }
    });
  }
});
