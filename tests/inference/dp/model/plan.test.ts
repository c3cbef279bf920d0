/** What is recognised in a model: families, layouts, concentrations, refusals. */
import { describe, expect, test } from "vitest";
import { TildeError } from "../../../../src/base/diagnostic.js";
import { logDensity } from "../../../../src/inference/expfam/index.js";
import { stream } from "../../../../src/math/rng/index.js";
import { columnsOf, type Data, planned, ramp } from "./harness.js";

const N = 12;
const x = ramp(N, (i) => Math.sin(i * 1.3) * 3);
const rows = ramp(N, (i) => i).map((i) => [Math.sin(i), Math.cos(2 * i)]);
const bits = ramp(N, (i) => i).map((i) => [i % 2, (i * i) % 3 === 0 ? 1 : 0, i % 5 === 0 ? 1 : 0]);
const counts = ramp(N, (i) => (i * 7) % 5);

interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: Data;
  /** The family and the columns; none where it is not conjugate. */
  readonly family?: string;
  readonly columns: readonly string[];
}
const item = (plate: string, statements: string, header = "N: int") => `model m(${header}) {
  alpha ~ Gamma(2, 3)
  for k in 0.. { ${plate} }
  for i in 0..N { z[i] ~ CRP(alpha); ${statements} }
}`;

const cases: readonly Case[] = [
  {
    name: "a mean",
    text: item("mu[k] ~ Normal(1, 10)", "x[i] ~ Normal(mu[z[i]], 2)"),
    data: { N, x },
    family: "Normal",
    columns: ["mu[0]"],
  },
  {
    name: "a mean, large data",
    text: item("mu[k] ~ Normal(20000, 5000)", "x[i] ~ Normal(mu[z[i]], 1500)"),
    data: { N, x: x.map((v) => 20000 + 2000 * v) },
    family: "Normal",
    columns: ["mu[0]"],
  },
  {
    name: "mean and precision together",
    text: item(
      "tau[k] ~ Gamma(2, 2); mu[k] ~ Normal(0.5, 1 / sqrt(0.1 * tau[k]))",
      "x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]]))",
    ),
    data: { N, x },
    family: "NormalGamma",
    columns: ["mu[0]", "tau[0]"],
  },
  {
    name: "mean and variance together",
    text: item(
      "v[k] ~ InverseGamma(3, 2); mu[k] ~ Normal(0.5, sqrt(v[k] / 0.2))",
      "x[i] ~ Normal(mu[z[i]], sqrt(v[z[i]]))",
    ),
    data: { N, x },
    family: "NormalInverseWishart",
    columns: ["mu[0]", "v[0]"],
  },
  {
    name: "mean and precision apart: semi-conjugate",
    text: item(
      "mu[k] ~ Normal(0, 10); tau[k] ~ Gamma(2, 2)",
      "x[i] ~ Normal(mu[z[i]], 1 / sqrt(tau[z[i]]))",
    ),
    data: { N, x },
    columns: ["mu[0]", "tau[0]"],
  },
  {
    name: "mean and covariance together",
    text: item(
      "S[k] ~ InverseWishart(5, eye(2)); mu[k] ~ MvNormal(zeros(2), 4 * S[k])",
      "observe x[i] ~ MvNormal(mu[z[i]], S[z[i]])",
      "N: int, x: real[N, 2]",
    ),
    data: { N, x: rows },
    family: "NormalInverseWishart",
    columns: ["mu[0]", "mu[1]", "S[0]", "S[1]", "S[2]", "S[3]"],
  },
  {
    name: "a mean vector under a fixed covariance",
    text: item(
      "mu[k] ~ MvNormal(zeros(2), [[2.0, 0.3], [0.3, 1.0]])",
      "observe x[i] ~ MvNormal(mu[z[i]], eye(2))",
      "N: int, x: real[N, 2]",
    ),
    data: { N, x: rows },
    family: "MvNormal",
    columns: ["mu[0]", "mu[1]"],
  },
  {
    name: "vectors of bits",
    text: item(
      "for d in 0..3 { p[k, d] ~ Beta(1, 2) }",
      "for d in 0..3 { observe x[i, d] ~ Bernoulli(p[z[i], d]) }",
      "N: int, x: int[N, 3]",
    ),
    data: { N, x: bits },
    family: "Product",
    columns: ["p[0]", "p[1]", "p[2]"],
  },
  {
    name: "categories",
    text: item(
      "p[k] ~ Dirichlet([1, 2, 1, 1, 1])",
      "observe x[i] ~ Categorical(p[z[i]])",
      "N: int, x: category(5)[N]",
    ),
    data: { N, x: counts },
    family: "Dirichlet",
    columns: ["p[0]", "p[1]", "p[2]", "p[3]", "p[4]"],
  },
  {
    name: "counts and durations of one item",
    text: item(
      "rate[k] ~ Gamma(2, 1); speed[k] ~ Gamma(1, 1)",
      "x[i] ~ Poisson(rate[z[i]]); y[i] ~ Exponential(speed[z[i]])",
    ),
    data: { N, x: counts, y: x.map((v) => Math.abs(v) + 0.1) },
    family: "Product",
    columns: ["rate[0]", "speed[0]"],
  },
  {
    name: "a random effect and a random base",
    text: `model m(N: int, w: real[N]) {
      alpha ~ Gamma(2, 3)
      m0 ~ Normal(0, 5)
      beta ~ Normal(0, 1)
      s ~ HalfNormal(1)
      for k in 0.. { mu[k] ~ Normal(m0, 2) }
      for i in 0..N { z[i] ~ CRP(alpha); x[i] ~ Normal(mu[z[i]] + beta * w[i], s) }
    }`,
    data: { N, x, w: ramp(N, (i) => i / N) },
    family: "Normal",
    columns: ["mu[0]"],
  },
  {
    name: "no family at all",
    text: item("mu[k] ~ StudentT(3, 0, 1)", "x[i] ~ Logistic(mu[z[i]], 1)"),
    data: { N, x },
    columns: ["mu[0]"],
  },
];

describe("families", () => {
  for (const { name, text, data, family, columns } of cases) {
    test(name, () => {
      const { plan, model } = planned(text, data);
      expect(model.conjugate?.family.name).toBe(family);
      expect(columnsOf(plan)).toEqual(columns);
      expect(model.concentration).toEqual({ kind: "gamma", shape: 2, rate: 3 });
      expect(model.items).toBe(N);
      const { conjugate } = model;
      if (conjugate === undefined) return;
      // ⟨s_i, T(θ)⟩ + b_i is the density of item i, at points that the plan has not seen.
      const thetas = new Float64Array(model.width);
      const contributions = conjugate.contributions();
      const offsets = conjugate.offsets();
      const n = contributions.length / N;
      for (let trial = 0; trial < 5; trial++) {
        model.drawBase(stream(8, 0, 0, trial), thetas, 0);
        const t = conjugate.family.statistics(thetas, conjugate.setting);
        for (let i = 0; i < N; i++) {
          let sum = offsets[i];
          let scale = 1 + Math.abs(offsets[i]);
          for (let k = 0; k < n; k++) {
            const term = t[k] * contributions[i * n + k];
            sum += term;
            scale += Math.abs(term);
          }
          expect(Math.abs(sum - model.logLikelihood(i, thetas, 0)) / scale).toBeLessThan(1e-7);
        }
      }
      expect(conjugate.family.isValid(conjugate.prior(), conjugate.setting)).toBe(true);
    });
  }

  test("priors are those of the text", () => {
    const { model } = planned(cases[2].text, cases[2].data);
    const { family, setting, prior } = model.conjugate ?? expect.fail("not conjugate");
    const eta = family.toNatural({ m: 0.5, kappa: 0.1, shape: 2, rate: 2 });
    const found = prior();
    eta.forEach((e, k) => {
      expect(found[k]).toBeCloseTo(e, 7);
    });
    expect(logDensity(family, found, setting, Float64Array.of(1, 2))).toBeCloseTo(
      logDensity(family, eta, setting, Float64Array.of(1, 2)),
      7,
    );
  });
});

describe("concentrations", () => {
  const of = (alpha: string, prior: string) => {
    const text = `model m(N: int) {
      ${prior}
      for k in 0.. { mu[k] ~ Normal(0, 10) }
      for i in 0..N { z[i] ~ CRP(${alpha}); x[i] ~ Normal(mu[z[i]], 1) }
    }`;
    return planned(text, { N, x }).model.concentration;
  };
  test("data, Gamma, Exponential", () => {
    expect(of("0.25 * N", "")).toEqual({ kind: "fixed", value: 3 });
    expect(of("a", "a ~ Gamma(1, 2)")).toEqual({ kind: "gamma", shape: 1, rate: 2 });
    expect(of("a", "a ~ Exponential(4)")).toEqual({ kind: "gamma", shape: 1, rate: 4 });
  });
  test("any other prior by its density", () => {
    const found = of("a", "a ~ LogNormal(0.5, 2)");
    if (found.kind !== "prior") expect.fail(found.kind);
    const lp = (a: number) => -Math.log(a) - (Math.log(a) - 0.5) ** 2 / 8;
    expect(found.logPrior(3) - found.logPrior(0.7)).toBeCloseTo(lp(3) - lp(0.7), 10);
    expect(found.logPrior(-1)).toBe(-Infinity);
  });
});

describe("refusals", () => {
  const reasonOf = (text: string, data: Data): string => {
    try {
      planned(text, data);
    } catch (e) {
      if (e instanceof TildeError)
        return e.diagnostics.map((d) => `${d.code}: ${d.message}`).join();
      throw e;
    }
    return "";
  };
  const prefix = "process_unsupported: gibbs cannot sample the components of `z`: ";
  const plate = "for k in 0.. { mu[k] ~ Normal(0, 1) }";
  test.each([
    [
      "two labels in one statement",
      `model m(N: int) { ${plate} for i in 0..N { z[i] ~ CRP(1) }
        for i in 1..N { x[i - 1] ~ Normal(mu[z[i]] - mu[z[i - 1]], 1) } }`,
      "reads several labels at once",
    ],
    [
      "a discrete site beside the labels",
      `model m(N: int) { ${plate} for i in 0..N { z[i] ~ CRP(1); b[i] ~ Bernoulli(0.5)
        x[i] ~ Normal(mu[z[i]] + b[i], 1) } }`,
      "`b` is a latent discrete site beside the labels",
    ],
    [
      "a concentration read elsewhere",
      `model m(N: int) { a ~ Gamma(1, 1); for k in 0.. { mu[k] ~ Normal(0, a) }
        for i in 0..N { z[i] ~ CRP(a); x[i] ~ Normal(mu[z[i]], 1) } }`,
      "its concentration `a` is also read elsewhere",
    ],
    [
      "a concentration made of a site",
      `model m(N: int) { a ~ Gamma(1, 1); ${plate}
        for i in 0..N { z[i] ~ CRP(2 * a); x[i] ~ Normal(mu[z[i]], 1) } }`,
      "its concentration is neither data nor a latent site",
    ],
    [
      "a structured site without conditional",
      `model m(N: int) { for k in 0.. { R[k] ~ LKJ(2, 2) }
        for i in 0..N { z[i] ~ CRP(1); x[i] ~ Normal(R[z[i], 0, 1], 1) } }`,
      "`R` (corr) has no conditional of a known family",
    ],
  ])("%s", (_, text, reason) => {
    const said = reasonOf(text, { N: 3, x: text.includes("x[i - 1]") ? [1, 2] : [1, 2, 3] });
    expect(said).toContain(prefix);
    expect(said).toContain(reason);
  });
});
