import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { gammaLogDensity } from "../shared/gamma-kernel.js";
import { toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";
import { logGammaP, logGammaQ } from "../shared/tails.js";

/** rate · x, 0 below the support. */
function scaled(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  return g.mul(g.max(x, 0), arg(args, "rate"));
}

/** Gamma(shape, rate): rateᵃ xᵃ⁻¹ exp(−rate x) / Γ(a), a = shape; mean shape/rate. */
export const gamma: Distribution = {
  name: "Gamma",
  parameterisations: [[scalar("shape", "positive"), scalar("rate", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => gammaLogDensity(g, x, arg(args, "shape"), arg(args, "rate")),
  sample: (rng, args) => rng.gamma(number(args, "shape")) / number(args, "rate"),
  mean: (g, args, batch) => toBatch(g, g.div(arg(args, "shape"), arg(args, "rate")), batch),
  cdf: (g, x, args) => g.gammaP(arg(args, "shape"), scaled(g, x, args)),
  logCdf: (g, x, args) => logGammaP(g, arg(args, "shape"), scaled(g, x, args)),
  logCcdf: (g, x, args) => logGammaQ(g, arg(args, "shape"), scaled(g, x, args)),
};
