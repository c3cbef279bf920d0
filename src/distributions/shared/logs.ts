/**
 * Logarithms at the edges of a support: products 0 · log 0 that mean 0, log probabilities of
 * events that cannot happen, and squares that would overflow.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";

export const LOG_2 = Math.LN2;
export const LOG_PI = 1.1447298858494002;
/** log √(2π). */
export const HALF_LOG_2PI = 0.9189385332046727;
/** Half of it is finite, all of it is not. */
const HALF_OF_INFINITY = Number.MAX_VALUE;
/** Beyond it 1 + r = r, so that log(1 + r) · 2 stands for log(1 + r²). */
const FAR = 1e20;

/** a · log y, and 0 where a = y = 0. */
export function xlogy(g: GraphBuilder, a: Node | number, y: Node): Node {
  const vanishes = g.and(g.eq(a, 0), g.eq(y, 0));
  return g.mul(a, g.log(g.select(vanishes, 1, y)));
}

/** a · log(1 + y), and 0 where a = 0 and y = −1. */
export function xlog1py(g: GraphBuilder, a: Node | number, y: Node): Node {
  const vanishes = g.and(g.eq(a, 0), g.eq(y, -1));
  return g.mul(a, g.log1p(g.select(vanishes, 0, y)));
}

/** log p, −∞ with gradient 0 at p = 0: where the event does not occur, no gradient is NaN. */
export function logProbability(g: GraphBuilder, p: Node): Node {
  const possible = g.gt(p, 0);
  return g.select(possible, g.log(g.select(possible, p, 1)), -Infinity);
}

/** log(1 − p), −∞ with gradient 0 at p = 1. */
export function logComplement(g: GraphBuilder, p: Node): Node {
  const possible = g.lt(p, 1);
  return g.select(possible, g.log1p(g.neg(g.select(possible, p, 0))), -Infinity);
}

/**
 * `count · logP` for a finite count ≥ 0 and logP from `logProbability` or `logComplement`, with
 * 0 · (−∞) = 0. It stays linear in the count, so that sums over data factor out: half of logP is
 * bounded by the largest number, and doubling the product afterwards overflows to −∞ wherever
 * count ≥ 1. Both factors of two are exact.
 */
export function countTimesLog(g: GraphBuilder, count: Node, logP: Node): Node {
  const half = g.max(g.mul(logP, 0.5), -HALF_OF_INFINITY);
  return g.mul(g.mul(count, half), 2);
}

/** log(1 + r²), also where r² overflows. */
export function log1pSquare(g: GraphBuilder, r: Node): Node {
  const size = g.abs(r);
  const far = g.gt(size, FAR);
  return g.mul(g.select(far, 2, 1), g.log1p(g.select(far, size, g.square(r))));
}

/** log(exp a − exp b) for a ≥ b; −∞ where they are equal. */
export function logDiffExp(g: GraphBuilder, a: Node, b: Node): Node {
  const positive = g.lt(b, a);
  const gap = g.select(positive, g.sub(b, a), -1);
  return g.select(positive, g.add(a, g.log1mexp(gap)), -Infinity);
}
