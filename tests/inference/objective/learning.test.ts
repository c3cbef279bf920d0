/** What objectives learn, and what is wrong with their programs and data. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../src/base/diagnostic.js";
import { stream } from "../../../src/math/rng/index.js";
import { adam, array, build, drive, type Setup } from "./driver.js";

describe("noise-contrastive estimation", () => {
  const rng = stream(5, 0, 0, 0);
  const x = Array.from({ length: 500 }, () => 1 + 0.5 * rng.normal());
  const mean = x.reduce((s, v) => s + v, 0) / x.length;
  const sd = Math.sqrt(x.reduce((s, v) => s + (v - mean) ** 2, 0) / x.length);

  test("finds the params and the normaliser of an unnormalised normal", () => {
    const d = drive(
      build({
        text: `import objectives
model p(N: int) {
  param m: real = 0;  param s: positive = 1;  param c: real = 0
  for i in 0..N { x[i] ~ Flat();  factor -0.5 * ((x[i] - m) / s)^2 - c }
}
model noise(N: int) { for i in 0..N { x[i] ~ Normal(1, 1) } }`,
        objective: "nce",
        programs: { p: "p", noise: "noise" },
        data: { x: array([500], x) },
        args: { ratio: 10 },
      }),
    );
    adam(d, { steps: 1000, rate: 0.05, seed: 6 });
    const { m, s, c } = d.params();
    // The standard errors of maximum likelihood at 500 data are 0.022 and 0.016; beside it on the
    // same data a part of that is left.
    expect(Math.abs(m[0] - mean)).toBeLessThan(0.04);
    expect(Math.abs(s[0] - sd)).toBeLessThan(0.04);
    expect(Math.abs(c[0] - Math.log(sd * Math.sqrt(2 * Math.PI)))).toBeLessThan(0.05);
  });
});

test("reweighted wake-sleep brings the guide to the posterior", () => {
  const d = drive(
    build({
      text: `import objectives
model m() { x ~ Normal(0, 1);  y ~ Normal(x, 1) }
guide q() for m { param a: real;  param s: positive;  x ~ Normal(a, s) }`,
      objective: "reweighted_wake_sleep",
      programs: { p: "m", q: "q" },
      args: { K: 20 },
      data: { y: 3 },
    }),
  );
  adam(d, { steps: 4000, rate: 0.02, seed: 2 });
  const params = d.params();
  expect(Math.abs(params["q.a"][0] - 1.5)).toBeLessThan(0.05);
  expect(Math.abs(params["q.s"][0] - Math.SQRT1_2)).toBeLessThan(0.05);
});

describe("what does not fit is a diagnostic", () => {
  const model = `import objectives
model m(N: int) { mu ~ Normal(0, 1);  tau ~ Gamma(2, 2)
  for i in 0..N { k[i] ~ Categorical([0.5, 0.5]);  y[i] ~ Normal([mu, 1][k[i]], tau) }
  factor prod(for i in 0..N: k[i]) }\n`;
  const y = array([2], [0.5, 1]);
  const cases: readonly (readonly [string, string, string, Partial<Setup>])[] = [
    ["a site that the guide misses", "mu ~ Normal(0, 1)", "guide_misses_site", {}],
    [
      "a site that the data give",
      "for i in 0..N { y[i] ~ Normal(0, 1) }",
      "guide_draws_observed",
      {},
    ],
    [
      "a reading of labels that has no mean",
      "mu ~ Normal(0, 1);  tau ~ LogNormal(0, 1)\n  for i in 0..N { k[i] ~ Categorical([0.5, 0.5]) using gumbel(0.5) }",
      "relaxed_reading",
      {},
    ],
    [
      "a strategy that is not here",
      "mu ~ Normal(0, 1) using mvd;  tau ~ LogNormal(0, 1)\n  for i in 0..N { k[i] ~ Categorical([0.5, 0.5]) }",
      "strategy_missing",
      { objective: "iwae", args: { K: 3 } },
    ],
    [
      "params of single data in minibatches",
      "param a: real[N];  mu ~ Normal(0, 1)",
      "batch_unsupported",
      { batch: { N: 1 } },
    ],
    [
      "an initial value outside",
      "param s: positive = -inf;  mu ~ Normal(0, 1)",
      "value_outside",
      {},
    ],
  ];
  test.each(cases)("%s", (_, body, code, more) => {
    const setup: Setup = {
      text: `${model}guide q(N: int) for m {\n  ${body}\n}`,
      objective: "elbo",
      programs: { p: "m", q: "q" },
      data: { y },
      ...more,
    };
    let thrown: unknown;
    try {
      build(setup);
    } catch (error) {
      thrown = error;
    }
    if (code === "value_outside") {
      expect(String(thrown)).toContain("-inf");
      return;
    }
    expect(thrown).toBeInstanceOf(TildeError);
    expect((thrown as TildeError).diagnostics.map((d) => d.code)).toEqual([code]);
  });

  test("a random initial value outside its support", () => {
    const made = build({
      text: `import objectives
model m() { param s: positive = Normal(-5, 0.1);  observe 1 ~ Normal(0, s) }`,
      objective: "maximum_likelihood",
      programs: { p: "m" },
    });
    expect(() => made.initial(1)).toThrow("does not lie inside `positive`");
  });
});

test("initial values, drawn or set, come back from their unconstrained numbers", () => {
  const d = drive(
    build({
      text: `import objectives
model m(D: int) {
  param a: simplex[D] = Dirichlet(ones(D))
  param b: ordered[3] = [-1, 0.5, 2]
  param S: cov[D] = Wishart(D + 2, eye(D))
  param R: corr[D] = LKJ(2, D)
  param L: cholesky_cov[D] = cholesky(2 * eye(D))
  param u: between(-1, 3) = 2.5
  param p: positive_ordered[3] = [1, 2, 4]
  for k in 0..D { param c[k]: unit = (k + 1) / 10 }
  observe 1 ~ Normal(sum(a) + sum(b) + sum(S) + sum(R) + sum(L) + u + sum(p) + sum(c), 1)
}`,
      objective: "maximum_likelihood",
      programs: { p: "m" },
      data: { D: 3 },
    }),
    9,
  );
  d.evaluate();
  const values = d.params();
  const near = (name: string, expected: readonly number[]): void =>
    values[name].forEach((v, i) => {
      expect(Math.abs(v - expected[i])).toBeLessThan(1e-12);
    });
  near("b", [-1, 0.5, 2]);
  near("u", [2.5]);
  near("p", [1, 2, 4]);
  near("c", [0.1, 0.2, 0.3]);
  near(
    "L",
    [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => (i === j ? Math.SQRT2 : 0))),
  );
  expect(Math.abs(values.a.reduce((s, v) => s + v, 0) - 1)).toBeLessThan(1e-12);
  // Matrices are symmetric, correlations have a unit diagonal; draws differ from the centre.
  expect(Math.abs(values.S[1] - values.S[3])).toBeLessThan(1e-12);
  expect(Math.abs(values.R[4] - 1)).toBeLessThan(1e-12);
  expect(Math.abs(values.R[1])).toBeGreaterThan(1e-3);
});
