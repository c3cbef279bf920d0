import type { Distribution } from "../contract.js";
import { toBatch } from "../shared/guard.js";
import { standardise } from "../shared/location-scale.js";
import { arg, number, scalar } from "../shared/spec.js";

const EULER = 0.5772156649015329;
/** Below it e⁻ᶻ is infinite, and so is minus the log density. */
const LOWEST = -750;
/** Above it 1 − exp(−e⁻ᶻ) = e⁻ᶻ to rounding. */
const HIGH = 40;

/** Gumbel(mu, beta), of maxima: exp(−z − e⁻ᶻ) / β, z = (x − μ)/β. */
export const gumbel: Distribution = {
  name: "Gumbel",
  parameterisations: [[scalar("mu", "real"), scalar("beta", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args) => {
    // The bound keeps −∞ + ∞ out.
    const z = g.max(standardise(g, x, args, "mu", "beta"), LOWEST);
    return g.sub(g.neg(g.add(z, g.exp(g.neg(z)))), g.log(arg(args, "beta")));
  },
  sample: (rng, args) => number(args, "mu") - number(args, "beta") * Math.log(rng.exponential()),
  mean: (g, args, batch) =>
    toBatch(g, g.add(arg(args, "mu"), g.mul(arg(args, "beta"), EULER)), batch),
  cdf: (g, x, args) => g.exp(g.neg(g.exp(g.neg(standardise(g, x, args, "mu", "beta"))))),
  logCdf: (g, x, args) => g.neg(g.exp(g.neg(standardise(g, x, args, "mu", "beta")))),
  logCcdf: (g, x, args) => {
    const z = standardise(g, x, args, "mu", "beta");
    const high = g.gt(z, HIGH);
    const near = g.log1mexp(g.neg(g.exp(g.neg(g.select(high, 0, z)))));
    return g.select(high, g.neg(z), near);
  },
  quantile: (p, args) => number(args, "mu") - number(args, "beta") * Math.log(-Math.log(p)),
};
