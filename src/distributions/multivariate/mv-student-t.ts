import type { Distribution } from "../contract.js";
import { alongEvent, spread } from "../shared/batch.js";
import { lgammaDifference } from "../shared/gamma.js";
import { LOG_PI } from "../shared/logs.js";
import { arg, array, matrix, number, scalar, vector } from "../shared/spec.js";
import { centredNormal, mahalanobis } from "./normal-kernel.js";

/**
 * MvStudentT(nu, mu, cov): Γ((ν + D)/2) / (Γ(ν/2) (νπ)^{D/2} √det Σ) · (1 + d' Σ⁻¹ d / ν)^{−(ν+D)/2}.
 * `cov` is the scale matrix Σ; the covariance is Σ ν/(ν − 2).
 */
export const mvStudentT: Distribution = {
  name: "MvStudentT",
  parameterisations: [[scalar("nu", "positive"), vector("mu", "real"), matrix("cov", "cov")]],
  event: { rank: 1, scalar: "real", sizeFrom: "mu" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args, batch) => {
    const nu = arg(args, "nu");
    const size = x.shape[x.shape.length - 1];
    const { squared, logScale } = mahalanobis(g, x, args, batch);
    const power = g.mul(g.add(nu, size), -0.5);
    const kernel = g.mul(g.log1p(g.div(squared, nu)), power);
    const gammas = lgammaDifference(g, g.mul(nu, 0.5), size / 2);
    const volume = g.mul(g.add(g.log(nu), LOG_PI), size / 2);
    return g.add(kernel, g.sub(g.sub(gammas, volume), logScale));
  },
  sample: (rng, args) => {
    const mu = array(args, "mu");
    const nu = number(args, "nu");
    const stretch = Math.exp(0.5 * (Math.log(nu / 2) - rng.logGamma(nu / 2)));
    return centredNormal(rng, args, mu.length).map((v, i) => mu[i] + stretch * v);
  },
  /** NaN for ν ≤ 1, where there is no mean. */
  mean: (g, args, batch) => {
    const mu = arg(args, "mu");
    const exists = g.gt(arg(args, "nu"), 1);
    if (exists.shape.length === 0) return spread(g, g.select(exists, mu, Number.NaN), 1, batch);
    const size = mu.shape[mu.shape.length - 1];
    return g.select(alongEvent(g, exists, [size]), spread(g, mu, 1, batch), Number.NaN);
  },
};
