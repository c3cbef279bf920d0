import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { gammaLogDensity } from "../shared/gamma-kernel.js";
import { toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";
import { logGammaP, logGammaQ } from "../shared/tails.js";

function half(g: GraphBuilder, args: NodeArgs): Node {
  return g.mul(arg(args, "nu"), 0.5);
}
function halved(g: GraphBuilder, x: Node): Node {
  return g.mul(g.max(x, 0), 0.5);
}

/** ChiSquare(nu): Gamma(ν/2, ½), the sum of ν squared standard normals. */
export const chiSquare: Distribution = {
  name: "ChiSquare",
  parameterisations: [[scalar("nu", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => gammaLogDensity(g, x, half(g, args), 0.5),
  sample: (rng, args) => rng.chiSquared(number(args, "nu")),
  mean: (g, args, batch) => toBatch(g, arg(args, "nu"), batch),
  cdf: (g, x, args) => g.gammaP(half(g, args), halved(g, x)),
  logCdf: (g, x, args) => logGammaP(g, half(g, args), halved(g, x)),
  logCcdf: (g, x, args) => logGammaQ(g, half(g, args), halved(g, x)),
};
