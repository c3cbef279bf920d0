import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, Shape } from "../../tensor/ops.js";
import type { Distribution } from "../contract.js";
import { alongEvent, spread, sumEvent } from "../shared/batch.js";
import { onSupport } from "../shared/guard.js";
import { xlogy } from "../shared/logs.js";
import { arg, array, vector } from "../shared/spec.js";

/** How far a point may be from the simplex: data are often rounded to a few digits. */
const TOLERANCE = 1e-6;

/** Whether each row lies on the simplex; shape of the batch. */
function onSimplex(g: GraphBuilder, x: Node): Node {
  const outside = sumEvent(g, g.select(g.ge(x, 0), 0, 1), 1);
  const gap = g.abs(g.sub(sumEvent(g, x, 1), 1));
  return g.and(g.eq(outside, 0), g.le(gap, TOLERANCE));
}

/** Dirichlet(alpha): Γ(Σα)/ΠΓ(α) · Π x[k]^(α[k] − 1) on the simplex. */
export const dirichlet: Distribution = {
  name: "Dirichlet",
  parameterisations: [[vector("alpha", "positive_vector")]],
  event: { rank: 1, scalar: "real", sizeFrom: "alpha" },
  support: () => ({ kind: "simplex" }),
  logProb: (g, x, args, batch: Shape) => {
    const alpha = arg(args, "alpha");
    const size = x.shape[x.shape.length - 1];
    const inside = alongEvent(g, onSimplex(g, x), [size]);
    const exponent = spread(g, g.sub(alpha, 1), 1, batch);
    const kernel = onSupport(g, inside, x, 1 / size, (v) => xlogy(g, exponent, v));
    const gammas = sumEvent(g, g.lgamma(alpha), 1);
    const normaliser = g.sub(gammas, g.lgamma(sumEvent(g, alpha, 1)));
    return g.sub(sumEvent(g, kernel, 1), normaliser);
  },
  sample: (rng, args) => rng.dirichlet(array(args, "alpha")),
  mean: (g, args, batch) => {
    const alpha = arg(args, "alpha");
    const size = alpha.shape[alpha.shape.length - 1];
    const share = g.div(alpha, alongEvent(g, sumEvent(g, alpha, 1), [size]));
    return spread(g, share, 1, batch);
  },
};
