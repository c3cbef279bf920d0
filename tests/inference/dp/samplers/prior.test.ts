/**
 * What is known without data or with data drawn along: numbers of clusters under the Chinese
 * restaurant process, α given a partition by numerical integration, and Geweke's joint-distribution
 * test ("Getting it right", 2004) of each kernel.
 */
import { describe, expect, it } from "vitest";
import type { ClusterModel, Concentration } from "../../../../src/inference/dp/contract.js";
import { truncationError, truncationFor } from "../../../../src/inference/dp/samplers/blocked.js";
import {
  updateConcentration,
  updateStickConcentration,
} from "../../../../src/inference/dp/samplers/concentration.js";
import type { DpOptions } from "../../../../src/inference/dp/samplers/run.js";
import { stream } from "../../../../src/math/rng/random.js";
import { lgamma } from "../../../../src/math/special/index.js";
import { laplaceModel, normalGammaModel, normalModel } from "../../../helpers/cluster-models.js";
import { algorithms } from "../enumeration.js";
import { batchMean, chain } from "../partitions.js";

const GAMMA: Concentration = { kind: "gamma", shape: 3, rate: 2 };
const SAME: Concentration = {
  kind: "prior",
  logPrior: (a) => 3 * Math.log(2) - lgamma(3) + 2 * Math.log(a) - 2 * a,
};

/** Mean and mean logarithm of a density on (0, ∞) by the trapezoid rule over log α. */
function moments(logDensity: (alpha: number) => number) {
  let [total, mean, log] = [0, 0, 0];
  for (let k = -8000; k <= 4000; k++) {
    const x = k / 1000;
    const mass = Math.exp(logDensity(Math.exp(x)) + x);
    total += mass;
    mean += mass * Math.exp(x);
    log += mass * x;
  }
  return { mean: mean / total, log: log / total };
}

describe("the concentration", () => {
  for (const [name, concentration] of Object.entries({ gamma: GAMMA, "any prior": SAME })) {
    it(`given a partition, ${name}: numerical integration`, () => {
      for (const [clusters, items] of [
        [1, 5],
        [4, 30],
        [12, 200],
      ]) {
        const exact = moments(
          (a) =>
            2 * Math.log(a) -
            2 * a +
            clusters * Math.log(a) +
            lgamma(a) +
            lgamma(items) -
            lgamma(a + items),
        );
        const rng = stream(2, 0, clusters, items);
        let alpha = 1;
        const draws = Array.from({ length: 20000 }, () => {
          alpha = updateConcentration(concentration, alpha, clusters, items, rng);
          return alpha;
        });
        const found = batchMean(draws);
        expect(Math.abs(found.mean - exact.mean)).toBeLessThan(5 * found.error);
        const logs = batchMean(draws.map(Math.log));
        expect(Math.abs(logs.mean - exact.log)).toBeLessThan(5 * logs.error);
      }
    });

    it(`given sticks, ${name}: a gamma distribution`, () => {
      const rng = stream(3, 0, 0, 0);
      let alpha = 1;
      const draws = Array.from({ length: 20000 }, () => {
        alpha = updateStickConcentration(concentration, alpha, 9, -4.5, rng);
        return alpha;
      });
      const { mean, error } = batchMean(draws);
      expect(Math.abs(mean - 12 / 6.5)).toBeLessThan(5 * error);
    });
  }
});

describe("without information in the data", () => {
  const alpha = 1.7;
  const items = 30;
  // A scale of observations beside which all means are the same.
  const model = normalModel(new Float64Array(items), {
    sigma: 1e7,
    mean: 0,
    sd: 1,
    alpha: { kind: "fixed", value: alpha },
  });
  const chances = Array.from({ length: items }, (_, i) => alpha / (alpha + i));
  const exactMean = chances.reduce((s, p) => s + p, 0);
  const exactVariance = chances.reduce((s, p) => s + p * (1 - p), 0);
  for (const [name, options] of Object.entries(algorithms)) {
    it(`the number of clusters is that of the process: ${name}`, () => {
      const more: Partial<DpOptions> = options.algorithm === "blocked" ? { truncation: 40 } : {};
      const run = chain(model, { warmup: 100, draws: 2500, ...options, ...more });
      const { mean, error } = batchMean(run.clusters, 40);
      expect(Math.abs(mean - exactMean)).toBeLessThan(5 * error);
      const squares = batchMean(
        Array.from(run.clusters, (k) => (k - exactMean) ** 2),
        40,
      );
      expect(Math.abs(squares.mean - exactVariance)).toBeLessThan(5 * squares.error);
    });
  }
});

/** The model with data drawn anew from their components after each sweep. */
function redrawn(
  model: ClusterModel,
  y: Float64Array,
  draw: (t: Float64Array) => [number, number],
) {
  const withData: ClusterModel = {
    ...model,
    updateGlobals: (thetas, _, labels, rng) => {
      for (let i = 0; i < y.length; i++) {
        const at = labels[i] * model.width;
        const [mu, sigma] = draw(thetas.subarray(at, at + model.width));
        y[i] = mu + sigma * rng.normal();
      }
    },
  };
  return withData;
}

describe("the prior is stationary when data are drawn along", () => {
  const items = 6;
  const make: Readonly<Record<string, () => { model: ClusterModel; meanSquare: number }>> = {
    "normal means": () => {
      const y = new Float64Array(items);
      const model = normalModel(y, { sigma: 0.7, mean: 0.5, sd: 1.2, alpha: GAMMA });
      return { model: redrawn(model, y, (t) => [t[0], 0.7]), meanSquare: 1.2 ** 2 + 0.5 ** 2 };
    },
    "a base that is not conjugate": () => {
      const y = new Float64Array(items);
      const model = laplaceModel(y, 0.7, 0.8, GAMMA);
      return { model: redrawn(model, y, (t) => [t[0], 0.7]), meanSquare: 2 * 0.8 ** 2 };
    },
  };
  // K of the process with α from its prior, by the trapezoid rule.
  const expectedK = (() => {
    let [total, sum] = [0, 0];
    for (let k = -8000; k <= 4000; k++) {
      const a = Math.exp(k / 1000);
      const mass = a ** 3 * Math.exp(-2 * a);
      total += mass;
      for (let i = 0; i < items; i++) sum += (mass * a) / (a + i);
    }
    return sum / total;
  })();
  for (const [name, build] of Object.entries(make)) {
    for (const [title, options] of Object.entries(algorithms)) {
      const { model, meanSquare } = build();
      if (model.conjugate === undefined && !/algorithm 8|blocked/.test(title)) continue;
      it(`${name}: ${title}`, () => {
        // P(α > 8) is 2e-5; there 50 components leave 1e-2 of the mass beyond, elsewhere far less.
        const more: Partial<DpOptions> = options.algorithm === "blocked" ? { truncation: 50 } : {};
        const run = chain(model, { warmup: 100, draws: 5000, thin: 1, ...options, ...more });
        const near = (series: ArrayLike<number>, exact: number) => {
          const { mean, error } = batchMean(series);
          expect(Math.abs(mean - exact)).toBeLessThan(5 * error);
        };
        near(run.alpha, 1.5);
        near(run.alpha.map(Math.log), 0.9227843350984671 - Math.log(2));
        near(run.clusters, expectedK);
        const third = Array.from({ length: run.draws }, (_, t) => {
          const [label] = run.labels.subarray(t * items + 2, t * items + 3);
          return run.thetas[run.offsets[t] + label];
        });
        near(
          third.map((v) => v * v),
          meanSquare,
        );
      });
    }
  }
});

describe("truncation", () => {
  it("is the least within its error", () => {
    const T = truncationFor(200, 1.5, 1e-3);
    expect(truncationError(200, 1.5, T)).toBeLessThanOrEqual(1e-3);
    expect(truncationError(200, 1.5, T - 1)).toBeGreaterThan(1e-3);
  });
  it("is reported with the error at the largest α drawn", () => {
    const y = Float64Array.of(-2, -1.5, 0, 1, 3);
    const base = { m: 0, kappa: 0.1, shape: 2, rate: 1, alpha: GAMMA };
    const run = chain(normalGammaModel(y, base), { algorithm: "blocked", draws: 200 });
    const components = run.truncation?.components ?? 0;
    const largest = run.alpha.reduce((m, a) => Math.max(m, a), 0);
    expect(run.truncation?.error).toBe(truncationError(5, largest, components));
    expect(run.truncation?.error).toBeLessThan(0.05);
  });
});
