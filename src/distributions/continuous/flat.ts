import { internalError } from "../../base/internal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Bound, Distribution, NodeArgs } from "../contract.js";

function inside(g: GraphBuilder, x: Node, args: NodeArgs): Node | undefined {
  const { lower, upper } = args;
  if (lower === undefined) return upper === undefined ? undefined : g.le(x, upper);
  return upper === undefined ? g.ge(x, lower) : g.and(g.ge(x, lower), g.le(x, upper));
}

/**
 * Flat(lower:, upper:): the improper density 1 on the line or on the part between the bounds; no
 * normaliser even where both are given. It can be drawn from only between two bounds.
 */
export const flat: Distribution = {
  name: "Flat",
  parameterisations: [
    [
      { name: "lower", rank: 0, domain: "real", optional: true },
      { name: "upper", rank: 0, domain: "real", optional: true },
    ],
  ],
  event: { rank: 0, scalar: "real" },
  support: (present) => {
    if (!present.has("lower") && !present.has("upper")) return { kind: "real" };
    const bounds: { lower?: Bound; upper?: Bound } = {};
    if (present.has("lower")) bounds.lower = { param: "lower" };
    if (present.has("upper")) bounds.upper = { param: "upper" };
    return { kind: "interval", ...bounds };
  },
  logProb: (g, x, args, batch) => {
    const condition = inside(g, x, args);
    return condition === undefined ? g.zeros(batch) : g.select(condition, 0, -Infinity);
  },
  sample: (rng, args) => {
    const { lower, upper } = args;
    if (typeof lower !== "number" || typeof upper !== "number") {
      return internalError("a draw from Flat without two bounds, which is improper");
    }
    return lower + (upper - lower) * rng.uniform();
  },
};
