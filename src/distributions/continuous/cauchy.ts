import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution } from "../contract.js";
import { standardise } from "../shared/location-scale.js";
import { LOG_PI, log1pSquare } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** P(Z > z) = ½ − atan(z)/π for a standard Cauchy Z; as atan2(1, z)/π it keeps its digits. */
function upperTail(g: GraphBuilder, z: Node): Node {
  return g.div(g.atan2(g.add(g.mul(z, 0), 1), z), Math.PI);
}

/** Cauchy(mu, sigma): 1 / (π σ (1 + z²)), z = (x − μ)/σ. It has no mean. */
export const cauchy: Distribution = {
  name: "Cauchy",
  parameterisations: [[scalar("mu", "real"), scalar("sigma", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args) => {
    const z = standardise(g, x, args, "mu", "sigma");
    return g.sub(g.neg(log1pSquare(g, z)), g.add(g.log(arg(args, "sigma")), LOG_PI));
  },
  sample: (rng, args) =>
    number(args, "mu") + number(args, "sigma") * Math.tan(Math.PI * (rng.uniform() - 0.5)),
  cdf: (g, x, args) => upperTail(g, g.neg(standardise(g, x, args, "mu", "sigma"))),
  logCdf: (g, x, args) => g.log(upperTail(g, g.neg(standardise(g, x, args, "mu", "sigma")))),
  logCcdf: (g, x, args) => g.log(upperTail(g, standardise(g, x, args, "mu", "sigma"))),
  quantile: (p, args) => number(args, "mu") - number(args, "sigma") / Math.tan(Math.PI * p),
};
