/**
 * Differentiable draws: the mean of −log q(z) is the entropy of q, and the mean of its gradient that
 * of the entropy, which is known in closed form (Cover and Thomas, Elements of Information Theory,
 * table 17.1; Kumaraswamy: Jones, Statistical Methodology 6 (2009), section 2).
 */
import { expect, test } from "vitest";
import { stream } from "../../../src/math/rng/index.js";
import { digamma, lgamma } from "../../../src/math/special/index.js";
import { reparameterised } from "../../../src/model/strategy.js";
import { build, drive } from "./driver.js";

const GAMMA = 0.5772156649015329;
const normal = (s: number): number => 0.5 * Math.log(2 * Math.PI * Math.E * s * s);

interface Law {
  readonly text: string;
  /** Of location a and scale s. */
  readonly entropy: (a: number, s: number) => number;
}

const laws: Readonly<Record<string, Law>> = {
  Normal: { text: "Normal(a, s)", entropy: (_, s) => normal(s) },
  HalfNormal: { text: "HalfNormal(s)", entropy: (_, s) => normal(s) - Math.LN2 },
  LogNormal: { text: "LogNormal(a, s)", entropy: (a, s) => a + normal(s) },
  Cauchy: { text: "Cauchy(a, s)", entropy: (_, s) => Math.log(4 * Math.PI * s) },
  HalfCauchy: { text: "HalfCauchy(s)", entropy: (_, s) => Math.log(2 * Math.PI * s) },
  Laplace: { text: "Laplace(a, s)", entropy: (_, s) => 1 + Math.log(2 * s) },
  Logistic: { text: "Logistic(a, s)", entropy: (_, s) => 2 + Math.log(s) },
  Gumbel: { text: "Gumbel(a, s)", entropy: (_, s) => 1 + GAMMA + Math.log(s) },
  Exponential: { text: "Exponential(s)", entropy: (_, s) => 1 - Math.log(s) },
  Uniform: { text: "Uniform(a, a + s)", entropy: (_, s) => Math.log(s) },
  Kumaraswamy: {
    text: "Kumaraswamy(1 + s, 2 * s)",
    entropy: (_, s) => {
      const [p, q] = [1 + s, 2 * s];
      return 1 - 1 / q + (1 - 1 / p) * (digamma(q + 1) + GAMMA) - Math.log(p * q);
    },
  },
  Weibull: {
    text: "Weibull(1 + s, s)",
    entropy: (_, s) => GAMMA * (1 - 1 / (1 + s)) + Math.log(s / (1 + s)) + 1,
  },
  Pareto: {
    text: "Pareto(s, 2 + s)",
    entropy: (_, s) => Math.log(s / (2 + s)) + 1 + 1 / (2 + s),
  },
  MvNormal: {
    text: "MvNormal([a, 0], [[1, 0.5], [0.5, s^2]])",
    entropy: (_, s) => normal(1) + normal(Math.sqrt(s * s - 0.25)),
  },
};

const gammaEntropy = (a: number): number => a + lgamma(a) + (1 - a) * digamma(a);
Object.assign(laws, {
  Gamma: { text: "Gamma(s, 1.5)", entropy: (_, s) => gammaEntropy(s) - Math.log(1.5) },
  InverseGamma: {
    text: "InverseGamma(s, 1 + a)",
    entropy: (a, s) => s + Math.log(1 + a) + lgamma(s) - (1 + s) * digamma(s),
  },
  ChiSquare: { text: "ChiSquare(2 * s)", entropy: (_, s) => gammaEntropy(s) + Math.LN2 },
  Beta: {
    text: "Beta(s, 1 + a)",
    entropy: (a, s) => dirichletEntropy([s, 1 + a]),
  },
  Dirichlet: {
    text: "Dirichlet([s, 1 + a, 2])",
    entropy: (a, s) => dirichletEntropy([s, 1 + a, 2]),
  },
  StudentT: {
    text: "StudentT(2 + s, a, 1 + s)",
    entropy: (_, s) => {
      const nu = 2 + s;
      const beta = lgamma(nu / 2) + lgamma(0.5) - lgamma((nu + 1) / 2);
      const slope = digamma((nu + 1) / 2) - digamma(nu / 2);
      return ((nu + 1) / 2) * slope + 0.5 * Math.log(nu) + beta + Math.log(1 + s);
    },
  },
} satisfies Record<string, Law>);

/** That of a Beta where there are two. */
function dirichletEntropy(alpha: readonly number[]): number {
  const total = alpha.reduce((s, x) => s + x, 0);
  const logB = alpha.reduce((s, x) => s + lgamma(x), 0) - lgamma(total);
  const terms = alpha.reduce((s, x) => s + (x - 1) * digamma(x), 0);
  return logB + (total - alpha.length) * digamma(total) - terms;
}

test("every distribution with such draws is here", () => {
  expect(new Set(Object.keys(laws))).toEqual(new Set(reparameterised));
});

const repeated: Readonly<Record<string, Law>> = {
  "gammas in an array": {
    text: "iid(Gamma(s, 1.5), 3)",
    entropy: (_, s) => 3 * (gammaEntropy(s) - Math.log(1.5)),
  },
  "Dirichlet draws in an array": {
    text: "iid(Dirichlet([s, 1 + a, 2]), 2)",
    entropy: (a, s) => 2 * dirichletEntropy([s, 1 + a, 2]),
  },
};

test("gammas in a loop have each their own cost", () => {
  const law = (a: string, s: string): string => `for i in 0..3 { x[i] ~ Gamma(${s}, 1.5 + ${a}) }`;
  const made = build({
    text: `guide q() for m { param a: real = 0.2;  param s: real = 0.8;  ${law("a", "s")} }
model m() { ${law("0.2", "0.8")} }
objective entropy(q) { z ~ q;  return -log_prob(q, z) }`,
    objective: "entropy",
    programs: { q: "q" },
  });
  const d = drive(made);
  let sum = 0;
  let squares = 0;
  const draws = 20_000;
  for (let t = 0; t < draws; t++) {
    d.draw(stream(4, 0, 0, t));
    d.evaluate();
    sum += d.gradient[1];
    squares += d.gradient[1] ** 2;
  }
  const slope = (gammaEntropy(0.8 + 1e-5) - gammaEntropy(0.8 - 1e-5)) / 2e-5;
  const error = Math.sqrt((squares / draws - (sum / draws) ** 2) / draws);
  expect(Math.abs(sum / draws - 3 * slope)).toBeLessThan(4.5 * error);
});

test.each(Object.entries({ ...laws, ...repeated }))("%s", (_, { text, entropy }) => {
  const at = { a: 0.2, s: 0.8 };
  const made = build({
    text: `guide q() for m { param a: real = ${at.a};  param s: real = ${at.s};  x ~ ${text} }
model m() { x ~ ${text.replace(/\ba\b/g, "0.2").replace(/\bs\b/g, "0.8")} }
objective entropy(q) { z ~ q;  return -log_prob(q, z) }`,
    objective: "entropy",
    programs: { q: "q" },
  });
  const d = drive(made);
  const draws = 20_000;
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let t = 0; t < draws; t++) {
    d.draw(stream(3, 0, 0, t));
    [d.evaluate(), ...d.gradient].forEach((v, i) => {
      sums[i] += v;
      squares[i] += v * v;
    });
  }
  const h = 1e-5;
  const exact = [
    entropy(at.a, at.s),
    (entropy(at.a + h, at.s) - entropy(at.a - h, at.s)) / (2 * h),
    (entropy(at.a, at.s + h) - entropy(at.a, at.s - h)) / (2 * h),
  ];
  exact.forEach((value, i) => {
    const mean = sums[i] / draws;
    const error = Math.sqrt(Math.max(0, squares[i] / draws - mean * mean) / draws);
    // 66 figures: a fair draw passes 4.5 standard errors in all but 5e-4 of the seeds.
    expect(Math.abs(mean - value)).toBeLessThan(4.5 * error + 1e-8);
  });
});
