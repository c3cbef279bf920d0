import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution } from "../contract.js";
import { toBatch } from "../shared/guard.js";
import { standardise } from "../shared/location-scale.js";
import { LOG_2 } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** log P(Z ≤ z), standard Laplace: z − log 2 below 0, log(1 − e⁻ᶻ/2) above. */
function logCdf(g: GraphBuilder, z: Node): Node {
  const above = g.gt(z, 0);
  const upper = g.log1p(g.mul(g.exp(g.neg(g.select(above, z, 0))), -0.5));
  return g.select(above, upper, g.sub(z, LOG_2));
}

/** Laplace(mu, b): exp(−|x − μ|/b) / 2b. */
export const laplace: Distribution = {
  name: "Laplace",
  parameterisations: [[scalar("mu", "real"), scalar("b", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args) => {
    const z = standardise(g, x, args, "mu", "b");
    return g.sub(g.neg(g.abs(z)), g.add(g.log(arg(args, "b")), LOG_2));
  },
  sample: (rng, args) => {
    const size = number(args, "b") * rng.exponential();
    return number(args, "mu") + (rng.bernoulli(0.5) === 1 ? size : -size);
  },
  mean: (g, args, batch) => toBatch(g, arg(args, "mu"), batch),
  cdf: (g, x, args) => g.exp(logCdf(g, standardise(g, x, args, "mu", "b"))),
  logCdf: (g, x, args) => logCdf(g, standardise(g, x, args, "mu", "b")),
  logCcdf: (g, x, args) => logCdf(g, g.neg(standardise(g, x, args, "mu", "b"))),
  quantile: (p, args) => {
    const unit = p < 0.5 ? Math.log(2 * p) : -Math.log(2 * (1 - p));
    return number(args, "mu") + number(args, "b") * unit;
  },
};
