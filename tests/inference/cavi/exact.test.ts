/** Where one factor holds everything, mean-field inference is exact. */
import { describe, expect, it } from "vitest";
import { exactPosterior } from "../../../src/inference/exact/exact.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf, wiggle } from "../logjoint/models.js";
import { cavi } from "./harness.js";

const rows = (n: number, d: number, shift = 0): number[][] => {
  const flat = wiggle(n * d, shift);
  return Array.from({ length: n }, (_, i) => flat.slice(i * d, (i + 1) * d));
};

const cases: readonly { name: string; text: string; data: Data; family: string }[] = [
  {
    name: "normal mean",
    text: `model m(N: int) {
      mu ~ Normal(1, 2)
      for n in 0..N { y[n] ~ Normal(mu, 0.7) }
    }`,
    data: { N: 5, y: wiggle(5) },
    family: "Normal elementwise",
  },
  {
    name: "precision",
    text: `model m(N: int) {
      tau ~ Gamma(2, 1.5)
      for n in 0..N { y[n] ~ Normal(0.3, 1 / sqrt(tau)) }
    }`,
    data: { N: 5, y: wiggle(5) },
    family: "Gamma elementwise",
  },
  {
    name: "variance",
    text: `model m(N: int) {
      v ~ InverseGamma(2, 1.5)
      for n in 0..N { y[n] ~ Normal(0.3, sqrt(v)) }
    }`,
    data: { N: 5, y: wiggle(5) },
    family: "InverseGamma elementwise",
  },
  {
    name: "probability",
    text: `model m(N: int) {
      p ~ Beta(2, 3)
      for n in 0..N { y[n] ~ Bernoulli(p) }
    }`,
    data: { N: 5, y: [true, false, true, true, false] },
    family: "Beta elementwise",
  },
  {
    name: "simplex",
    text: `model m(N: int) {
      p ~ Dirichlet([2, 3, 0.4])
      for n in 0..N { y[n] ~ Categorical(p) }
    }`,
    data: { N: 5, y: [0, 2, 2, 1, 2] },
    family: "Dirichlet one vector",
  },
  {
    name: "rate, with an exponential prior",
    text: `model m(N: int) {
      r ~ Exponential(0.4)
      for n in 0..N { y[n] ~ Poisson(r) }
    }`,
    data: { N: 4, y: [3, 0, 2, 5] },
    family: "Gamma elementwise",
  },
  {
    name: "covariance matrix",
    text: `model m(N: int) {
      S ~ InverseWishart(5, [[1, 0.2], [0.2, 0.5]])
      for n in 0..N { y[n] ~ MvNormal([0.1, -0.2], S) }
    }`,
    data: { N: 4, y: rows(4, 2) },
    family: "InverseWishart one matrix",
  },
  {
    name: "regression with a vector of coefficients",
    text: `model m(N: int, D: int, x: real[N, D]) {
      b ~ MvNormal(zeros(D), 4 * eye(D))
      for n in 0..N { y[n] ~ Normal(dot(x[n], b), 0.5) }
    }`,
    data: { N: 6, D: 3, x: rows(6, 3, 2), y: wiggle(6, 5) },
    family: "Normal block of 3",
  },
  {
    name: "a chain",
    text: `model m(T: int) {
      x[0] ~ Normal(0, 2)
      for t in 1..T { x[t] ~ Normal(0.9 * x[t - 1] + 0.1, 0.4) }
      for t in 0..T { y[t] ~ Normal(1.5 * x[t], 0.6) }
    }`,
    data: { T: 12, y: wiggle(12, 3) },
    family: "Normal block of 12",
  },
  {
    name: "a chain that is long enough to be sparse",
    text: `model m(T: int) {
      x[0] ~ Normal(0, 2)
      for t in 1..T { x[t] ~ Normal(0.9 * x[t - 1] + 0.1, 0.4) }
      for t in 0..T { y[t] ~ Normal(1.5 * x[t], 0.6) }
    }`,
    data: { T: 60, y: wiggle(60, 3) },
    family: "Normal sparse block of 60",
  },
];

describe("one factor", () => {
  for (const { name, text, data, family } of cases) {
    it(name, () => {
      const fit = cavi(text, data);
      const exact = exactPosterior(condition(modelOf(text), dataSet(data)), make);
      if (exact.kind !== "exact") throw new Error(exact.kind);
      expect(Object.values(fit.families)).toEqual([family]);
      // The bound is tight: the evidence itself, up to rounding.
      expect(Math.abs(fit.elbo - exact.logEvidence)).toBeLessThan(1e-8 * (1 + Math.abs(fit.elbo)));
      expect(fit.restarts.length).toBe(1);
      expect(fit.converged).toBe(true);
    });
  }

  it("several sites jointly: the exact posterior of a regression", () => {
    const text = `model m(N: int, x: real[N]) {
      alpha ~ Normal(0, 3)
      beta ~ Normal(0.5, 2)
      for n in 0..N { y[n] ~ Normal(alpha + beta * x[n], 0.4) }
    }`;
    const data = { N: 7, x: wiggle(7, 2).map((v) => v + 1), y: wiggle(7, 5) };
    const exact = exactPosterior(condition(modelOf(text), dataSet(data)), make);
    if (exact.kind !== "exact") throw new Error(exact.kind);
    const apart = cavi(text, data);
    const together = cavi(text, data, { joint: [["alpha", "beta"]] });
    expect(together.elbo).toBeCloseTo(exact.logEvidence, 8);
    expect(apart.elbo).toBeLessThan(exact.logEvidence - 0.01);
    // Means agree, and separate factors are too narrow.
    expect(apart.mean("beta")).toBeCloseTo(together.mean("beta"), 5);
    expect(apart.sd("beta")).toBeLessThan(together.sd("beta") * 0.95);
    // Draws have the covariance that separate factors lack.
    const at = (name: string) =>
      together.posterior.sites.find((s) => s.latent.name === name)?.latent.offset ?? -1;
    let product = 0;
    const n = 4000;
    for (let t = 0; t < n; t++) {
      const { values } = together.posterior.draw(stream(2, 0, 0, t));
      const a = (values[at("alpha")] - together.mean("alpha")) / together.sd("alpha");
      product += (a * (values[at("beta")] - together.mean("beta"))) / together.sd("beta") / n;
    }
    const reference = data.x.reduce((s, v) => s + v, 0) / 0.16;
    const own = [1 / 9 + 7 / 0.16, 0.25 + data.x.reduce((s, v) => s + v * v, 0) / 0.16];
    expect(Math.abs(product + reference / Math.sqrt(own[0] * own[1]))).toBeLessThan(0.05);
  });
});
