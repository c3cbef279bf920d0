import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { laplace, negativeHessian } from "../../../src/inference/laplace/laplace.js";
import { paretoK, paretoShape } from "../../../src/math/pareto.js";
import { findMode } from "../../../src/inference/map/mode.js";
import { moments } from "../../../src/run/diagnostics/index.js";
import { eightSchoolsModel, funnelModel, gaussianModel } from "../nuts/models.js";
import { single } from "../nuts/setup.js";

describe("Laplace approximation", () => {
  it("is exact for a normal", () => {
    const mean = Float64Array.of(3, -7, 100);
    const precision = Float64Array.of(2, 0.9, 0, 0.9, 1, -0.3, 0, -0.3, 0.5);
    const instance = single(gaussianModel(mean, precision));
    const draws = 4000;
    const fit = laplace(instance, mean, draws, 1);
    if (fit.kind !== "fitted") throw new Error(fit.kind);
    // Differences of a linear gradient: rounding only, relative to a step of 6e-6 · 100.
    for (let k = 0; k < 9; k++) expect(fit.precision[k]).toBeCloseTo(precision[k], 8);
    // Var x_1 is the first element of the inverse.
    const det = 2 * (0.5 - 0.09) - 0.9 * 0.45;
    const first = fit.constrained.filter((_, k) => k % 3 === 0);
    const { mean: m, sd } = moments(first);
    const truth = Math.sqrt((0.5 - 0.09) / det);
    expect(Math.abs(m - 3)).toBeLessThan((5 * truth) / Math.sqrt(draws));
    expect(Math.abs(sd / truth - 1)).toBeLessThan(5 / Math.sqrt(2 * draws));
    expect(fit.paretoK).toBe(-Infinity);
    // log N - lp is the normalising constant, the same for every draw.
    const constant = fit.lpNormal[0] - fit.lp[0];
    expect(constant).toBeCloseTo(0.5 * Math.log(det) - 1.5 * Math.log(2 * Math.PI), 6);
  });

  it("differentiates the gradient to about 1e-8", () => {
    const instance = single(funnelModel(3));
    const at = Float64Array.of(0.7, -1.2, 0.4);
    const h = negativeHessian(instance, at);
    const scale = Math.exp(-0.7);
    // -log p = v²/18 + v + ½ e^-v (x² + y²)
    const exact = [
      1 / 9 + 0.5 * scale * (1.44 + 0.16),
      -scale * -1.2,
      -scale * 0.4,
      -scale * -1.2,
      scale,
      0,
      -scale * 0.4,
      0,
      scale,
    ];
    for (const [k, value] of exact.entries()) expect(h[k]).toBeCloseTo(value, 8);
    expect([...instance.f64("q")]).toEqual([...at]);
  });

  it("warns by Pareto k where the posterior has heavier tails", () => {
    const instance = single(eightSchoolsModel());
    const mode = findMode(instance, { starts: 2, maxIterations: 2000, jacobian: true }, 1);
    if (mode.kind !== "found") throw new Error("no mode");
    const fit = laplace(instance, mode.best.q, 4000, 1);
    if (fit.kind !== "fitted") throw new Error(fit.kind);
    expect(fit.paretoK).toBeGreaterThan(0.3);
    expect(fit.constrained.length).toBe(40_000);
  });

  it("refuses a point that is not a maximum", () => {
    // Far along the funnel's axis the density curves upwards in v.
    const fit = laplace(single(funnelModel(3)), Float64Array.of(-6, 2, 2), 10, 1);
    expect(fit.kind).toBe("not_a_maximum");
  });
});

describe("Pareto k", () => {
  const { rows } = JSON.parse(
    readFileSync(new URL("./reference/pareto.json", import.meta.url), "utf8"),
  ) as { rows: { seed: number; n: number; k: number; pareto_k: number }[] };

  for (const { seed, n, k, pareto_k: expected } of rows) {
    it(`equals ArviZ's for a tail of shape ${k}, n = ${n}`, () => {
      let state = seed;
      const ratios = Float64Array.from({ length: n }, () => {
        state = (48271 * state) % 2147483647;
        return -k * Math.log(state / 2147483647);
      });
      // ArviZ drops grid points of weight below 2e-15.
      expect(paretoK(ratios)).toBeCloseTo(expected, 9);
    });
  }

  it("is near the truth for many exact quantiles", () => {
    for (const k of [0.1, 0.5, 0.9]) {
      const n = 4000;
      const x = Float64Array.from({ length: n }, (_, i) => ((1 - (i + 0.5) / n) ** -k - 1) / k);
      expect(paretoShape(x)).toBeCloseTo(k, 1.5);
    }
  });

  it("judges the edges", () => {
    expect(paretoK(new Float64Array(1000))).toBe(-Infinity);
    expect(paretoK(Float64Array.of(1, 2, 3))).toBe(Infinity);
    expect(paretoK(new Float64Array(100).fill(Number.NaN))).toBe(Infinity);
  });
});
