import { describe, expect, it } from "vitest";
import { STATISTICS } from "../../../src/inference/hamiltonian/shape.js";
import { withHmc } from "../../../src/inference/hmc/assemble.js";
import { cholesky, choleskyInverse } from "../../../src/math/linalg/index.js";
import { eightSchoolsModel, funnelModel, gaussianModel, normalModel } from "../nuts/models.js";
import { sample, single } from "../nuts/setup.js";

describe("static HMC", () => {
  for (const metric of ["diag", "dense"] as const) {
    it(`reaches a correlated normal (${metric} metric)`, () => {
      const covariance = Float64Array.of(4, 1.2, 1.2, 1);
      const precision = choleskyInverse(cholesky(covariance, 2)!, 2);
      const fit = sample(gaussianModel(Float64Array.of(5, -5), precision), {
        method: "hmc",
        metric,
        draws: 2000,
      });
      for (const [i, mean] of [5, -5].entries()) {
        const s = fit.summary(i);
        expect(Math.abs(s.mean - mean)).toBeLessThan(5 * s.mcseMean);
        expect(Math.abs(s.sd / Math.sqrt(covariance[3 * i]) - 1)).toBeLessThan(0.08);
        expect(s.rhat).toBeLessThan(1.02);
      }
      const accept = fit.statistic("accept_stat");
      const mean = accept.reduce((a, b) => a + b, 0) / accept.length;
      expect(mean).toBeGreaterThan(0.7);
      expect(mean).toBeLessThan(0.95);
    });
  }

  it("agrees with NUTS on eight schools", () => {
    const a = sample(eightSchoolsModel(), { method: "hmc", draws: 2000, targetAccept: 0.9 });
    const b = sample(eightSchoolsModel(), { draws: 2000, targetAccept: 0.9 });
    for (let i = 0; i < 10; i++) {
      const [x, y] = [a.summary(i), b.summary(i)];
      const error = Math.hypot(x.mcseMean, y.mcseMean);
      expect(Math.abs(x.mean - y.mean)).toBeLessThan(5 * error);
    }
  });

  it("takes the planned number of steps, varied by the jitter", () => {
    const x = single(withHmc(normalModel(2), "diag"));
    x.f64("mc_inverse").fill(1);
    x.f64("mc_factor").fill(1);
    x.f64("mc_epsilon")[0] = 0.1;
    x.f64("hmc_path").set([2, 0.25, 1024]);
    x.call("mc_refresh");
    const counts = new Map<number, number>();
    for (let t = 0; t < 2000; t++) {
      x.call("hmc_transition", t);
      const n = x.f64("mc_stats")[STATISTICS.indexOf("n_leapfrog")];
      counts.set(n, (counts.get(n) ?? 0) + 1);
    }
    // nearest(20 · (1 ± 0.25 u)): 15 .. 25, the ends with half the weight (200 each inside).
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([
      15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    ]);
    for (let n = 16; n <= 24; n++) expect(Math.abs(counts.get(n)! - 200)).toBeLessThan(70);
  });

  it("stays where it is after a divergence, and says so", () => {
    const x = single(withHmc(funnelModel(5), "diag"));
    x.f64("mc_inverse").fill(1);
    x.f64("mc_factor").fill(1);
    x.f64("mc_epsilon")[0] = 3;
    x.f64("hmc_path").set([60, 0, 1024]);
    const q = x.f64("q");
    q.set([-4, 0.1, 0, 0, 0.1]);
    x.call("mc_refresh");
    const before = [...q];
    const lp = x.f64("mc_lp")[0];
    x.call("hmc_transition", 0);
    expect([...q]).toEqual(before);
    const stats = x.f64("mc_stats");
    expect(stats[STATISTICS.indexOf("divergent")]).toBe(1);
    expect(stats[STATISTICS.indexOf("accept_stat")]).toBe(0);
    expect(stats[STATISTICS.indexOf("n_leapfrog")]).toBeLessThan(20);
    expect(x.f64("mc_lp")[0]).toBe(lp);
  });
});
