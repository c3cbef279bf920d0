import type { Distribution } from "../contract.js";
import { toBatch } from "../shared/guard.js";
import { standardise } from "../shared/location-scale.js";
import { arg, number, scalar } from "../shared/spec.js";

/** Logistic(mu, s): e⁻ᶻ / (s (1 + e⁻ᶻ)²), z = (x − μ)/s. */
export const logistic: Distribution = {
  name: "Logistic",
  parameterisations: [[scalar("mu", "real"), scalar("s", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args) => {
    // By symmetry in z; with −|z| both terms are small where the density is large.
    const z = g.neg(g.abs(standardise(g, x, args, "mu", "s")));
    return g.sub(g.sub(z, g.mul(g.softplus(z), 2)), g.log(arg(args, "s")));
  },
  sample: (rng, args) => {
    const u = rng.uniform();
    return number(args, "mu") + number(args, "s") * Math.log(u / (1 - u));
  },
  mean: (g, args, batch) => toBatch(g, arg(args, "mu"), batch),
  cdf: (g, x, args) => g.sigmoid(standardise(g, x, args, "mu", "s")),
  logCdf: (g, x, args) => g.neg(g.softplus(g.neg(standardise(g, x, args, "mu", "s")))),
  logCcdf: (g, x, args) => g.neg(g.softplus(standardise(g, x, args, "mu", "s"))),
  quantile: (p, args) => number(args, "mu") + number(args, "s") * (Math.log(p) - Math.log1p(-p)),
};
