import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { lbeta } from "../shared/gamma.js";
import { between, onSupport, toBatch } from "../shared/guard.js";
import { xlogy } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** log(1 − xᵃ) for 0 < x < 1; 0 and −∞ at and beyond the ends. */
function logRest(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const above = g.gt(x, 0);
  const below = g.lt(x, 1);
  const safe = g.select(g.and(above, below), x, 0.5);
  const inner = g.log1mexp(g.mul(arg(args, "a"), g.log(safe)));
  return g.select(above, g.select(below, inner, -Infinity), 0);
}

/** Kumaraswamy(a, b): a b xᵃ⁻¹ (1 − xᵃ)ᵇ⁻¹ on [0, 1]. */
export const kumaraswamy: Distribution = {
  name: "Kumaraswamy",
  parameterisations: [[scalar("a", "positive"), scalar("b", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "unit" }),
  logProb: (g, x, args) => {
    const a = arg(args, "a");
    const b = arg(args, "b");
    const kernel = onSupport(g, between(g, x, 0, 1), x, 0.5, (v) => {
      const exponent = g.sub(b, 1);
      const flat = g.and(g.eq(exponent, 0), g.ge(v, 1));
      const rest = g.mul(exponent, logRest(g, g.select(flat, 0.5, v), args));
      return g.add(xlogy(g, g.sub(a, 1), v), g.select(flat, 0, rest));
    });
    return g.add(kernel, g.add(g.log(a), g.log(b)));
  },
  sample: (rng, args) =>
    (-Math.expm1(Math.log(rng.uniform()) / number(args, "b"))) ** (1 / number(args, "a")),
  /** b B(1 + 1/a, b). */
  mean: (g, args, batch) => {
    const b = arg(args, "b");
    const first = g.add(g.reciprocal(arg(args, "a")), 1);
    return toBatch(g, g.mul(b, g.exp(lbeta(g, first, b))), batch);
  },
  cdf: (g, x, args) => g.neg(g.expm1(g.mul(arg(args, "b"), logRest(g, x, args)))),
  logCdf: (g, x, args) => {
    const t = g.mul(arg(args, "b"), logRest(g, x, args));
    const possible = g.lt(t, 0);
    return g.select(possible, g.log1mexp(g.select(possible, t, -1)), -Infinity);
  },
  logCcdf: (g, x, args) => g.mul(arg(args, "b"), logRest(g, x, args)),
  quantile: (p, args) =>
    (-Math.expm1(Math.log1p(-p) / number(args, "b"))) ** (1 / number(args, "a")),
};
