import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { lgammaDifference } from "../shared/gamma.js";
import { isCount, onSupport, toBatch } from "../shared/guard.js";
import { countTimesLog, logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";
import { logBetaInc, opposite, type UnitPoint } from "../shared/tails.js";

/** P(X ≤ k) = I_{φ/(φ+μ)}(φ, k + 1) and P(X > k) = I_{μ/(φ+μ)}(k + 1, φ), in logs. */
function logTail(g: GraphBuilder, x: Node, args: NodeArgs, lower: boolean): Node {
  const mean = arg(args, "mean");
  const phi = arg(args, "dispersion");
  const inside = g.ge(x, 0);
  const next = g.add(g.floor(g.select(inside, x, 0)), 1);
  const total = g.add(mean, phi);
  const excess = g.log1p(g.div(mean, phi));
  const success: UnitPoint = {
    z: g.div(mean, total),
    rest: g.div(phi, total),
    logZ: g.sub(logProbability(g, mean), g.add(g.log(phi), excess)),
    logRest: g.neg(excess),
  };
  const value = lower
    ? logBetaInc(g, phi, next, opposite(success))
    : logBetaInc(g, next, phi, success);
  return g.select(inside, value, lower ? -Infinity : 0);
}

/**
 * NegativeBinomial(mean, dispersion): a Poisson draw whose rate is Gamma(φ, φ/μ), μ = mean and
 * φ = dispersion, so that its variance is μ + μ²/φ; φ → ∞ is Poisson(μ).
 * Γ(x + φ) / (Γ(φ) x!) · (μ/(μ + φ))ˣ (φ/(μ + φ))ᵠ.
 */
export const negativeBinomial: Distribution = {
  name: "NegativeBinomial",
  parameterisations: [[scalar("mean", "nonnegative"), scalar("dispersion", "positive")]],
  event: { rank: 0, scalar: "int" },
  support: () => ({ kind: "count" }),
  logProb: (g, x, args) => {
    const mean = arg(args, "mean");
    const phi = arg(args, "dispersion");
    // log((μ + φ)/φ), from which both log probabilities follow without cancelling.
    const excess = g.log1p(g.div(mean, phi));
    const logFailure = g.sub(logProbability(g, mean), g.add(g.log(phi), excess));
    const kernel = onSupport(g, isCount(g, x), x, 0, (v) => {
      const ways = g.sub(lgammaDifference(g, phi, v), g.lgamma(g.add(v, 1)));
      return g.add(ways, countTimesLog(g, v, logFailure));
    });
    return g.sub(kernel, g.mul(phi, excess));
  },
  sample: (rng, args) => {
    const mean = number(args, "mean");
    return mean === 0 ? 0 : rng.negativeBinomial(mean, number(args, "dispersion"));
  },
  mean: (g, args, batch) => toBatch(g, arg(args, "mean"), batch),
  cdf: (g, x, args) => g.exp(logTail(g, x, args, true)),
  logCdf: (g, x, args) => logTail(g, x, args, true),
  logCcdf: (g, x, args) => logTail(g, x, args, false),
};
