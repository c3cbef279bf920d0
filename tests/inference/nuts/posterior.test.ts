import { describe, expect, it } from "vitest";
import { NUTS_DEFAULTS } from "../../../src/inference/contract.js";
import { finishChain, runChain } from "../../../src/inference/hamiltonian/chain.js";
import { withNuts } from "../../../src/inference/nuts/assemble.js";
import { cholesky, choleskyInverse } from "../../../src/math/linalg/index.js";
import { energyBfmi } from "../../../src/run/diagnostics/index.js";
import {
  bananaModel,
  eightSchoolsModel,
  funnelModel,
  gaussianModel,
  normalModel,
} from "./models.js";
import { type Fit, sample, single } from "./setup.js";

/** Mean and sd within five Monte Carlo standard errors. */
function expectNormal(fit: Fit, index: number, mean: number, sd: number): void {
  const s = fit.summary(index);
  expect(Math.abs(s.mean - mean)).toBeLessThan(5 * s.mcseMean);
  // The sd of a normal's sd estimate is sd / √(2 n); tails mix no better than the mean.
  expect(Math.abs(s.sd / sd - 1)).toBeLessThan(5 / Math.sqrt(2 * Math.min(s.essTail, s.essBulk)));
  expect(s.rhat).toBeLessThan(1.02);
}

describe("NUTS reaches closed-form posteriors", () => {
  for (const d of [1, 2, 10, 100]) {
    it(`standard normal in ${d} dimensions`, () => {
      const fit = sample(normalModel(d));
      for (const i of new Set([0, 1, d - 1])) if (i < d) expectNormal(fit, i, 0, 1);
      const accept = fit.statistic("accept_stat");
      const mean = accept.reduce((a, b) => a + b, 0) / accept.length;
      // Dual averaging leaves the statistic a little above its target of 0.8.
      expect(mean).toBeGreaterThan(0.75);
      expect(mean).toBeLessThan(0.95);
      expect(fit.statistic("divergent").some((v) => v !== 0)).toBe(false);
      for (const c of fit.chains) {
        const energy = fit.statistic("energy").subarray(0, 1000);
        expect(energyBfmi(energy)).toBeGreaterThan(0.5);
        // E[energy] = E[potential] + d/2 with lp = -½|q|², so d on average.
        expect(c.draws).toBe(1000);
      }
      const energy = fit.statistic("energy");
      const meanEnergy = energy.reduce((a, b) => a + b, 0) / energy.length;
      // Variance of the energy (a gamma of shape d) is d; draws of it are correlated a little.
      expect(Math.abs(meanEnergy - d)).toBeLessThan(8 * Math.sqrt(d / energy.length));
    });
  }

  const d = 5;
  const covariance = Float64Array.from({ length: d * d }, (_, k) => {
    const [i, j] = [Math.floor(k / d), k % d];
    return 0.95 ** Math.abs(i - j) * 2 ** (i - 2) * 2 ** (j - 2);
  });
  const precision = choleskyInverse(cholesky(covariance, d)!, d);
  const mean = Float64Array.of(3, -1, 0, 10, -40);
  for (const metric of ["diag", "dense"] as const) {
    it(`correlated normal, ${metric} metric`, () => {
      const fit = sample(gaussianModel(mean, precision), { metric });
      for (let i = 0; i < d; i++) expectNormal(fit, i, mean[i], 2 ** (i - 2));
      const [a, b] = [fit.draws(0), fit.draws(1)];
      const product = a.map((v, t) => (v - mean[0]) * (b[t] - mean[1]));
      const average = product.reduce((x, y) => x + y, 0) / product.length;
      expect(average / covariance[1]).toBeCloseTo(1, 0.5);
      if (metric === "dense") {
        // The metric has learnt the covariance: the last window had 500 draws.
        for (const c of fit.chains) {
          for (let k = 0; k < d * d; k++) {
            const [i, j] = [Math.floor(k / d), k % d];
            const scale = Math.sqrt(covariance[i * d + i] * covariance[j * d + j]);
            expect(Math.abs(c.inverseMetric[k] - covariance[k]) / scale).toBeLessThan(0.4);
          }
        }
        const steps = fit.statistic("n_leapfrog");
        expect(steps.reduce((x, y) => x + y, 0) / steps.length).toBeLessThan(8);
      }
    });
  }

  it("banana", () => {
    const fit = sample(bananaModel(), { targetAccept: 0.9, draws: 4000 });
    expectNormal(fit, 0, 0, 10);
    // E[y] = 0.03 (E[x²] - 100) = 0.
    const s = fit.summary(1);
    expect(Math.abs(s.mean)).toBeLessThan(5 * s.mcseMean);
  });

  it("eight schools agrees with posteriordb", () => {
    // eight_schools-eight_schools_noncentered, 10 000 reference draws: mean (sd).
    const fit = sample(eightSchoolsModel(), { targetAccept: 0.9, draws: 2000 });
    expect(Math.abs(fit.summary(0).mean - 4.41)).toBeLessThan(0.3);
    expect(Math.abs(fit.summary(0).sd - 3.31)).toBeLessThan(0.3);
    expect(Math.abs(fit.summary(1).mean - 3.6)).toBeLessThan(0.3);
    expect(Math.abs(fit.summary(2).mean - 6.2)).toBeLessThan(0.4);
  });

  it("reports its failure in Neal's funnel", () => {
    const fit = sample(funnelModel(10), { targetAccept: 0.6 });
    const divergent = fit.statistic("divergent").filter((v) => v !== 0).length;
    expect(divergent).toBeGreaterThan(5);
    // The neck, v below about -4, is too narrow for the step size: v's sd is 3, seen is less.
    const { sd, rhat } = fit.summary(0);
    expect(sd).toBeLessThan(2.8);
    expect(rhat).toBeGreaterThan(1.01);
    const energy = fit.statistic("energy");
    const ebfmi = fit.chains.map((_, c) => energyBfmi(energy.subarray(1000 * c, 1000 * c + 1000)));
    expect(Math.min(...ebfmi)).toBeLessThan(0.3);
  });
});

describe("chains", () => {
  const module = withNuts(eightSchoolsModel(), "diag", 10);
  const options = { ...NUTS_DEFAULTS, warmup: 200, draws: 150 };

  it("depend on the key alone, not on how they are driven", () => {
    const key = { seed: 42, chain: 1 };
    const a = finishChain(single(module), options, key);
    // Interleaved with another chain.
    const runs = [
      runChain(single(module), options, key),
      runChain(single(module), options, { seed: 42, chain: 0 }),
    ];
    const ends = runs.map((r) => r.next());
    while (ends.some((e) => !e.done)) {
      for (const [k, r] of runs.entries()) if (!ends[k].done) ends[k] = r.next();
    }
    const [b, c] = ends.map((e) => e.value);
    if (a.kind !== "finished" || b === undefined || !("kind" in b) || b.kind !== "finished") {
      throw new Error("a chain did not finish");
    }
    expect(b.storage).toEqual(a.storage);
    expect(c !== undefined && "storage" in c && c.storage).not.toEqual(a.storage);
  });

  it("thinning keeps every k-th draw", () => {
    const key = { seed: 3, chain: 0 };
    const all = finishChain(single(module), { ...options, draws: 90 }, key);
    const third = finishChain(single(module), { ...options, draws: 30, thin: 3 }, key);
    if (all.kind !== "finished" || third.kind !== "finished") throw new Error("not finished");
    expect(third.gradients).toEqual(all.gradients);
    for (let t = 0; t < 30; t++) {
      const row = 3 * t + 2;
      expect(third.storage.constrained.subarray(10 * t, 10 * t + 10)).toEqual(
        all.storage.constrained.subarray(10 * row, 10 * row + 10),
      );
    }
  });

  it("stops with the draws so far", () => {
    const long = { ...options, draws: 50_000 };
    const key = { seed: 1, chain: 0 };
    let asked = 0;
    const outcome = finishChain(single(module), long, key, { shouldStop: () => ++asked > 4 });
    if (outcome.kind !== "stopped") throw new Error(`the chain ${outcome.kind}`);
    expect(outcome.draws).toBeLessThan(long.draws);
    const again = finishChain(single(module), { ...long, draws: outcome.draws }, key);
    if (again.kind === "failed") throw new Error("failed");
    const { constrained } = outcome.storage;
    expect(again.storage.constrained.every((v, i) => v === constrained[i])).toBe(true);
    expect(again.storage.constrained.length).toBe(10 * outcome.draws);
  });

  it("counts gradients and reports both phases", () => {
    const phases: string[] = [];
    const outcome = finishChain(
      single(module),
      options,
      { seed: 1, chain: 0 },
      {
        onProgress: (p) => phases.push(p.phase),
      },
    );
    if (outcome.kind !== "finished") throw new Error("not finished");
    expect(new Set(phases)).toEqual(new Set(["warmup", "sampling"]));
    const { statistics } = outcome.storage;
    let leapfrogs = 0;
    for (let t = 0; t < options.draws; t++) leapfrogs += statistics[7 * t + 4];
    expect(outcome.gradients.sampling).toBe(leapfrogs);
  });

  it("works without warmup and with a given step size", () => {
    const outcome = finishChain(
      single(module),
      { ...options, warmup: 0, stepSize: 0.25 },
      { seed: 1, chain: 0 },
    );
    if (outcome.kind !== "finished") throw new Error("not finished");
    expect(outcome.stepSize).toBe(0.25);
    expect([...outcome.inverseMetric]).toEqual(new Array(10).fill(1));
  });

  it("says where no start is finite", () => {
    const model = normalModel(3);
    // log(-1 - q²) is NaN everywhere.
    const start = Float64Array.of(0, Number.NaN, 0);
    const outcome = finishChain(
      single(withNuts(model, "diag", 10)),
      options,
      { seed: 1, chain: 0 },
      { start },
    );
    expect(outcome).toEqual({
      kind: "failed",
      failure: {
        kind: "start",
        tries: 1,
        position: start,
        lp: Number.NaN,
        badGradient: [1],
      },
    });
  });

  it("says that a flat density is improper", () => {
    const flat = gaussianModel(new Float64Array(2), new Float64Array(4));
    const outcome = finishChain(single(withNuts(flat, "diag", 10)), options, { seed: 1, chain: 0 });
    expect(outcome).toEqual({
      kind: "failed",
      failure: { kind: "step_size", search: "unbounded" },
    });
  });
});
