import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution } from "../contract.js";
import { lbeta } from "../shared/gamma.js";
import { between, onSupport, toBatch } from "../shared/guard.js";
import { xlog1py, xlogy } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";
import { logBetaInc, opposite, type UnitPoint, unitPoint } from "../shared/tails.js";

/** x brought to [0, 1]. */
function inUnit(g: GraphBuilder, x: Node): UnitPoint {
  const z = g.min(g.max(x, 0), 1);
  return unitPoint(g, z, g.sub(1, z));
}

/** Beta(a, b): xᵃ⁻¹ (1 − x)ᵇ⁻¹ / B(a, b) on [0, 1]; +∞ at an end whose exponent is negative. */
export const beta: Distribution = {
  name: "Beta",
  parameterisations: [[scalar("a", "positive"), scalar("b", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "unit" }),
  logProb: (g, x, args) => {
    const a = arg(args, "a");
    const b = arg(args, "b");
    const kernel = onSupport(g, between(g, x, 0, 1), x, 0.5, (v) =>
      g.add(xlogy(g, g.sub(a, 1), v), xlog1py(g, g.sub(b, 1), g.neg(v))),
    );
    return g.sub(kernel, lbeta(g, a, b));
  },
  sample: (rng, args) => rng.beta(number(args, "a"), number(args, "b")),
  mean: (g, args, batch) => {
    const a = arg(args, "a");
    return toBatch(g, g.div(a, g.add(a, arg(args, "b"))), batch);
  },
  cdf: (g, x, args) => g.betaInc(arg(args, "a"), arg(args, "b"), g.min(g.max(x, 0), 1)),
  logCdf: (g, x, args) => logBetaInc(g, arg(args, "a"), arg(args, "b"), inUnit(g, x)),
  logCcdf: (g, x, args) => logBetaInc(g, arg(args, "b"), arg(args, "a"), opposite(inUnit(g, x))),
};
