/**
 * Statistics of a parameter at its values as nodes: `em/statistics.ts` for devices, where whole
 * iterations run.
 */
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";
import type { Statistic } from "../../expectation/contract.js";
import { LEAST } from "../statistics.js";

/** What a rule reads: the scalars `[length]` and the side of the site's matrices. */
interface At {
  readonly g: GraphBuilder;
  readonly v: Node;
  readonly side: number;
}

type Rule<K extends Statistic["kind"]> = (s: Extract<Statistic, { kind: K }>, at: At) => Node;

const rules: { readonly [K in Statistic["kind"]]: Rule<K> } = {
  value: (_, { v }) => v,
  products: ({ first, second }, { g, v }) => g.mul(picked(g, v, first), picked(g, v, second)),
  log: (_, { g, v }) => guardedLog(g, v),
  log1m: (_, { g, v }) => {
    const isInside = g.lt(v, 1);
    return g.select(isInside, g.log1p(g.neg(g.select(isInside, v, 0))), Math.log(LEAST));
  },
  power: ({ exponent }, { g, v }) => {
    if (exponent === 2) return g.square(v);
    return exponent === -1 ? g.reciprocal(v) : g.pow(v, exponent);
  },
  log_det: (_, { g, v, side }) => {
    const l = g.cholesky(matrices(g, v, side));
    return g.mul(2, g.sum(g.log(diagonal(g, l)), [1]));
  },
  inverse: (_, { g, v, side }) => {
    const all = matrices(g, v, side);
    return g.reshape(inverseOf(g, g.cholesky(all)), v.shape);
  },
};

/** T(v), flat. Matrices that are not positive definite give NaN. */
export function statisticNode(g: GraphBuilder, s: Statistic, v: Node, side: number): Node {
  // The entry of a kind takes just this member of the union.
  const rule = rules[s.kind] as (s: Statistic, at: At) => Node;
  return rule(s, { g, v, side });
}

/** The elements of a vector at known places. */
export function picked(g: GraphBuilder, v: Node, at: ArrayLike<number>): Node {
  const [length] = v.shape;
  let isWhole = at.length === length;
  for (let i = 0; isWhole && i < at.length; i++) isWhole = at[i] === i;
  if (isWhole) return v;
  return g.gather(v, g.constant(Float64Array.from(at), [at.length], "int"), 0);
}

/** `[matrices, side, side]`. */
export const matrices = (g: GraphBuilder, v: Node, side: number): Node =>
  g.reshape(v, [v.shape[0] / (side * side), side, side]);

/** The unit matrix for each of `[matrices, side, side]`. */
export function unitLike(g: GraphBuilder, all: Node): Node {
  const [, side] = all.shape;
  const unit = Float64Array.from({ length: side * side }, (_, i) => (i % (side + 1) === 0 ? 1 : 0));
  return g.broadcast(g.constant(unit, [side, side]), all.shape, [1, 2]);
}

/** The diagonals of `[matrices, side, side]`: `[matrices, side]`. */
export function diagonal(g: GraphBuilder, all: Node): Node {
  const [count, side] = all.shape;
  const at = Float64Array.from({ length: side }, (_, i) => i * (side + 1));
  const flat = g.reshape(all, [count, side * side]);
  return g.gather(flat, g.constant(at, [side], "int"), 1);
}

/** A⁻¹ of lower factors L with A = L Lᵀ, `[matrices, side, side]`. */
export function inverseOf(g: GraphBuilder, l: Node): Node {
  const root = g.triangularSolve(l, unitLike(g, l));
  return g.matmul(g.transpose(root), root);
}

function guardedLog(g: GraphBuilder, v: Node): Node {
  const isInside = g.gt(v, 0);
  return g.select(isInside, g.log(g.select(isInside, v, 1)), Math.log(LEAST));
}
