import type { Distribution } from "../contract.js";
import { spread } from "../shared/batch.js";
import { HALF_LOG_2PI } from "../shared/logs.js";
import { arg, array, matrix, vector } from "../shared/spec.js";
import { centredNormal, mahalanobis } from "./normal-kernel.js";

/**
 * MvNormal(mu, cov | cholesky: | precision:): exp(−d' Σ⁻¹ d / 2) / √det(2πΣ), d = x − μ, with Σ the
 * covariance, L L' of its lower Cholesky factor, or the inverse of the precision.
 */
export const mvNormal: Distribution = {
  name: "MvNormal",
  parameterisations: [
    [vector("mu", "real"), matrix("cov", "cov")],
    [vector("mu", "real"), matrix("cholesky", "cholesky_cov")],
    [vector("mu", "real"), matrix("precision", "cov")],
  ],
  event: { rank: 1, scalar: "real", sizeFrom: "mu" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args, batch) => {
    const size = x.shape[x.shape.length - 1];
    const { squared, logScale } = mahalanobis(g, x, args, batch);
    return g.sub(g.mul(squared, -0.5), g.add(logScale, size * HALF_LOG_2PI));
  },
  sample: (rng, args) => {
    const mu = array(args, "mu");
    return centredNormal(rng, args, mu.length).map((v, i) => mu[i] + v);
  },
  mean: (g, args, batch) => spread(g, arg(args, "mu"), 1, batch),
};
