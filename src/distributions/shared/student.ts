/** The standard Student t distribution, which StudentT and HalfStudentT scale, shift and fold. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { lgammaDifference } from "./gamma.js";
import { LOG_PI, log1pSquare, logProbability } from "./logs.js";

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

/**
 * P(T > t) for t ≥ 0 and ν degrees of freedom: ½ I_w(ν/2, ½) with w = ν/(ν + t²). Near t = 0,
 * where w rounds to 1, the complement ½ − ½ I_{1−w}(½, ν/2) is used.
 */
export function studentUpperTail(g: GraphBuilder, t: Node, nu: Node): Node {
  const square = g.square(t);
  const near = g.lt(square, nu);
  const half = g.mul(nu, 0.5);
  const inner = g.div(square, g.add(nu, square));
  const outer = g.div(nu, g.add(nu, square));
  return g.select(
    near,
    g.sub(0.5, g.mul(g.betaInc(0.5, half, g.select(near, inner, 0.25)), 0.5)),
    g.mul(g.betaInc(half, 0.5, g.select(near, 0.25, outer)), 0.5),
  );
}

/** log P(T > t) for any t. */
export function studentLogCcdf(g: GraphBuilder, t: Node, nu: Node): Node {
  const tail = studentUpperTail(g, g.abs(t), nu);
  const above = g.gt(t, 0);
  const lower = g.log1p(g.neg(g.select(above, 0.5, tail)));
  return g.select(above, logProbability(g, tail), lower);
}
