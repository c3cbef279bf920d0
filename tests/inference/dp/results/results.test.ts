/** Results of draws: co-clustering, point partitions against all partitions, predictives. */
import { describe, expect, it } from "vitest";
import {
  binderDistance,
  expectedLoss,
  variationOfInformation,
} from "../../../../src/inference/dp/results/losses.js";
import { POINT_DEFAULTS, pointPartition } from "../../../../src/inference/dp/results/point.js";
import {
  logPredictive,
  PREDICTIVE_DEFAULTS,
} from "../../../../src/inference/dp/results/predictive.js";
import {
  clusterCounts,
  coClustering,
  pooled,
} from "../../../../src/inference/dp/results/similarity.js";
import { laplaceModel, normalGammaModel, normalModel } from "../../../helpers/cluster-models.js";
import { conjugate, y } from "../enumeration.js";
import { allPartitions, chain, exactPosterior, subsetMarginal } from "../partitions.js";

describe("co-clustering", () => {
  it("counts by hand", () => {
    const labels = Int32Array.of(0, 0, 1, 0, 1, 1);
    const similarity = coClustering({ items: 3, draws: 2, labels });
    expect([...similarity]).toEqual([1, 0.5, 0, 0.5, 1, 0.5, 0, 0.5, 1]);
    const one = { items: 3, draws: 1, labels: labels.subarray(0, 3) };
    const two = { items: 3, draws: 1, labels: labels.subarray(3, 6) };
    expect(coClustering(pooled([one, two]))).toEqual(similarity);
    expect([...clusterCounts(Int32Array.of(2, 3, 2, 1))]).toEqual([0, 0.25, 0.5, 0.25]);
  });
  it("is the exact one of the posterior, within Monte Carlo error", () => {
    const model = conjugate["normal means"];
    const exact = exactPosterior(6, 1, subsetMarginal(model));
    const draws = chain(model, { draws: 8000 });
    const similarity = coClustering(draws);
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < i; j++) {
        const mass = exact.partitions.reduce(
          (s, p, k) => s + (p[i] === p[j] ? exact.masses[k] : 0),
          0,
        );
        // A standard error of at most 0.0056 for independent draws; correlations treble it.
        expect(Math.abs(similarity[i * 6 + j] - mass)).toBeLessThan(0.05);
      }
    }
  });
});

describe("distances of partitions", () => {
  it("are metrics with known values", () => {
    const a = Int32Array.of(0, 0, 1, 1);
    const b = Int32Array.of(0, 1, 0, 1);
    const c = Int32Array.of(0, 1, 2, 3);
    expect(variationOfInformation(a, b)).toBeCloseTo(2, 12);
    expect(variationOfInformation(a, c)).toBeCloseTo(1, 12);
    // Pairs: 01 and 23 against 02 and 13.
    expect(binderDistance(a, b)).toBeCloseTo(4 / 6, 12);
    expect(binderDistance(a, c)).toBeCloseTo(2 / 6, 12);
    const all = allPartitions(5);
    for (const distance of [binderDistance, variationOfInformation]) {
      for (let k = 0; k < 200; k++) {
        const [p, q, r] = [7 * k, 13 * k + 5, 29 * k + 1].map((v) => all[v % all.length]);
        expect(distance(p, p)).toBeLessThan(1e-12);
        expect(distance(p, q)).toBeCloseTo(distance(q, p), 12);
        expect(distance(p, r)).toBeLessThanOrEqual(distance(p, q) + distance(q, r) + 1e-12);
      }
    }
  });
});

describe("the point partition", () => {
  for (const loss of ["binder", "variation-of-information"] as const) {
    it(`is the best of all partitions: ${loss}`, () => {
      for (const [name, model] of Object.entries(conjugate)) {
        const draws = chain(model, { draws: 1000 });
        const point = pointPartition(draws, loss);
        const least = Math.min(
          ...allPartitions(model.items).map((p) => expectedLoss(loss, p, draws)),
        );
        expect(Math.abs(point.loss - least), name).toBeLessThan(1e-9);
        expect(expectedLoss(loss, point.labels, draws)).toBeCloseTo(point.loss, 12);
      }
    });

    it(`is found from nothing, without the draws as starts: ${loss}`, () => {
      const truth = Int32Array.from({ length: 60 }, (_, i) => i % 3);
      const labels = new Int32Array(40 * 60);
      for (let t = 0; t < 40; t++) {
        labels.set(truth, t * 60);
        // Each draw has one item astray: no draw is the truth.
        labels[t * 60 + t] = 3;
      }
      const partitions = { items: 60, draws: 40, labels };
      const options = { ...POINT_DEFAULTS, starts: 0 };
      const point = pointPartition(partitions, loss, options);
      expect(point.clusters).toBe(3);
      expect(binderDistance(point.labels, truth)).toBe(0);
    });
  }
});

describe("the posterior predictive density", () => {
  const alpha = { kind: "fixed", value: 1 } as const;
  const grid = Float64Array.from({ length: 121 }, (_, k) => -6 + k / 10);

  it("is the ratio of evidences", () => {
    const options = { sigma: 0.6, mean: 0.3, sd: 1.5, alpha };
    const model = normalModel(y, options);
    const draws = chain(model, { draws: 6000 });
    const points = Float64Array.of(-2, 0, 1, 4);
    const found = logPredictive(normalModel(points, options), [draws], model, {
      ...PREDICTIVE_DEFAULTS,
      averaged: 6000,
    });
    const evidence = exactPosterior(6, 1, subsetMarginal(model)).evidence;
    points.forEach((point, k) => {
      const more = normalModel(Float64Array.of(...y, point), options);
      const exact = exactPosterior(7, 1, subsetMarginal(more)).evidence - evidence;
      // Between draws it varies by less than a third of itself: 0.01 is over two standard errors
      // of 6000 draws whose correlations count for three.
      expect(Math.abs(found[k] - exact)).toBeLessThan(0.03);
    });
  });

  it("of a base that is not conjugate is the one by parameters, and integrates to one", () => {
    const data = laplaceModel(y, 0.6, 1);
    const draws = chain(data, { draws: 2000 });
    const log = logPredictive(laplaceModel(grid, 0.6, 1), [draws], undefined);
    const total = log.reduce((s, v) => s + Math.exp(v) / 10, 0);
    expect(Math.abs(total - 1)).toBeLessThan(0.01);
  });

  it("by parameters is the exact one, within Monte Carlo error", () => {
    const base = { m: 0, kappa: 0.2, shape: 3, rate: 1 };
    const data = normalGammaModel(y, base);
    const draws = chain(data, { draws: 4000 });
    const options = { ...PREDICTIVE_DEFAULTS, averaged: 4000 };
    const points = normalGammaModel(Float64Array.of(-1, 0, 1.5, 3), base);
    const exact = logPredictive(points, [draws], data, options);
    const byThetas = logPredictive(points, [draws], undefined, options);
    exact.forEach((v, k) => {
      expect(Math.abs(v - byThetas[k])).toBeLessThan(0.05);
    });
  });
});
