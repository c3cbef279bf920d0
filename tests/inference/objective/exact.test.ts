/**
 * Expectations in closed form in objectives: the gradient's mean is that of the gradient with draws,
 * its noise is gone where nothing else is random, and nothing else is changed.
 */
import { describe, expect, test } from "vitest";
import type { SiteExpectation } from "../../../src/inference/objective/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { array, build, drive, type Setup } from "./driver.js";

const elbo = (text: string, data: Setup["data"] = {}, more: Partial<Setup> = {}): Setup => ({
  text: `import objectives\n${text}`,
  objective: "elbo",
  programs: { p: "m", q: "q" },
  data,
  ...more,
});

const found = (setup: Setup): Record<string, SiteExpectation | undefined> =>
  Object.fromEntries(build(setup).strategies.map((s) => [s.site, s.expectation]));

interface Gradient {
  readonly mean: Float64Array;
  readonly error: Float64Array;
}
function gradient(setup: Setup, draws: number): Gradient {
  const d = drive(build(setup));
  const sum = new Float64Array(d.theta.length);
  const squares = new Float64Array(d.theta.length);
  for (let t = -200; t < draws; t++) {
    d.draw(stream(11, 0, t < 0 ? 1 : 0, Math.abs(t)));
    d.evaluate();
    if (t < 0) continue;
    d.gradient.forEach((x, i) => {
      sum[i] += x;
      squares[i] += x * x;
    });
  }
  const mean = sum.map((s) => s / draws);
  const error = squares.map((s, i) => Math.sqrt(Math.max(0, s / draws - mean[i] ** 2) / draws));
  return { mean, error };
}

const walk = (guide: string): string => `model m(y: real[T]) {
  param r: real = 0.8
  z[0] ~ Normal(0, 2)
  for t in 1..T { z[t] ~ Normal(r * z[t - 1], 0.5) }
  for t in 0..T { y[t] ~ Normal(z[t], 1) }
}
guide q(T: int, y: real[T]) for m {
  param a: real = 0.4
  param s: positive = 0.6
  ${guide}
}`;
const series = { y: array([4], [0.3, -0.2, 1.1, 0.8]) };
const divergence = { exact: "divergence" };

/** What is exact of each site, and the gradient beside that at draws. */
const cases: Readonly<
  Record<string, { setup: Setup; exact: Readonly<Record<string, object>>; draws?: number }>
> = {
  "a hierarchy: the prior of one site reads another": {
    setup: elbo(`model m() {
  t ~ Gamma(2, 1);  a ~ Normal(0, 1);  b ~ Normal(a, t);  observe 1.2 ~ Normal(b, 1)
}
guide q() for m {
  param k: positive = 2;  param u: real = 0.3;  param s: positive = 0.5
  t ~ Gamma(k, 1.5);  a ~ Normal(u, s);  b ~ Normal(u + 0.2 * a, s)
}`),
    exact: { t: divergence, a: divergence, b: divergence },
  },
  "a vector beside elements, and a permutation of them": {
    setup: elbo(`model m() {
  for i in 0..3 { x[i] ~ Normal(0.5 * i, 1 + i) }
  for i in 0..3 { w[i] ~ Normal(i, 1) }
  observe 1 ~ Normal(sum(x) * w[1], 2)
}
guide q() for m {
  param u: real[3] = [0.2, -0.1, 0.4]
  param L: cholesky_cov[3] = [[0.5, 0, 0], [0.2, 0.7, 0], [-0.3, 0.1, 0.4]]
  x ~ MvNormal(u, cholesky: L)
  for i in 0..3 { w[2 - i] ~ Normal(u[i], 0.5) }
}`),
    exact: { x: divergence, w: divergence },
  },
  "elements beside a vector": {
    setup: elbo(`model m() {
  x ~ MvNormal([0.5, 0, -1], [[2, 0.4, 0], [0.4, 1, 0.3], [0, 0.3, 1.5]])
  observe 1 ~ Normal(x[0] * x[1] - x[2], 2)
}
guide q() for m {
  param u: real[3] = [0.2, -0.1, 0.4];  param s: positive[3] = [0.5, 0.7, 0.2]
  x ~ Normal(u, s)
}`),
    exact: { x: divergence },
  },
  "several statements for one site": {
    setup: elbo(`model m() {
  x[0] ~ Normal(0, 1);  for i in 1..4 { x[i] ~ Normal(1, 2) }
  observe 1 ~ Normal(x[0] * x[1] - x[3], 2)
}
guide q() for m {
  param u: real = 0.3;  param s: positive = 0.5
  for i in 0..3 { x[i] ~ Normal(u * i, s) }
  x[3] ~ Normal(u, 1)
}`),
    exact: { x: divergence },
  },
  "a plate in minibatches": {
    setup: elbo(
      `model m(y: real[N]) {
  mu ~ Normal(0, 1)
  for i in 0..N { z[i] ~ Normal(mu, 1);  y[i] ~ Normal(z[i], 0.5) }
}
guide q(y: real[N]) for m {
  param a: real = 0.7;  param s: positive = 0.5;  param u: real = 0.1
  mu ~ Normal(u, s)
  for i in 0..N { z[i] ~ Normal(a * y[i], s) }
}`,
      { y: array([6], [0.3, 1.2, -0.4, 0.8, 2.1, 0.5]) },
      { batch: { N: 2 } },
    ),
    exact: { mu: divergence, z: divergence },
  },
  "a random walk with elements drawn apart": {
    setup: elbo(walk("for t in 0..T { z[t] ~ Normal(a * y[t], s) }"), series),
    exact: { z: divergence },
  },
  "a random walk drawn in its order": {
    setup: elbo(
      walk(
        "z[0] ~ Normal(y[0], s);  for t in 1..T { z[t] ~ Normal(a * z[t - 1] + 0.3 * y[t], s) }",
      ),
      series,
    ),
    exact: { z: divergence },
  },
  "a random walk drawn as one vector": {
    setup: elbo(walk("z ~ MvNormal(a * y, s * eye(T))"), series),
    exact: { z: { exact: "entropy", why: "reads" } },
  },
  "weights that are not opposite, and several copies": {
    setup: elbo(
      `model m() { x ~ Normal(0.3, 1.5);  g ~ Exponential(0.5);  observe 1 ~ Normal(x, 0.5 + g) }
guide q() for m {
  param u: real = 0.2;  param s: positive = 0.5
  x ~ Normal(u, s);  g ~ Gamma(2 + s, 1)
}
objective own(p, q) {
  for k in 0..3 { z[k] ~ q;  let w[k] = log_joint(p, z[k]) - 0.3 * (k + 1) * log_prob(q, z[k]) }
  return 2 + mean(w)
}`,
      {},
      { objective: "own" },
    ),
    exact: { x: divergence, g: divergence },
  },
  "another site between a parent by its score and a child": {
    setup: elbo(`model m() {
  n ~ Poisson(2);  x ~ Normal(n, 1);  observe 2.5 ~ Normal(x, 0.5)
}
guide q() for m {
  param r: real = 0.5;  param c: real = 0.3
  n ~ Poisson(exp(r));  x ~ Normal(c + 0.7 * n, 0.6)
}`),
    exact: { n: divergence, x: divergence },
    draws: 40_000,
  },
  "bits in elements whose children mix them": {
    setup: elbo(`model m() {
  for i in 0..3 { b[i] ~ Bernoulli(0.4) }
  for i in 0..3 { s[i] ~ Normal(b[i], 1) }
  observe 1.5 ~ Normal(sum(s), 1)
}
guide q() for m {
  param l: real[3] = [0.3, -0.2, 0.6];  param c: real = 0.2
  for i in 0..3 { b[i] ~ Bernoulli(logits: l[i]) using reinforce(baseline: moving_average) }
  for i in 0..3 { s[i] ~ Normal(c * sum(b), 0.6) }
}`),
    exact: { b: divergence, s: divergence },
    draws: 40_000,
  },
  "a prior without a closed form": {
    setup: elbo(`model m() { t ~ HalfCauchy(1);  observe 1.2 ~ Normal(0, t) }
guide q() for m { param a: positive = 3;  t ~ Gamma(a, 2) }`),
    exact: { t: { exact: "entropy", why: "family" } },
  },
  "a restricted prior of positive draws": {
    setup: elbo(`model m() { t: positive ~ Normal(0, 2);  observe 1.2 ~ Normal(0, t) }
guide q() for m { param a: real = 0.1;  param s: positive = 0.4;  t ~ LogNormal(a, s) }`),
    exact: { t: divergence },
  },
};

describe("the mean gradient is that at draws", () => {
  test.each(Object.entries(cases))("%s", (_, { setup, exact, draws = 12_000 }) => {
    expect(found(setup)).toMatchObject(exact);
    const [on, off] = [true, false].map((analytic) => gradient({ ...setup, analytic }, draws));
    on.mean.forEach((x, i) => {
      const error = Math.hypot(on.error[i], off.error[i]);
      // Twenty components in all: 4.5 standard errors. Some have no noise on either side.
      expect(Math.abs(x - off.mean[i])).toBeLessThan(4.5 * error + 1e-9 * (1 + Math.abs(x)));
    });
  });
});

test("elements whose children mix them have the costs of all children", () => {
  const mixing = (using: string, lets: string): Setup =>
    elbo(`model m() {
  for i in 0..3 { b[i] ~ Bernoulli(0.4) }
  for i in 0..3 { s[i] ~ Normal(3 * b[i], 1) }
  observe 1.5 ~ Normal(sum(s), 1)
}
guide q() for m {
  param l: real[3] = [0.3, -0.2, 0.6];  param c: real = 0.8
  for i in 0..3 { b[i] ~ Bernoulli(logits: l[i]) using ${using} }
  ${lets}
}`);
  const children = [
    "for i in 0..3 { s[i] ~ Normal(c * sum(b), 0.6) }",
    "let all = sum(b);  for i in 0..3 { s[i] ~ Normal(c * all, 0.6) }",
    "for i in 0..3 { let v[i] = sum(b) * c };  for i in 0..3 { s[i] ~ Normal(v[i], 0.6) }",
  ];
  for (const lets of children) {
    // Expectations over each bit by itself, in which its children are drawn again, need no costs.
    const exact = gradient(mixing("enumerate", lets), 20_000);
    const scored = gradient(mixing("reinforce(baseline: moving_average)", lets), 20_000);
    scored.mean.forEach((x, i) => {
      const error = Math.hypot(exact.error[i], scored.error[i]);
      expect(Math.abs(x - exact.mean[i]), lets).toBeLessThan(4.5 * error);
    });
  }
});

/** Prior and guide of one site with nothing else: by name, model, guide. */
const alone: Readonly<Record<string, readonly [string, string]>> = {
  Normal: ["Normal(1, 2)", "Normal(a, s)"],
  "repeated Normals": ["iid(Normal(1, 2), 3)", "iid(Normal(a, s), 3)"],
  Gamma: ["Gamma(2, 0.5)", "Gamma(s, 1 + s)"],
  "Gamma and LogNormal": ["Gamma(2, 0.5)", "LogNormal(a, s)"],
  Beta: ["Beta(2, 3)", "Beta(s, 1 + s)"],
  Dirichlet: ["Dirichlet([1, 2, 3])", "Dirichlet([s, 1 + s, 2])"],
  Laplace: ["Laplace(0, 1)", "Normal(a, s)"],
  Poisson: ["Poisson(3)", "Poisson(s)"],
  Categorical: ["Categorical([0.2, 0.8])", "Categorical(logits: [a, s]) using rebar"],
  Bernoulli: ["Bernoulli(0.2)", "Bernoulli(logits: a) using gumbel(0.5)"],
};

describe("without anything else there is no noise", () => {
  test.each(Object.entries(alone))("%s", (_, [prior, drawn]) => {
    const setup = elbo(`model m() { x ~ ${prior} }
guide q() for m { param a: real = 0.3;  param s: positive = 0.7;  x ~ ${drawn} }`);
    expect(found(setup)).toEqual({ x: divergence });
    const { mean, error } = gradient(setup, 50);
    expect(Math.max(...error)).toBeLessThan(1e-7);
    if (drawn.includes("gumbel")) return;
    const drawing = gradient({ ...setup, analytic: false }, 20_000);
    mean.forEach((x, i) => {
      expect(Math.abs(x - drawing.mean[i])).toBeLessThan(4.5 * drawing.error[i] + 1e-9);
    });
  });
});

describe("where densities stay at the draws", () => {
  const plain = `model m() { x ~ Normal(0, 1);  observe 1 ~ Normal(x, 0.5) }
guide q() for m { param a: real = 0.3;  param s: positive = 0.7;  x ~ Normal(a, s) }`;
  const kept: Readonly<Record<string, readonly [string, string]>> = {
    "an importance-weighted bound": ["iwae", "nonlinear"],
    "the guide's density held": ["path_elbo", "held"],
    "weights for wake and sleep": ["reweighted_wake_sleep", "held"],
  };
  test.each(Object.entries(kept))("%s", (_, [objective, why]) => {
    const setup = { ...elbo(plain), objective };
    expect(found(setup)).toEqual({ x: { exact: "none", why } });
    const [on, off] = [true, false].map((analytic) => gradient({ ...setup, analytic }, 20));
    expect(on).toEqual(off);
  });

  test("the prior reads the site by what depends on it", () => {
    const setup =
      elbo(`model m() { y ~ Normal(0, 1);  x ~ Normal(y, 1);  observe 1 ~ Normal(x, 0.5) }
guide q() for m { param a: real = 0.3;  x ~ Normal(a, 1);  y ~ Normal(0.5 * x, 1) }`);
    expect(found(setup)).toEqual({ x: { exact: "entropy", why: "reads" }, y: divergence });
  });

  test("the value is that at the draws", () => {
    const values = [true, false].map((analytic) => {
      const d = drive(build({ ...elbo(plain), analytic }));
      d.draw(stream(3, 0, 0, 0));
      return d.evaluate();
    });
    expect(values[0]).toBe(values[1]);
  });

  test("nothing is said where it is not asked for", () => {
    expect(found({ ...elbo(plain), analytic: false })).toEqual({ x: undefined });
  });
});
