/** Mixtures and hidden Markov models against scikit-learn, hmmlearn and plain numpy. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findMode } from "../../../src/inference/map/mode.js";
import { condition } from "../../../src/passes/condition/index.js";
import { compileDensity } from "../../../src/run/compile.js";
import { make } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";
import { fit, fitPlan, largestFall, planOf, reference, starts, estimate } from "./harness.js";

const { gaussianMixture, hmm, bernoulliMixture } = reference;
const eye = [1, 0, 0, 1];

const kinds = {
  full: { model: "mixture_full", scale: { Sigma: [eye, eye, eye] } },
  tied: { model: "mixture_tied", scale: { Sigma: eye } },
  diag: { model: "mixture_diag", scale: { s: [1, 1, 1, 1, 1, 1] } },
  spherical: { model: "mixture_spherical", scale: { s: [1, 1, 1] } },
} as const;

describe.each(Object.entries(kinds))(
  "Gaussian mixture, %s covariances",
  (kind, { model, scale }) => {
    const data = { N: gaussianMixture.x.length, K: 3, D: 2, x: gaussianMixture.x };
    const start = starts({ pi: gaussianMixture.weights, mu: gaussianMixture.means, ...scale });
    const expected = gaussianMixture.fits[kind];

    it("takes the same steps as scikit-learn from the same start", () => {
      const result = fit(model, data, { start, tolerance: 1e-14, maxIterations: 2000 });
      for (const [n, value] of expected.logLikelihoodAfter) {
        const at = result.history[Math.min(n, result.history.length - 1)];
        // scikit-learn adds 10 ε to the counts and squares variances in another order.
        expect(Math.abs(at - value), `after ${n}`).toBeLessThan(1e-7 * Math.abs(value));
      }
      expect(largestFall(result)).toBeLessThan(1e-12);
      expect(result.exact).toBe(true);
      estimate(result, "pi").forEach((w, k) => {
        expect(w).toBeCloseTo(expected.weights[k], 4);
      });
      estimate(result, "mu").forEach((m, i) => {
        expect(m).toBeCloseTo(expected.means.flat()[i], 3);
      });
    });

    it("finds as good a maximum from its own starts", () => {
      const result = fit(model, data);
      const best = expected.logLikelihoodAfter.at(-1)[1];
      expect(result.logLikelihood).toBeGreaterThan(best - 1e-4 * Math.abs(best));
      expect(result.converged).toBe(true);
      expect(largestFall(result)).toBeLessThan(1e-12);
    });
  },
);

describe("mixture of Bernoullis", () => {
  const data = { N: 120, K: 2, D: 5, x: bernoulliMixture.x };
  it("takes the steps of plain EM", () => {
    const start = starts({ w: [0.5, 0.5], p: bernoulliMixture.start });
    const result = fit("bernoulli_mixture", data, { start, tolerance: 1e-13 });
    bernoulliMixture.history.forEach((value: number, k: number) => {
      expect(Math.abs(result.history[k] - value)).toBeLessThan(1e-9 * Math.abs(value));
    });
    expect(result.logLikelihood).toBeCloseTo(bernoulliMixture.logLikelihood, 6);
    estimate(result, "p").forEach((p, i) => {
      expect(p).toBeCloseTo(bernoulliMixture.p.flat()[i], 3);
    });
  });

  it("keeps columns that are always the same", () => {
    const x = bernoulliMixture.x.map((row: number[]) => [...row, 0, 1]);
    const result = fit("bernoulli_mixture", { ...data, D: 7, x });
    expect(Number.isFinite(result.logLikelihood)).toBe(true);
    const p = estimate(result, "p");
    expect([p[5], p[6], p[12], p[13]]).toEqual([0, 1, 0, 1]);
  });
});

describe("hidden Markov model", () => {
  const data = { N: hmm.y.length, K: 2, y: hmm.y };
  it("takes the steps of Baum and Welch", () => {
    const start = starts({ start: [0.5, 0.5], P: [0.7, 0.3, 0.3, 0.7], m: [-0.5, 0.5], s: [1, 1] });
    const result = fit("hmm", data, { start, tolerance: 1e-14 });
    hmm.history.forEach((value: number, k: number) => {
      expect(Math.abs(result.history[k] - value)).toBeLessThan(1e-9 * Math.abs(value));
    });
    expect(result.logLikelihood).toBeCloseTo(hmm.logLikelihood, 5);
    expect(largestFall(result)).toBeLessThan(1e-12);
    estimate(result, "P").forEach((p, i) => {
      expect(p).toBeCloseTo(hmm.transition.flat()[i], 3);
    });
    estimate(result, "s").forEach((s, i) => {
      expect(s).toBeCloseTo(hmm.sd[i], 3);
    });
  });

  it("finds it from its own starts", () => {
    const result = fit("hmm", data);
    expect(result.logLikelihood).toBeGreaterThan(hmm.logLikelihood - 1e-3);
  });
});

describe("priors", () => {
  it("gives the posterior mode of the sites that are maximised", () => {
    const data = { N: gaussianMixture.x.length, K: 3, D: 2, x: gaussianMixture.x };
    const plan = planOf("gaussian_mixture", data, { maximise: ["pi", "mu", "Sigma"] });
    const result = fitPlan(plan);
    expect(result.converged).toBe(true);
    expect(largestFall(result)).toBeLessThan(1e-12);
    // L-BFGS on the density with the labels summed out climbs to the same mode.
    const text = readFileSync(new URL("./models/gaussian_mixture.ppl", import.meta.url), "utf8");
    const { kernels } = compileDensity(condition(modelOf(text), dataSet(data)), {
      methodName: "map",
      withoutJacobian: true,
    });
    const options = { starts: 8, maxIterations: 2000, jacobian: false };
    const mode = findMode(make(kernels), options, 1);
    if (mode.kind !== "found") throw new Error("no mode");
    expect(result.logLikelihood).toBeCloseTo(mode.best.lp, 3);
  });
});
