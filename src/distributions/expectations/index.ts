/**
 * Entropies, expected log densities and Kullback–Leibler divergences in closed form. Each is a node
 * of the laws' batch shape, or undefined where none is known.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { sumEvent } from "../shared/batch.js";
import { HALF_LOG_2PI } from "../shared/logs.js";
import { arg } from "../shared/spec.js";
import type { Law } from "./contract.js";
import { densities } from "./densities.js";
import { divergences } from "./divergences.js";
import { entropies } from "./entropies.js";
import { expectedSquare, gaussian, independent } from "./gaussian.js";
import { moments } from "./moments.js";

export type { Law } from "./contract.js";

const vectors: ReadonlySet<string> = new Set(["MvNormal", "LowRankMvNormal"]);

/** −E_q log q(x). */
export function entropy(g: GraphBuilder, q: Law): Node | undefined {
  return entropies[q.name]?.(g, q.args);
}

/** E_q log p(x). */
export function expectedLogDensity(g: GraphBuilder, q: Law, p: Law): Node | undefined {
  const m = moments[q.name]?.(g, q.args);
  const found = m && densities[p.name]?.(g, p.args, m);
  if (found !== undefined) return found;
  const own = divergences[`${q.name} ${p.name}`]?.(g, q.args, p.args);
  const h = own && entropy(g, q);
  return own && h && g.neg(g.add(own, h));
}

/** E_q [log q(x) − log p(x)]. */
export function divergence(g: GraphBuilder, q: Law, p: Law): Node | undefined {
  const own = divergences[`${q.name} ${p.name}`]?.(g, q.args, p.args);
  if (own !== undefined) return own;
  const h = entropy(g, q);
  const expected = h && expectedLogDensity(g, q, p);
  return h && expected && g.neg(g.add(h, expected));
}

/** The law of each element of a vector: `batch ++ [D]`; undefined where it has no name here. */
export function marginals(g: GraphBuilder, q: Law): Law | undefined {
  if (vectors.has(q.name)) {
    const { mean, variances } = gaussian(g, q);
    return { name: "Normal", args: { mu: mean, sigma: g.sqrt(variances()) } };
  }
  if (q.name !== "Dirichlet") return undefined;
  const a = arg(q.args, "alpha");
  const axes = a.shape.map((_, k) => k).slice(0, -1);
  return { name: "Beta", args: { a, b: g.sub(g.broadcast(sumEvent(g, a, 1), a.shape, axes), a) } };
}

/** E_q log p(x) of a vector x whose elements are independent Normals with arguments `batch ++ [D]`. */
export function expectedVectorDensity(g: GraphBuilder, q: Law, p: Law): Node | undefined {
  if (q.name !== "Normal" || !vectors.has(p.name)) return undefined;
  const to = gaussian(g, p);
  const from = independent(g, arg(q.args, "mu"), arg(q.args, "sigma"));
  const square = g.mul(0.5, expectedSquare(g, from, to));
  return g.neg(g.add(square, g.add(to.logScale, to.size * HALF_LOG_2PI)));
}

/** Whether all draws are positive, or all between 0 and 1. */
export function rangeOf(g: GraphBuilder, q: Law): "real" | "positive" | "unit" | "count" {
  return moments[q.name]?.(g, q.args).range ?? "real";
}
