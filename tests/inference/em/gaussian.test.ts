/** Models with continuous latent sites against closed forms and direct maximisation. */
import { describe, expect, it } from "vitest";
import { fit, largestFall, reference, estimate } from "./harness.js";

const { ppca, ppcaMissing, factorAnalysis, student, localLevel } = reference;

/** W Wᵀ + diag(noise): W itself is known up to rotations. */
function covarianceOf(W: readonly number[], noise: readonly number[], d: number): number[] {
  const D = noise.length;
  return Array.from({ length: D * D }, (_, at) => {
    const [i, j] = [Math.floor(at / D), at % D];
    let sum = i === j ? noise[i] : 0;
    for (let k = 0; k < d; k++) sum += W[i * d + k] * W[j * d + k];
    return sum;
  });
}

const linear = { N: 60, D: 5, d: 2, x: ppca.x };
const tight = { tolerance: 1e-14, maxIterations: 20000, restarts: 1 };

describe("probabilistic PCA", () => {
  it("agrees with the eigenvectors of Tipping and Bishop", () => {
    const result = fit("ppca", linear, tight);
    expect(result.exact).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-12);
    expect(result.logLikelihood).toBeCloseTo(ppca.logLikelihood, 6);
    const [s] = estimate(result, "s");
    expect(s * s).toBeCloseTo(ppca.noise, 5);
    estimate(result, "m").forEach((m, i) => {
      expect(m).toBeCloseTo(ppca.mean[i], 4);
    });
    covarianceOf(estimate(result, "W"), new Array(5).fill(s * s), 2).forEach((c, i) => {
      expect(c).toBeCloseTo(ppca.covariance.flat()[i], 3);
    });
  });

  it("finds a mean that is far from where it starts", () => {
    const x = ppca.x.map((row: number[]) => row.map((v) => v + 100));
    const result = fit("ppca", { ...linear, x }, { restarts: 1, tolerance: 1e-12 });
    expect(largestFall(result)).toBeLessThan(1e-11);
    expect(result.logLikelihood).toBeCloseTo(ppca.logLikelihood, 4);
  });

  it("agrees with direct maximisation where entries are missing", () => {
    const result = fit("ppca", { ...linear, x: ppcaMissing.x }, tight);
    expect(result.exact).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-12);
    expect(result.logLikelihood).toBeCloseTo(ppcaMissing.logLikelihood, 4);
    const [s] = estimate(result, "s");
    expect(s * s).toBeCloseTo(ppcaMissing.noise, 3);
  });

  it("switches off the columns that are not needed", () => {
    const data = { ...linear, d: 4 };
    const result = fit("ppca_ard", data, { maxIterations: 3000, restarts: 1 });
    expect(largestFall(result)).toBeLessThan(1e-10);
    const alpha = estimate(result, "alpha").sort((a, b) => a - b);
    // Two columns with the spread of the loadings, two that the prior has pulled to zero.
    expect(alpha[1]).toBeLessThan(10);
    expect(alpha[2]).toBeGreaterThan(50 * alpha[1]);
  });
});

describe("factor analysis", () => {
  it("agrees with scikit-learn", () => {
    const result = fit("factor_analysis", { N: 150, D: 8, d: 2, x: factorAnalysis.x }, tight);
    expect(result.logLikelihood).toBeCloseTo(factorAnalysis.logLikelihood, 6);
    const noise = estimate(result, "s").map((s) => s * s);
    noise.forEach((v, i) => {
      expect(v).toBeCloseTo(factorAnalysis.noise[i], 4);
    });
  });
});

describe("mixture of PPCA", () => {
  const data = { N: 60, K: 2, D: 5, d: 1, x: ppca.x };
  it("climbs the likelihood of the mixture itself", () => {
    const result = fit("ppca_mixture", data, { restarts: 4, tolerance: 1e-9 });
    expect(result.exact).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-11);
    const [w, W, m, s] = ["w", "W", "m", "s"].map((n) => estimate(result, n));
    const total = ppca.x.reduce((sum: number, row: number[]) => {
      const logs = w.map((weight, k) => {
        const noise = new Array(5).fill(s[k] ** 2);
        const c = covarianceOf(W.slice(k * 5, (k + 1) * 5), noise, 1);
        return Math.log(weight) + logNormal(row, m.slice(k * 5, (k + 1) * 5), c);
      });
      const top = Math.max(...logs);
      return sum + top + Math.log(logs.reduce((n, l) => n + Math.exp(l - top), 0));
    }, 0);
    expect(result.logLikelihood).toBeCloseTo(total, 8);
  });
});

function logNormal(x: readonly number[], mean: readonly number[], c: readonly number[]): number {
  const n = x.length;
  const l = new Float64Array(n * n);
  let value = -0.5 * n * Math.log(2 * Math.PI);
  const z: number[] = [];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = c[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j];
    }
    let rest = x[i] - mean[i];
    for (let k = 0; k < i; k++) rest -= l[i * n + k] * z[k];
    z.push(rest / l[i * n + i]);
    value -= Math.log(l[i * n + i]) + 0.5 * z[i] ** 2;
  }
  return value;
}

describe("Student-t regression by latent scales", () => {
  it("agrees with direct maximisation, standard errors too", () => {
    const data = { N: student.u.length, u: student.u, v: student.v };
    const result = fit("student", data, { ...tight, standardErrors: true });
    expect(result.exact).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-12);
    expect(result.logLikelihood).toBeCloseTo(student.logLikelihood, 7);
    ["a", "b", "s"].forEach((name, k) => {
      expect(estimate(result, name)[0]).toBeCloseTo(student[name], 4);
      const found = result.params.find((p) => p.name === name)?.standardError?.[0] ?? Number.NaN;
      expect(found).toBeCloseTo(student.standardErrors[k], 3);
    });
  });
});

describe("local level", () => {
  it("agrees with the likelihood of the Kalman filter", () => {
    const result = fit("local_level", { T: localLevel.y.length, y: localLevel.y }, tight);
    expect(result.exact).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-12);
    expect(result.logLikelihood).toBeCloseTo(localLevel.logLikelihood, 6);
    expect(estimate(result, "q")[0]).toBeCloseTo(localLevel.q, 3);
    expect(estimate(result, "r")[0]).toBeCloseTo(localLevel.r, 3);
  });
});
