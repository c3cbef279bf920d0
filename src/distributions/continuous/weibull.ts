import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { nonnegativeFinite, onSupport, toBatch } from "../shared/guard.js";
import { xlogy } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** (x/λ)ᵏ for x ≥ 0, by its logarithm so that no gradient is NaN at 0. */
function hazard(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const positive = g.gt(x, 0);
  const log = g.sub(g.log(g.select(positive, x, 1)), g.log(arg(args, "scale")));
  return g.select(positive, g.exp(g.mul(arg(args, "shape"), log)), 0);
}

/** Weibull(shape, scale): (k/λ) zᵏ⁻¹ exp(−zᵏ), z = x/λ, on x ≥ 0. */
export const weibull: Distribution = {
  name: "Weibull",
  parameterisations: [[scalar("shape", "positive"), scalar("scale", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => {
    const shape = arg(args, "shape");
    const scale = arg(args, "scale");
    const kernel = onSupport(g, nonnegativeFinite(g, x), x, 1, (v) =>
      g.sub(xlogy(g, g.sub(shape, 1), v), hazard(g, v, args)),
    );
    return g.add(kernel, g.sub(g.log(shape), g.mul(shape, g.log(scale))));
  },
  sample: (rng, args) => number(args, "scale") * rng.exponential() ** (1 / number(args, "shape")),
  /** λ Γ(1 + 1/k). */
  mean: (g, args, batch) => {
    const factor = g.exp(g.lgamma(g.add(g.reciprocal(arg(args, "shape")), 1)));
    return toBatch(g, g.mul(arg(args, "scale"), factor), batch);
  },
  cdf: (g, x, args) => g.neg(g.expm1(g.neg(hazard(g, x, args)))),
  logCdf: (g, x, args) => {
    const h = hazard(g, x, args);
    const possible = g.gt(h, 0);
    return g.select(possible, g.log1mexp(g.neg(g.select(possible, h, 1))), -Infinity);
  },
  logCcdf: (g, x, args) => g.neg(hazard(g, x, args)),
  quantile: (p, args) => number(args, "scale") * (-Math.log1p(-p)) ** (1 / number(args, "shape")),
};
