import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { onSupport, toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";
import { logGammaP, logGammaQ } from "../shared/tails.js";

/** scale / x, ∞ below the support. */
function inverted(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const positive = g.gt(x, 0);
  return g.select(positive, g.div(arg(args, "scale"), g.select(positive, x, 1)), Infinity);
}

/** InverseGamma(shape, scale): scaleᵃ x⁻ᵃ⁻¹ exp(−scale/x) / Γ(a); 1/x is Gamma(a, rate: scale). */
export const inverseGamma: Distribution = {
  name: "InverseGamma",
  parameterisations: [[scalar("shape", "positive"), scalar("scale", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => {
    const shape = arg(args, "shape");
    const scale = arg(args, "scale");
    const kernel = onSupport(g, g.gt(x, 0), x, 1, (v) =>
      g.sub(g.neg(g.mul(g.add(shape, 1), g.log(v))), g.div(scale, v)),
    );
    return g.add(kernel, g.sub(g.mul(shape, g.log(scale)), g.lgamma(shape)));
  },
  sample: (rng, args) =>
    Math.exp(Math.log(number(args, "scale")) - rng.logGamma(number(args, "shape"))),
  /** ∞ for shape ≤ 1. */
  mean: (g, args, batch) => {
    const shape = arg(args, "shape");
    const exists = g.gt(shape, 1);
    const unit = g.reciprocal(g.select(exists, g.sub(shape, 1), 1));
    return toBatch(g, g.mul(g.select(exists, unit, Infinity), arg(args, "scale")), batch);
  },
  cdf: (g, x, args) => g.exp(logGammaQ(g, arg(args, "shape"), inverted(g, x, args))),
  logCdf: (g, x, args) => logGammaQ(g, arg(args, "shape"), inverted(g, x, args)),
  logCcdf: (g, x, args) => logGammaP(g, arg(args, "shape"), inverted(g, x, args)),
};
