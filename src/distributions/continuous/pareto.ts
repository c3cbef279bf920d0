import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { onSupport, toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";

/** log P(X > x) = −α log(x / x_min), 0 below x_min. */
function logCcdf(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const low = arg(args, "x_min");
  return g.neg(g.mul(arg(args, "alpha"), g.log(g.div(g.max(x, low), low))));
}

/** Pareto(x_min, alpha): α x_minᵅ / xᵅ⁺¹ on x ≥ x_min. */
export const pareto: Distribution = {
  name: "Pareto",
  parameterisations: [[scalar("x_min", "positive"), scalar("alpha", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "interval", lower: { param: "x_min" } }),
  logProb: (g, x, args) => {
    const low = arg(args, "x_min");
    const alpha = arg(args, "alpha");
    const kernel = onSupport(g, g.ge(x, low), x, low, (v) =>
      g.neg(g.mul(g.add(alpha, 1), g.log(g.div(v, low)))),
    );
    return g.add(kernel, g.sub(g.log(alpha), g.log(low)));
  },
  sample: (rng, args) =>
    number(args, "x_min") * Math.exp(rng.exponential() / number(args, "alpha")),
  /** α x_min / (α − 1); ∞ for α ≤ 1. */
  mean: (g, args, batch) => {
    const alpha = arg(args, "alpha");
    const exists = g.gt(alpha, 1);
    const ratio = g.div(alpha, g.select(exists, g.sub(alpha, 1), 1));
    return toBatch(g, g.mul(g.select(exists, ratio, Infinity), arg(args, "x_min")), batch);
  },
  cdf: (g, x, args) => g.neg(g.expm1(logCcdf(g, x, args))),
  logCdf: (g, x, args) => {
    const t = logCcdf(g, x, args);
    const possible = g.lt(t, 0);
    return g.select(possible, g.log1mexp(g.select(possible, t, -1)), -Infinity);
  },
  logCcdf,
  quantile: (p, args) => number(args, "x_min") * Math.exp(-Math.log1p(-p) / number(args, "alpha")),
};
