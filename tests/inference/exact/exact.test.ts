/** Evidences and posteriors against closed forms and marginal densities. */
import { describe, expect, it } from "vitest";
import { exactPosterior } from "../../../src/inference/exact/exact.js";
import { expFamilies, logDensity, type Params } from "../../../src/inference/expfam/index.js";
import { inverse, logDeterminant, matmul } from "../../../src/math/linalg/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { lbeta, lgamma, lmvgamma } from "../../../src/math/special/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf, wiggle } from "../logjoint/models.js";

const run = (text: string, data: Data) =>
  exactPosterior(condition(modelOf(text), dataSet(data)), make);
function exact(text: string, data: Data) {
  const found = run(text, data);
  if (found.kind !== "exact") throw new Error(JSON.stringify(found));
  return found;
}
const sum = (x: readonly number[]) => x.reduce((s, v) => s + v, 0);
const y5 = wiggle(5, 3);
const LOG_2PI = Math.log(2 * Math.PI);

/** log N(y; mean, cov) */
function mvNormal(y: readonly number[], mean: readonly number[], cov: Float64Array): number {
  const n = y.length;
  const d = Float64Array.from(y, (v, i) => v - mean[i]);
  const solved = matmul(inverse(cov, n) as Float64Array, d, n, n, 1);
  const square = sum([...d].map((v, i) => v * solved[i]));
  return -0.5 * (square + logDeterminant(cov, n).logAbs + n * LOG_2PI);
}
const covariance = (n: number, of: (i: number, j: number) => number) =>
  Float64Array.from({ length: n * n }, (_, at) => of(Math.floor(at / n), at % n));

function close(found: number, expected: number): void {
  expect(Math.abs(found - expected)).toBeLessThan(1e-9 * (1 + Math.abs(expected)));
}

describe("evidence", () => {
  it("normal mean", () => {
    const text = `model m(N: int) {
      mu ~ Normal(1, 2)
      for n in 0..N { y[n] ~ Normal(mu, 0.7) }
    }`;
    const cov = covariance(5, (i, j) => 4 + (i === j ? 0.49 : 0));
    close(exact(text, { N: 5, y: y5 }).logEvidence, mvNormal(y5, [1, 1, 1, 1, 1], cov));
  });

  it("independent sites: beta-binomial, Dirichlet-multinomial, gamma-Poisson", () => {
    const text = `model m(N: int) {
      p ~ Beta(2, 3)
      q ~ Dirichlet([1, 2, 0.5])
      r ~ Gamma(2, 0.5)
      for n in 0..N {
        a[n] ~ Bernoulli(p)
        b[n] ~ Categorical(q)
        c[n] ~ Poisson(r)
      }
    }`;
    const data = {
      N: 5,
      a: [true, false, true, true, false],
      b: [0, 2, 2, 1, 2],
      c: [3, 0, 2, 5, 1],
    };
    const found = exact(text, data);
    const logB = (alpha: readonly number[]) =>
      sum(alpha.map((v) => lgamma(v))) - lgamma(sum(alpha));
    const first = lbeta(5, 5) - lbeta(2, 3);
    const second = logB([2, 3, 3.5]) - logB([1, 2, 0.5]);
    const third =
      lgamma(13) -
      13 * Math.log(5.5) -
      lgamma(2) +
      2 * Math.log(0.5) -
      sum([3, 0, 2, 5, 1].map((c) => lgamma(c + 1)));
    close(found.logEvidence, first + second + third);
    const byName = Object.fromEntries(found.sites.map((s) => [s.name, s.params[0]]));
    expect(byName.p.a).toBeCloseTo(5, 8);
    expect(byName.r.shape).toBeCloseTo(13, 8);
    expect(byName.r.rate).toBeCloseTo(5.5, 8);
  });

  it("Uniform-Pareto, beside a normal mean", () => {
    const x = [0.3, 4.2, 1.7, 2.9];
    const found = exact(
      `model m(N: int) {
        b ~ Pareto(1, 2.5)
        mu ~ Normal(0, 1)
        for n in 0..N { x[n] ~ Uniform(0, b) }
        for n in 0..N { y[n] ~ Normal(mu, 1) }
      }`,
      { N: 4, x, y: y5.slice(0, 4) },
    );
    // ∫ α b^(−α−1) b^(−N) db from the largest on: α m^(−α−N) / (α + N).
    const uniform = Math.log(2.5) - 6.5 * Math.log(4.2) - Math.log(6.5);
    const cov = covariance(4, (i, j) => 1 + (i === j ? 1 : 0));
    close(found.logEvidence, uniform + mvNormal(y5.slice(0, 4), [0, 0, 0, 0], cov));
    expect(found.sites.map((s) => [s.name, s.family])).toEqual([["b", "Pareto"]]);
    const [{ params }] = found.sites;
    close(params[0].x_min as number, 4.2);
    close(params[0].alpha as number, 6.5);
    const rng = stream(8, 0, 0, 0);
    for (let k = 0; k < 50; k++) expect(found.draw(rng)[0]).toBeGreaterThanOrEqual(4.2);
  });

  it("Normal-Gamma, in a plate of two", () => {
    const text = `model m(N: int, K: int) {
      for k in 0..K {
        tau[k] ~ Gamma(2, 1.5)
        mu[k] ~ Normal(1, 1 / sqrt(3 * tau[k]))
        for n in 0..N { y[n, k] ~ Normal(mu[k], 1 / sqrt(tau[k])) }
      }
    }`;
    const flat = wiggle(8, 1);
    const y = [0, 1, 2, 3].map((n) => flat.slice(2 * n, 2 * n + 2));
    const found = exact(text, { N: 4, K: 2, y });
    // Murphy (2007), equation 95.
    const expected = [0, 1].map((k) => {
      const own = y.map((r) => r[k]);
      const mean = sum(own) / 4;
      const beta =
        1.5 + sum(own.map((v) => (v - mean) ** 2)) / 2 + (3 * 4 * (mean - 1) ** 2) / (2 * 7);
      const log =
        lgamma(4) - lgamma(2) + 2 * Math.log(1.5) - 4 * Math.log(beta) + 0.5 * Math.log(3 / 7);
      return { log: log - 2 * LOG_2PI, beta };
    });
    close(found.logEvidence, sum(expected.map((e) => e.log)));
    expect(found.normal).toEqual(["mu"]);
    found.sites[0].params.forEach((p, k) => {
      expect(p.shape).toBeCloseTo(4, 7);
      expect(p.rate).toBeCloseTo(expected[k].beta, 7);
    });
  });

  it("Normal-inverse-Wishart", () => {
    const x = [
      [0.3, -1.2],
      [1.1, 0.4],
      [-0.7, 0.9],
    ];
    const found = exact(
      `model m(N: int) {
        S ~ InverseWishart(5, [[1, 0.2], [0.2, 0.5]])
        mu ~ MvNormal([0.5, 0], S / 2)
        for n in 0..N { x[n] ~ MvNormal(mu, S) }
      }`,
      { N: 3, x },
    );
    const mean = [0, 1].map((d) => sum(x.map((r) => r[d])) / 3);
    const prior = Float64Array.of(1, 0.2, 0.2, 0.5);
    const Sn = prior.map((s, at) => {
      const [i, j] = [at >> 1, at & 1];
      const scatter = sum(x.map((r) => (r[i] - mean[i]) * (r[j] - mean[j])));
      return s + scatter + ((2 * 3) / 5) * (mean[i] - [0.5, 0][i]) * (mean[j] - [0.5, 0][j]);
    });
    // Murphy (2007), equation 266.
    const logDet = (m: Float64Array) => logDeterminant(m, 2).logAbs;
    const expected =
      -3 * Math.log(Math.PI) +
      lmvgamma(2, 4) -
      lmvgamma(2, 2.5) +
      2.5 * logDet(prior) -
      4 * logDet(Sn) +
      Math.log(2 / 5);
    close(found.logEvidence, expected);
    const params = found.sites[0].params[0];
    expect(params.nu).toBeCloseTo(8, 6);
    (params.S as Float64Array).forEach((s, i) => {
      expect(s).toBeCloseTo(Sn[i], 6);
    });
  });

  it("a linear-Gaussian hierarchy and walk, many sites as one vector", () => {
    const found = exact(
      `model m(T: int) {
        m ~ Normal(0, 2)
        x[0] ~ Normal(m, 1)
        for t in 1..T { x[t] ~ Normal(0.9 * x[t - 1], 0.5) }
        for t in 0..T { y[t] ~ Normal(x[t] + m, 0.3) }
      }`,
      { T: 5, y: y5 },
    );
    // x[t] = 0.9^t (m + e₀) + Σ 0.9^{t−s} 0.5 e_s
    const cov = covariance(5, (i, j) => {
      const shared = 4 * (0.9 ** i + 1) * (0.9 ** j + 1) + 0.9 ** (i + j);
      let noise = i === j ? 0.09 : 0;
      for (let s = 1; s <= Math.min(i, j); s++) noise += 0.25 * 0.9 ** (i + j - 2 * s);
      return shared + noise;
    });
    close(found.logEvidence, mvNormal(y5, [0, 0, 0, 0, 0], cov));
    expect(found.normal).toEqual(["m", "x"]);
  });

  it("regression with a conjugate scale, and draws from its posterior", () => {
    const X = [0, 1, 2, 3, 4, 5].map((n) => [1, wiggle(6, 4)[n]]);
    const y = wiggle(6, 9);
    const found = exact(
      `model m(N: int, D: int, X: real[N, D]) {
        v ~ InverseGamma(3, 2)
        beta ~ iid(Normal(0, sqrt(4 * v)), D)
        y ~ Normal(X @ beta, sqrt(v))
      }`,
      { N: 6, D: 2, X, y },
    );
    const cov = covariance(
      6,
      (i, j) => 4 * sum(X[i].map((a, d) => a * X[j][d])) + (i === j ? 1 : 0),
    );
    const solved = matmul(inverse(cov, 6) as Float64Array, Float64Array.from(y), 6, 6, 1);
    const square = sum(y.map((v, i) => v * solved[i]));
    const scale = 2 + square / 2;
    const t =
      lgamma(6) -
      lgamma(3) +
      3 * Math.log(2) -
      6 * Math.log(scale) -
      0.5 * logDeterminant(cov, 6).logAbs -
      3 * LOG_2PI;
    close(found.logEvidence, t);
    const rng = stream(4, 0, 0, 0);
    const draws = Array.from({ length: 4000 }, () => found.draw(rng));
    const at = found.joint.sites.map((s) => s.latent);
    const v = at.find((s) => s.name === "v")?.offset ?? -1;
    const mean = sum(draws.map((d) => d[v])) / 4000;
    // Posterior InverseGamma(6, scale): its standard deviation is half its mean.
    expect(Math.abs(mean - scale / 5)).toBeLessThan((5 * (scale / 5 / 2)) / Math.sqrt(4000));
    const beta = at.find((s) => s.name === "beta")?.offset ?? -1;
    const slope = sum(draws.map((d) => d[beta + 1])) / 4000;
    const A = covariance(2, (i, j) => sum(X.map((r) => r[i] * r[j])) + (i === j ? 0.25 : 0));
    const xy = Float64Array.of(...[0, 1].map((d) => sum(X.map((r, n) => r[d] * y[n]))));
    const inv = inverse(A, 2) as Float64Array;
    const sd = Math.sqrt((inv[3] * scale) / 5);
    expect(Math.abs(slope - matmul(inv, xy, 2, 2, 1)[1])).toBeLessThan((5 * sd) / Math.sqrt(4000));
  });

  it("is the same at every point of the posterior of one site", () => {
    const found = exact(
      `model m(N: int) {
        P ~ Wishart(4, [[1, 0.2], [0.2, 0.5]])
        for n in 0..N { x[n] ~ MvNormal([0.1, 0.2], precision: P) }
      }`,
      {
        N: 2,
        x: [
          [0.3, -1],
          [1, 0.5],
        ],
      },
    );
    const [{ params }] = found.sites;
    const d = [
      [0.2, -1.2],
      [0.9, 0.3],
    ];
    const scatter = [0, 1, 2, 3].map((i) => sum(d.map((r) => r[i >> 1] * r[i & 1])));
    const prior: Params = { nu: 4, V: Float64Array.of(1, 0.2, 0.2, 0.5) };
    const family = expFamilies.Wishart;
    const at = Float64Array.of(1.3, 0.4, 0.4, 0.9);
    const log = (p: Params) => logDensity(family, family.toNatural(p), { size: 2 }, at);
    const trace = sum(scatter.map((s, i) => s * at[i]));
    const likelihood = -2 * LOG_2PI + logDeterminant(at, 2).logAbs - trace / 2;
    expect(Math.abs(log(prior) + likelihood - log(params[0]) - found.logEvidence)).toBeLessThan(
      1e-7,
    );
  });
});

describe("models without a closed form", () => {
  const refused: readonly [string, string, Data, object][] = [
    [
      "semi-conjugate mean and precision",
      `model m(N: int) {
        mu ~ Normal(0, 3)
        tau ~ Gamma(2, 1)
        for n in 0..N { y[n] ~ Normal(mu, 1 / sqrt(tau)) }
      }`,
      { N: 5, y: y5 },
      { kind: "marginal", name: "tau" },
    ],
    [
      "a standard deviation with no family",
      `model m(N: int) {
        s ~ HalfNormal(1)
        for n in 0..N { y[n] ~ Normal(0, s) }
      }`,
      { N: 5, y: y5 },
      { kind: "conditional", name: "s" },
    ],
    [
      "a normal cut off",
      `model m(N: int) {
        h: positive ~ Normal(0, 1)
        for n in 0..N { y[n] ~ Normal(h, 1) }
      }`,
      { N: 5, y: y5 },
      { kind: "conditional", name: "h" },
    ],
    [
      "a product of normals",
      `model m(N: int) {
        a ~ Normal(0, 1)
        b ~ Normal(0, 1)
        for n in 0..N { y[n] ~ Normal(a * b, 1) }
      }`,
      { N: 5, y: y5 },
      { kind: "not_jointly_normal", names: ["a", "b"] },
    ],
    [
      "a mixture",
      `model m(N: int) {
        w ~ Beta(1, 1)
        for n in 0..N {
          z[n] ~ Bernoulli(w)
          y[n] ~ Normal(if z[n] then 1 else 0, 1)
        }
      }`,
      { N: 5, y: y5 },
      { kind: "discrete", name: "z" },
    ],
  ];
  for (const [name, text, data, expected] of refused) {
    it(name, () => {
      expect(run(text, data)).toEqual(expected);
    });
  }
});
