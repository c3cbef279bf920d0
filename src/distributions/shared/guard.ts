/**
 * Supports inside a density. A density is a select over its formula; so that the branch which is
 * not taken spoils no gradient (0 · ∞), the formula sees a harmless value there: "double where".
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, Shape } from "../../tensor/ops.js";

/**
 * `density(x)` where `inside` holds, −∞ elsewhere; elsewhere the formula is evaluated at `safe`.
 * Give it only the terms that depend on x: what is left outside keeps its scalar shape, so that
 * a sum over the batch takes it once.
 */
export function onSupport(
  g: GraphBuilder,
  inside: Node,
  x: Node,
  safe: Node | number,
  density: (x: Node) => Node,
): Node {
  return g.select(inside, density(g.select(inside, x, safe)), -Infinity);
}

/** `lower ≤ x ≤ upper`. */
export function between(
  g: GraphBuilder,
  x: Node,
  lower: Node | number,
  upper: Node | number,
): Node {
  return g.and(g.ge(x, lower), g.le(x, upper));
}

/** x is a finite number ≥ 0. */
export function nonnegativeFinite(g: GraphBuilder, x: Node): Node {
  return g.and(g.ge(x, 0), g.lt(x, Infinity));
}

/** x ∈ {0, 1, 2, …}. Whether it is whole is asked only where its dtype does not say so. */
export function isCount(g: GraphBuilder, x: Node): Node {
  const inRange = nonnegativeFinite(g, x);
  return x.dtype === "real" ? g.and(inRange, g.eq(g.floor(x), x)) : inRange;
}

/** x ∈ {0, …, upper}. */
export function isCountUpTo(g: GraphBuilder, x: Node, upper: Node | number): Node {
  const inRange = between(g, x, 0, upper);
  return x.dtype === "real" ? g.and(inRange, g.eq(g.floor(x), x)) : inRange;
}

/** `x` with the shape of the batch: a scalar is repeated. */
export function toBatch(g: GraphBuilder, x: Node, batch: Shape): Node {
  return x.shape.length === batch.length ? x : g.broadcast(x, batch, []);
}
