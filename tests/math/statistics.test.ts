import { describe, expect, test } from "vitest";
import { autocovariance, fft } from "../../src/math/fft.js";
import { meanVariance, OnlineCovariance, OnlineVariance } from "../../src/math/online.js";
import {
  averageRanks,
  median,
  quantileOfSorted,
  quantiles,
  sortOrder,
} from "../../src/math/quantile.js";
import { stream } from "../../src/math/rng/index.js";

const normals = (n: number, site: number) => {
  const random = stream(2, 0, site, 0);
  return Array.from({ length: n }, () => random.normal());
};

describe("online moments", () => {
  const rows = Array.from({ length: 50 }, (_, t) => {
    const [a, b, c] = normals(3, t);
    // Offsets of 1e6 would cost a sum-of-squares formula twelve digits.
    return [1e6 + a, b - a, 1e6 + 3 * c + b];
  });
  const mean = [0, 1, 2].map((i) => rows.reduce((sum, r) => sum + r[i], 0) / rows.length);
  const exact = (i: number, j: number) =>
    rows.reduce((sum, r) => sum + (r[i] - mean[i]) * (r[j] - mean[j]), 0) / (rows.length - 1);

  test("variance and covariance equal the two-pass formulas", () => {
    const variance = new OnlineVariance(3);
    const covariance = new OnlineCovariance(3);
    for (const row of rows) {
      variance.add(row);
      covariance.add(row);
    }
    const matrix = covariance.covariance();
    for (const i of [0, 1, 2]) {
      expect(variance.mean[i]).toBeCloseTo(mean[i], 8);
      expect(covariance.mean[i]).toBeCloseTo(mean[i], 8);
      // Rounding of the mean, 1e6 · 2⁻⁵³, times deviations of size 3.
      expect(variance.variance()[i]).toBeCloseTo(exact(i, i), 8);
      for (const j of [0, 1, 2]) expect(matrix[i * 3 + j]).toBeCloseTo(exact(i, j), 8);
    }
    expect(variance.count).toBe(50);
  });
  test("a reset starts a window that knows nothing of the last", () => {
    const [used, fresh] = [new OnlineCovariance(3), new OnlineCovariance(3)];
    const [usedVariance, freshVariance] = [new OnlineVariance(3), new OnlineVariance(3)];
    for (const row of rows.slice(0, 20)) {
      used.add(row);
      usedVariance.add(row);
    }
    used.reset();
    usedVariance.reset();
    for (const row of rows.slice(20)) {
      for (const all of [used, fresh, usedVariance, freshVariance]) all.add(row);
    }
    expect(used.covariance()).toEqual(fresh.covariance());
    expect(usedVariance.variance()).toEqual(freshVariance.variance());
    expect(used.count).toBe(30);
  });
  test("fewer than two vectors have no variance", () => {
    const variance = new OnlineVariance(1);
    expect(variance.variance()[0]).toBeNaN();
    variance.add([3]);
    expect(variance.variance()[0]).toBeNaN();
    expect(meanVariance([])).toEqual({ mean: NaN, variance: NaN });
    expect(meanVariance([4])).toEqual({ mean: 4, variance: NaN });
    expect(meanVariance([1, 2, 3, 4])).toEqual({ mean: 2.5, variance: 5 / 3 });
  });
});

describe("quantiles", () => {
  test("type 7, as numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], …)", () => {
    const x = [3, 1, 4, 1, 5, 9, 2, 6];
    // numpy.quantile(x, [0, 0.05, 0.25, 0.5, 0.9, 1])
    const expected = [1, 1, 1.75, 3.5, 6.9, 9];
    quantiles(x, [0, 0.05, 0.25, 0.5, 0.9, 1]).forEach((q, i) => {
      expect(q).toBeCloseTo(expected[i], 14);
    });
    expect(median(x)).toBe(3.5);
    expect(x[0]).toBe(3);
  });
  test("one number, no number, infinities, NaN", () => {
    expect(quantiles([7], [0, 0.3, 1])).toEqual([7, 7, 7]);
    expect(quantileOfSorted([], 0.5)).toBeNaN();
    expect(quantileOfSorted([1, 2], 1.1)).toBeNaN();
    expect(quantileOfSorted([-Infinity, -Infinity, 0], 0.25)).toBe(-Infinity);
    expect(quantiles([1, NaN, 2], [0, 1])).toEqual([NaN, NaN]);
  });
  test("sort order is stable, NaN last", () => {
    expect([...sortOrder([2, NaN, 1, 2, -Infinity])]).toEqual([4, 2, 0, 3, 1]);
  });
  test("ranks average ties, as scipy.stats.rankdata", () => {
    expect([...averageRanks([10, 20, 20, 5, 20])]).toEqual([2, 4, 4, 1, 4]);
    expect([...averageRanks([1, 1])]).toEqual([1.5, 1.5]);
    expect([...averageRanks([])]).toEqual([]);
  });
});

describe("Fourier transform", () => {
  test.each([1, 2, 8, 64])("equals the defining sum, n = %i", (n) => {
    const [re0, im0] = [normals(n, 100), normals(n, 101)];
    const [re, im] = [Float64Array.from(re0), Float64Array.from(im0)];
    fft(re, im);
    for (let k = 0; k < n; k++) {
      let [sumRe, sumIm] = [0, 0];
      for (let j = 0; j < n; j++) {
        const angle = (-2 * Math.PI * ((j * k) % n)) / n;
        sumRe += re0[j] * Math.cos(angle) - im0[j] * Math.sin(angle);
        sumIm += re0[j] * Math.sin(angle) + im0[j] * Math.cos(angle);
      }
      expect(re[k]).toBeCloseTo(sumRe, 11);
      expect(im[k]).toBeCloseTo(sumIm, 11);
    }
    fft(re, im, true);
    for (let j = 0; j < n; j++) expect(re[j] / n).toBeCloseTo(re0[j], 12);
  });
  test("a length that is no power of two is our bug", () => {
    expect(() => fft(new Float64Array(6), new Float64Array(6))).toThrow(/internal error/);
  });
  test.each([1, 2, 7, 100])("autocovariance equals the defining sum, n = %i", (n) => {
    const x = normals(n, 102).map((v) => v + 50);
    const mean = x.reduce((sum, v) => sum + v, 0) / n;
    const got = autocovariance(x);
    expect(got.length).toBe(n);
    for (let lag = 0; lag < n; lag++) {
      let sum = 0;
      for (let t = 0; t + lag < n; t++) sum += (x[t] - mean) * (x[t + lag] - mean);
      expect(got[lag]).toBeCloseTo(sum / n, 12);
    }
  });
  test("autocovariance of nothing is nothing", () => {
    expect(autocovariance([]).length).toBe(0);
  });
});
