/** Starts, ends, refusals and failures. */
import { describe, expect, it } from "vitest";
import { planEm, runEm } from "../../../src/inference/em/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { make } from "../conditionals/harness.js";
import { dataSet, modelOf, wiggle } from "../logjoint/models.js";
import {
  estimate,
  fit,
  fitPlan,
  largestFall,
  planOf,
  planText,
  reference,
  starts,
} from "./harness.js";

const { gaussianMixture, hmm } = reference;
const mixture = { N: gaussianMixture.x.length, K: 3, D: 2, x: gaussianMixture.x };

function refusalOf(text: string, data: Parameters<typeof dataSet>[0], maximise: string[] = []) {
  const plan = planEm(condition(modelOf(text), dataSet(data)), make, { maximise });
  return plan.kind === "refused" ? `${plan.site}: ${plan.reason}` : "planned";
}

describe("refusals", () => {
  const text = `model m(N: int) {
    mu ~ Normal(0, 1)
    k ~ Bernoulli(0.5)
    for i in 0..N { y[i] ~ Normal(mu + k, 1) }
  }`;
  const data = { N: 3, y: [1, 2, 3] };
  it("names what there is to maximise", () => {
    const alone = "model m(N: int) { mu ~ Normal(0, 1)\n for i in 0..N { y[i] ~ Normal(mu, 1) } }";
    expect(refusalOf(alone, data)).toBe(
      "mu: the model has no param, and no site of it is discrete or an item's own, to be integrated " +
        "out: `map` finds the mode of all sites; for `em`, name the sites to maximise, of mu",
    );
  });
  it("takes a number of the text for no count of items beside a size of the data", () => {
    const pair = `model m(N: int) {
      a ~ iid(Normal(0, 1), 2)
      for k in 0..2 { b[k] ~ Normal(a[k], 1); for i in 0..N { y[i, k] ~ Normal(a[k], 1) } }
    }`;
    const y = [[1, 2]];
    expect(refusalOf(pair, { N: 1, b: [0, 1], y })).toContain("to maximise, of a");
  });
  it("names unknown, discrete and observed sites", () => {
    expect(refusalOf(text, data, ["mv"])).toBe(
      "mv: the model has no site of this name; did you mean mu?",
    );
    expect(refusalOf(text, data, ["k"])).toContain("it is discrete");
    expect(refusalOf(text, data, ["y"])).toBe("y: it is observed");
  });
});

describe("starts", () => {
  const problem = (values: Parameters<typeof starts>[0]) => {
    try {
      planOf("mixture_spherical", mixture, { start: starts(values) });
    } catch (e) {
      return String(e);
    }
    return "planned";
  };
  it("are checked", () => {
    expect(problem({ s: [1, 1] })).toContain("s: its start has 2 numbers, and it has 3");
    expect(problem({ s: [1, 1, -1] })).toContain("s: its start lies outside its support");
    expect(problem({ pi: [0.5, 0.6, 0.1] })).toContain("pi: its start lies outside");
    expect(problem({ q: [1] })).toContain("q: a start is given for it, but it is not maximised");
    expect(problem({ pi: [0.5, 0.5, 0] })).toBe("planned");
  });
});

describe("runs", () => {
  it("tell a component that collapses on a point", () => {
    const x = [...wiggle(20), 5, 5, 5];
    const text = `model m(N: int) {
      param w: simplex[2]
      param mu: real[2]
      param s: positive[2]
      for i in 0..N {
        z[i] ~ Categorical(w)
        x[i] ~ Normal(mu[z[i]], s[z[i]])
      }
    }`;
    const start = starts({ w: [0.5, 0.5], mu: [0, 5], s: [1, 0.05] });
    const plan = planText(text, { N: 23, x }, { start });
    const result = runEm(plan, 1);
    expect(result.kind).toBe("failed");
    if (result.kind === "failed") {
      expect(result.failure).toEqual({ kind: "singular", name: "s", scalar: 1 });
    }
  });

  it("tell a covariance that collapses", () => {
    const start = starts({
      pi: [0.5, 0.3, 0.2],
      mu: [0, 0, 1, 1, ...mixture.x[0]],
      Sigma: [1, 0, 0, 1, 1, 0, 0, 1, 1e-4, 0, 0, 1e-4],
    });
    const result = runEm(planOf("mixture_full", mixture, { start }), 1);
    expect(result.kind).toBe("failed");
    if (result.kind === "failed")
      expect(result.failure).toMatchObject({ kind: "singular", name: "Sigma" });
  });

  it("stop when they are asked to, and report", () => {
    const seen: number[] = [];
    const start = starts({ start: [0.5, 0.5], P: [0.7, 0.3, 0.3, 0.7], m: [-0.5, 0.5], s: [1, 1] });
    const plan = planOf("hmm", { N: 150, K: 2, y: hmm.y }, { start });
    const result = runEm(plan, 1, {
      onProgress: ({ done }) => seen.push(done),
      shouldStop: () => seen.length >= 3,
    });
    expect(seen).toEqual([1, 2, 3]);
    expect(result).toMatchObject({
      kind: "fitted",
      stopped: true,
      converged: false,
      iterations: 3,
    });
  });

  it("depend on the seed alone", () => {
    const [a, b] = [fit("mixture_diag", mixture, {}, 3), fit("mixture_diag", mixture, {}, 3)];
    expect(a.history).toEqual(b.history);
    expect(a.restarts).toEqual(b.restarts);
    expect(a.restarts.length).toBe(12);
  });

  it("give probabilities of the discrete sites at the estimates", () => {
    const result = fit("mixture_tied", mixture);
    const [z] = result.discrete;
    expect(z).toMatchObject({ name: "z", dims: [90], low: 0, count: 3 });
    for (let i = 0; i < 90; i++) {
      const row = z.probabilities.slice(3 * i, 3 * i + 3);
      expect(row[0] + row[1] + row[2]).toBeCloseTo(1, 12);
    }
  });
});

describe("models of other forms", () => {
  it("integrates missing entries of a mixture out", () => {
    const x = gaussianMixture.x.map((row: number[], i: number) => {
      return i % 7 === 0 ? [row[0], null] : i % 11 === 0 ? [null, null] : row;
    });
    const start = starts({
      pi: gaussianMixture.weights,
      mu: gaussianMixture.means,
      Sigma: [1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1],
    });
    const result = fit("mixture_full", { ...mixture, x }, { start });
    expect(result.exact).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-12);
    // The first value is the likelihood of what was seen, at the start.
    const { weights, means } = gaussianMixture;
    let total = 0;
    for (const row of x) {
      const terms = weights.map((w: number, k: number) => {
        let log = Math.log(w);
        (row as (number | null)[]).forEach((v, j) => {
          if (v !== null) log -= 0.5 * Math.log(2 * Math.PI) + 0.5 * (v - means[k][j]) ** 2;
        });
        return log;
      });
      total += Math.log(terms.reduce((s: number, l: number) => s + Math.exp(l), 0));
    }
    expect(result.history[0]).toBeCloseTo(total, 9);
  });

  it("fits random intercepts with crossed groups exactly", () => {
    const text = `model m(N: int, A: int, B: int, a: int[N], b: int[N]) {
      param mu: real = 0
      param s: positive = 1
      param u_sd: positive = 1
      param v_sd: positive = 1
      for k in 0..A { u[k] ~ Normal(0, u_sd) }
      for k in 0..B { v[k] ~ Normal(0, v_sd) }
      for i in 0..N { y[i] ~ Normal(mu + u[a[i]] + v[b[i]], s) }
    }`;
    const N = 48;
    const [p, q] = [wiggle(4, 3), wiggle(6, 9)];
    const a = Array.from({ length: N }, (_, i) => i % 4);
    const b = Array.from({ length: N }, (_, i) => Math.floor(i / 2) % 6);
    const y = wiggle(N, 5).map((e, i) => 1 + 1.5 * p[a[i]] + q[b[i]] + 0.3 * e);
    const plan = planText(
      text,
      { N, A: 4, B: 6, a, b, y },
      { tolerance: 1e-12, maxIterations: 5000 },
    );
    const result = fitPlan(plan);
    expect(result.exact).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-12);
    const [mu, s, us, vs] = ["mu", "s", "u_sd", "v_sd"].map((n) => estimate(result, n)[0]);
    const cov = Array.from({ length: N * N }, (_, at) => {
      const [i, j] = [Math.floor(at / N), at % N];
      const same = (g: readonly number[], sd: number) => (g[i] === g[j] ? sd * sd : 0);
      return (i === j ? s * s : 0) + same(a, us) + same(b, vs);
    });
    expect(result.logLikelihood).toBeCloseTo(logNormal(y, mu, cov), 8);
  });

  it("bounds the likelihood of a logistic model with random intercepts", () => {
    const text = `model m(N: int, G: int, g: int[N]) {
      param b: real = 0
      param t: positive = 1
      for k in 0..G { u[k] ~ Normal(0, t) }
      for i in 0..N { y[i] ~ Bernoulli(logits: b + u[g[i]]) }
    }`;
    const [N, G] = [80, 8];
    const g = Array.from({ length: N }, (_, i) => i % G);
    const y = wiggle(N, 2).map((e, i) => (e + wiggle(G, 7)[g[i]] + 0.4 > 0 ? 1 : 0));
    const result = fitPlan(planText(text, { N, G, g, y }, { tolerance: 1e-10 }));
    expect(result.exact).toBe(false);
    expect(largestFall(result)).toBeLessThan(1e-12);
    const [b, t] = [estimate(result, "b")[0], estimate(result, "t")[0]];
    // The likelihood at the estimates, by the trapezoidal rule over each intercept.
    let log = 0;
    for (let k = 0; k < G; k++) {
      let sum = 0;
      for (let u = -8; u <= 8; u += 0.01) {
        let density = Math.exp(-0.5 * u * u) / Math.sqrt(2 * Math.PI);
        for (let i = k; i < N; i += G) {
          const p = 1 / (1 + Math.exp(-(b + t * u)));
          density *= y[i] === 1 ? p : 1 - p;
        }
        sum += 0.01 * density;
      }
      log += Math.log(sum);
    }
    // The bound is as tight as normals are; sampling points add less than that.
    expect(result.logLikelihood).toBeLessThan(log + 0.02);
    expect(result.logLikelihood).toBeGreaterThan(log - 0.3);
    expect(t).toBeGreaterThan(0.1);
  });

  it("climbs where a parameter has no closed form", () => {
    const text = `model m(N: int, u: real[N]) {
      param a: real = 0.3
      param s: positive = 1
      param nu: positive = 1
      for i in 0..N {
        w[i] ~ Gamma(nu, nu)
        v[i] ~ Normal(a * u[i], s / sqrt(w[i]))
      }
    }`;
    const { student } = reference;
    const data = { N: student.u.length, u: student.u, v: student.v };
    const result = fitPlan(planText(text, data, { maxIterations: 300 }));
    expect(result.exact).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-12);
    expect(estimate(result, "nu")[0]).not.toBe(1);
  });
});

function logNormal(x: readonly number[], mean: number, c: readonly number[]): number {
  const n = x.length;
  const l = new Float64Array(n * n);
  const z: number[] = [];
  let value = -0.5 * n * Math.log(2 * Math.PI);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = c[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j];
    }
    let rest = x[i] - mean;
    for (let k = 0; k < i; k++) rest -= l[i * n + k] * z[k];
    z.push(rest / l[i * n + i]);
    value -= Math.log(l[i * n + i]) + 0.5 * z[i] ** 2;
  }
  return value;
}
