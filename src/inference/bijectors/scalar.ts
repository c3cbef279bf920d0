/** Elementwise bijectors. Jacobians are written so that they neither overflow nor cancel. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Bijector, Bounds } from "./contract.js";

const one = (): number => 1;

/** log σ(u) + log σ(−u) = log dσ/du. */
function logSigmoidSlope(g: GraphBuilder, u: Node): Node {
  return g.neg(g.add(g.softplus(u), g.softplus(g.neg(u))));
}

const total = (g: GraphBuilder, x: Node): Node => g.reduce("sum", x, [0]);

const exponential: Bijector = {
  eventRank: 0,
  free: one,
  forward: (g, u) => ({ value: g.exp(u), logDet: total(g, u) }),
};

export const scalarBijectors = {
  real: {
    eventRank: 0,
    free: one,
    forward: (g, u) => ({ value: u, logDet: g.constant(0) }),
  },
  positive: exponential,
  nonnegative: exponential,
  unit: {
    eventRank: 0,
    free: one,
    forward: (g, u) => ({ value: g.sigmoid(u), logDet: total(g, logSigmoidSlope(g, u)) }),
  },
  interval: { eventRank: 0, free: one, forward: (g, u, _, bounds) => interval(g, u, bounds) },
} as const satisfies Record<string, Bijector>;

function interval(g: GraphBuilder, u: Node, { lower, upper }: Bounds) {
  if (lower !== undefined && upper !== undefined) {
    const width = g.sub(upper, lower);
    const value = g.add(lower, g.mul(width, g.sigmoid(u)));
    const slope = g.add(g.log(width), logSigmoidSlope(g, u));
    return { value, logDet: total(g, slope) };
  }
  if (lower !== undefined) return { value: g.add(lower, g.exp(u)), logDet: total(g, u) };
  if (upper !== undefined) return { value: g.sub(upper, g.exp(u)), logDet: total(g, u) };
  return { value: u, logDet: g.constant(0) };
}
