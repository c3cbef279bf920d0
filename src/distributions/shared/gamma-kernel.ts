/** The gamma density, shared by Gamma and ChiSquare. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { nonnegativeFinite, onSupport } from "./guard.js";
import { xlogy } from "./logs.js";

/** rateᵃ xᵃ⁻¹ exp(−rate x) / Γ(a) on x ≥ 0, in logs; at x = 0 it is +∞ for a < 1. */
export function gammaLogDensity(g: GraphBuilder, x: Node, shape: Node, rate: Node | number): Node {
  const kernel = onSupport(g, nonnegativeFinite(g, x), x, 1, (v) =>
    g.sub(xlogy(g, g.sub(shape, 1), v), g.mul(v, rate)),
  );
  return g.add(kernel, g.sub(g.mul(shape, g.log(rate)), g.lgamma(shape)));
}
