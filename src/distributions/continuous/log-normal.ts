import { normalQuantile } from "../../math/special/normal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { onSupport, toBatch } from "../shared/guard.js";
import { HALF_LOG_2PI } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** (log x − μ)/σ, −∞ below 0. */
function score(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const positive = g.gt(x, 0);
  const log = g.select(positive, g.log(g.select(positive, x, 1)), -Infinity);
  return g.div(g.sub(log, arg(args, "mu")), arg(args, "sigma"));
}

/** LogNormal(mu, sigma): log x is Normal(μ, σ). */
export const logNormal: Distribution = {
  name: "LogNormal",
  parameterisations: [[scalar("mu", "real"), scalar("sigma", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => {
    const sigma = arg(args, "sigma");
    const kernel = onSupport(g, g.gt(x, 0), x, 1, (v) => {
      const log = g.log(v);
      const z = g.div(g.sub(log, arg(args, "mu")), sigma);
      return g.sub(g.mul(g.square(z), -0.5), log);
    });
    return g.sub(kernel, g.add(g.log(sigma), HALF_LOG_2PI));
  },
  sample: (rng, args) => Math.exp(number(args, "mu") + number(args, "sigma") * rng.normal()),
  mean: (g, args, batch) => {
    const halfVariance = g.mul(g.square(arg(args, "sigma")), 0.5);
    return toBatch(g, g.exp(g.add(arg(args, "mu"), halfVariance)), batch);
  },
  cdf: (g, x, args) => g.exp(g.logNdtr(score(g, x, args))),
  logCdf: (g, x, args) => g.logNdtr(score(g, x, args)),
  logCcdf: (g, x, args) => g.logNdtr(g.neg(score(g, x, args))),
  quantile: (p, args) => Math.exp(number(args, "mu") + number(args, "sigma") * normalQuantile(p)),
};
