/** The variational bound: never falls, stays below the evidence, and its factors are optimal. */
import { describe, expect, it } from "vitest";
import type { ClusterModel, Concentration } from "../../../../src/inference/dp/contract.js";
import {
  ascendDp,
  DP_VARIATIONAL_DEFAULTS,
} from "../../../../src/inference/dp/samplers/variational.js";
import { alphaFactor } from "../../../../src/inference/dp/samplers/variational-alpha.js";
import { stream } from "../../../../src/math/rng/random.js";
import { lgamma } from "../../../../src/math/special/index.js";
import { normalGammaModel, normalModel } from "../../../helpers/cluster-models.js";
import { conjugate } from "../enumeration.js";
import { exactPosterior, subsetMarginal } from "../partitions.js";

const KEY = { seed: 1, chain: 0 };
const gamma: Concentration = { kind: "gamma", shape: 2, rate: 1.5 };
const same: Concentration = {
  kind: "prior",
  logPrior: (a) => 2 * Math.log(1.5) - lgamma(2) + Math.log(a) - 1.5 * a,
};

describe("coordinate ascent", () => {
  for (const [name, fixed] of Object.entries(conjugate)) {
    for (const concentration of [fixed.concentration, gamma]) {
      it(`${name}, α ${concentration.kind}: no update lowers the bound`, () => {
        const model: ClusterModel = { ...fixed, concentration };
        let last = -Infinity;
        let iterations = 0;
        const options = { ...DP_VARIATIONAL_DEFAULTS, truncation: 8, restarts: 1 };
        const result = ascendDp(model, options, KEY, (_, elbo) => {
          // Equal up to the rounding of sums of a few hundred terms.
          expect(elbo).toBeGreaterThan(last - 1e-11 * (1 + Math.abs(elbo)));
          last = elbo;
          iterations++;
        });
        expect(result.converged).toBe(true);
        expect(iterations).toBe(4 * result.iterations);
        expect(result.history.at(-1)).toBe(result.elbo);
        const total = result.weights.reduce((s, w) => s + w, 0);
        expect(Math.abs(total - 1)).toBeLessThan(1e-12);
      });
    }

    it(`${name}: the bound is below the evidence, and not far`, () => {
      const exact = exactPosterior(fixed.items, 1, subsetMarginal(fixed));
      // Twenty components: the truncated evidence differs by less than 5e-5.
      const options = { ...DP_VARIATIONAL_DEFAULTS, truncation: 20 };
      const { elbo, bounds } = ascendDp(fixed, options, KEY);
      expect(elbo).toBeLessThan(exact.evidence + 1e-4);
      expect(elbo).toBeGreaterThan(exact.evidence - 6);
      expect(elbo).toBe(Math.max(...bounds));
    });
  }

  it("one component is the exact posterior of one cluster, and its evidence", () => {
    const options = { ...DP_VARIATIONAL_DEFAULTS, truncation: 2 };
    const y = Float64Array.of(0.1, 0.2, 0.3);
    const tight = normalModel(y, {
      sigma: 1,
      mean: 0,
      sd: 2,
      alpha: { kind: "fixed", value: 1e-9 },
    });
    const { elbo } = ascendDp(tight, options, KEY);
    // With α → 0 all items are in one cluster: the bound is tight up to α.
    expect(Math.abs(elbo - subsetMarginal(tight)([0, 1, 2]))).toBeLessThan(1e-6);
  });

  it("a gamma prior by numerical integration is the closed form", () => {
    const [a, b] = [alphaFactor(gamma, 9, 3.5), alphaFactor(same, 9, 3.5)];
    for (const field of ["mean", "logMean", "gap"] as const) {
      expect(Math.abs(a[field] - b[field])).toBeLessThan(1e-9);
    }
  });

  it("draws of α have the factor's mean, whatever the prior", () => {
    for (const concentration of [gamma, same]) {
      const factor = alphaFactor(concentration, 9, 3.5);
      const rng = stream(3, 0, 0, 0);
      const mean = Array.from({ length: 20_000 }, () => factor.draw(rng)).reduce(
        (sum, x) => sum + x / 20_000,
        0,
      );
      // q is Gamma(11, 5): sd √11 / 5, and four standard errors of 20 000 draws.
      expect(Math.abs(mean - factor.mean)).toBeLessThan(
        (4 * Math.sqrt(11)) / 5 / Math.sqrt(20_000),
      );
    }
  });

  it("finds well-separated clusters", () => {
    const rng = stream(5, 0, 0, 0);
    const y = Float64Array.from({ length: 150 }, (_, i) => [-6, 0, 7][i % 3] + 0.5 * rng.normal());
    const base = { m: 0, kappa: 0.05, shape: 2, rate: 1, alpha: gamma };
    const options = { ...DP_VARIATIONAL_DEFAULTS, truncation: 12 };
    const result = ascendDp(normalGammaModel(y, base), options, KEY);
    const large = [...result.weights].filter((w) => w > 0.05);
    expect(large.length).toBe(3);
    for (const w of large) expect(Math.abs(w - 1 / 3)).toBeLessThan(0.05);
  });
});
