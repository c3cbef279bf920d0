/** The standard Student t distribution, which StudentT and HalfStudentT scale, shift and fold. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { lgammaDifference } from "./gamma.js";
import { LOG_2, LOG_PI, log1pSquare, logProbability } from "./logs.js";
import { logBetaInc, opposite, type UnitPoint } from "./tails.js";

/**
 * −(ν + 1)/2 · log(1 + d²/(ν σ²)) for d = x − location: the part of the log density that
 * depends on x.
 */
export function studentKernel(g: GraphBuilder, d: Node, nu: Node, sigma: Node): Node {
  const r = g.div(d, g.mul(sigma, g.sqrt(nu)));
  return g.mul(log1pSquare(g, r), g.mul(g.add(nu, 1), -0.5));
}

/** log of the density's constant: Γ((ν + 1)/2) / (Γ(ν/2) √(νπ) σ). */
export function studentConstant(g: GraphBuilder, nu: Node, sigma: Node): Node {
  const gammas = lgammaDifference(g, g.mul(nu, 0.5), 0.5);
  return g.sub(gammas, g.add(g.log(sigma), g.mul(g.add(g.log(nu), LOG_PI), 0.5)));
}

/** ν/(ν + t²), of which a tail is I(ν/2, ½)/2. */
function tailPoint(g: GraphBuilder, t: Node, nu: Node): UnitPoint {
  const square = g.square(g.div(t, g.sqrt(nu)));
  const logZ = g.neg(log1pSquare(g, g.div(t, g.sqrt(nu))));
  // 1 − z = s/(1 + s) as 1/(1 + 1/s), which does not overflow.
  const positive = g.gt(square, 0);
  const inverse = g.reciprocal(g.select(positive, square, 1));
  const rest = g.select(positive, g.reciprocal(g.add(inverse, 1)), 0);
  return { z: g.reciprocal(g.add(square, 1)), rest, logZ, logRest: logProbability(g, rest) };
}

/** log P(|T| > t) for t ≥ 0 and ν degrees of freedom. */
export function studentLogOutside(g: GraphBuilder, t: Node, nu: Node): Node {
  return logBetaInc(g, g.mul(nu, 0.5), g.constant(0.5), tailPoint(g, t, nu));
}

/** log P(|T| ≤ t) for t ≥ 0. */
export function studentLogInside(g: GraphBuilder, t: Node, nu: Node): Node {
  return logBetaInc(g, g.constant(0.5), g.mul(nu, 0.5), opposite(tailPoint(g, t, nu)));
}

/** log P(T > t) for any t. */
export function studentLogCcdf(g: GraphBuilder, t: Node, nu: Node): Node {
  const tail = g.sub(studentLogOutside(g, g.abs(t), nu), LOG_2);
  const above = g.gt(t, 0);
  return g.select(above, tail, g.log1p(g.neg(g.exp(tail))));
}
