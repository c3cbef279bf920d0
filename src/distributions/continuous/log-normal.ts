import { normalQuantile } from "../../math/special/normal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { onSupport, toBatch } from "../shared/guard.js";
import { HALF_LOG_2PI } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** log Φ(±(log x − μ)/σ); −∞ and 0 where x ≤ 0. */
function logTail(g: GraphBuilder, x: Node, args: NodeArgs, lower: boolean): Node {
  const positive = g.gt(x, 0);
  const log = g.log(g.select(positive, x, 1));
  const z = g.div(g.sub(log, arg(args, "mu")), arg(args, "sigma"));
  return g.select(positive, g.logNdtr(lower ? z : g.neg(z)), lower ? -Infinity : 0);
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
  cdf: (g, x, args) => g.exp(logTail(g, x, args, true)),
  logCdf: (g, x, args) => logTail(g, x, args, true),
  logCcdf: (g, x, args) => logTail(g, x, args, false),
  quantile: (p, args) => Math.exp(number(args, "mu") + number(args, "sigma") * normalQuantile(p)),
};
