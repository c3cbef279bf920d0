/**
 * Closed forms of the M-step as nodes: the same maximisers as the host's, for devices on which whole
 * iterations run. Where one does not hold the host takes over, so that a form need tell only that.
 */
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";
import { diagonal, inverseOf, matrices, picked, unitLike } from "../graph/statistics.js";

/** The maximiser, `[length]`, and whether the closed form holds: rank 0, bool. */
export interface NodeOutcome {
  readonly value: Node;
  readonly holds: Node;
}

/**
 * @param eta one vector for each statistic, in their order
 * @param v present values, which stay where nothing is known of them
 */
export type NodeForm = (g: GraphBuilder, eta: readonly Node[], v: Node) => NodeOutcome;

/** Whether all elements hold: rank 0, bool. What is not a number holds nothing. */
export function all(g: GraphBuilder, condition: Node): Node {
  const misses = g.select(condition, g.zeros(condition.shape), 1);
  return g.eq(g.sum(misses), 0);
}

const finite = (g: GraphBuilder, x: Node): Node => g.lt(g.abs(x), Infinity);
const spread = (g: GraphBuilder, x: Node, shape: readonly number[]): Node =>
  g.broadcast(
    x,
    shape,
    x.shape.map((_, k) => k),
  );

/** Simplexes of `size` with Σ a log v. `rounding`: how far below 0 counts may be, relative. */
export function simplexNodes(size: number, rounding: number): NodeForm {
  return (g, [eta], v) => {
    const shape = [v.shape[0] / size, size];
    const counts = g.reshape(eta, shape);
    const largest = g.reduceMax(g.abs(counts), [1]);
    const isEmpty = g.eq(largest, 0);
    const kept = g.max(counts, 0);
    const total = g.select(isEmpty, 1, g.sum(kept, [1]));
    const found = g.div(kept, spread(g, total, shape));
    const value = g.select(spread(g, isEmpty, shape), g.reshape(v, shape), found);
    const least = spread(g, g.mul(largest, -rounding), shape);
    const holds = g.and(all(g, g.ge(counts, least)), all(g, finite(g, value)));
    return { value: g.reshape(value, v.shape), holds };
  };
}

/** a log v + b log(1 − v); `log` and `log1m` are the statistics' places. */
export function unitNodes(log: number, log1m: number, rounding: number): NodeForm {
  return (g, eta, v) => {
    const [a, b] = [eta[log], eta[log1m]];
    const largest = g.max(g.abs(a), g.abs(b));
    const isEmpty = g.eq(largest, 0);
    const [p, q] = [g.max(a, 0), g.max(b, 0)];
    const found = g.div(p, g.select(isEmpty, 1, g.add(p, q)));
    const value = g.select(isEmpty, v, found);
    const isInside = g.ge(g.min(a, b), g.mul(largest, -rounding));
    return { value, holds: g.and(all(g, isInside), all(g, finite(g, value))) };
  };
}

/** a log v + c v^p of one power; without `log`, a is 0. */
export function powerNodes(log: number, power: number, exponent: number): NodeForm {
  return (g, eta, v) => {
    const c = eta[power];
    const a = log < 0 ? g.zeros(c.shape) : eta[log];
    const isEmpty = g.and(g.eq(a, 0), g.eq(c, 0));
    const ratio = g.div(a, g.mul(g.select(isEmpty, 1, c), -exponent));
    const isFound = g.and(g.lt(c, 0), g.gt(ratio, 0));
    const found = g.exp(g.div(g.log(g.select(isFound, ratio, 1)), exponent));
    const value = g.select(isEmpty, v, found);
    const isInside = g.and(g.gt(value, 0), finite(g, value));
    return { value, holds: all(g, g.and(g.or(isEmpty, isFound), isInside)) };
  };
}

/** Blocks of one size, of all blocks of a quadratic form. */
export interface QuadraticBlocks {
  readonly size: number;
  /** `[blocks, size]`. */
  readonly scalars: Int32Array;
  /**
   * By statistic, the coefficients that are added to matrices and with which factor: at `to` of
   * `[blocks, size, size]` goes `by` times the coefficient at `from`.
   */
  readonly entries: readonly {
    readonly statistic: number;
    readonly from: Int32Array;
    readonly to: Int32Array;
    readonly by: Float64Array;
  }[];
}

/** Whether values lie in their support: rank 0, bool. */
export type Inside = (g: GraphBuilder, v: Node) => Node;

/** H x = right, block by block, H being −∇²Q. */
export type QuadraticSolve = (
  g: GraphBuilder,
  eta: readonly Node[],
  right: Node,
  v: Node,
) => NodeOutcome;

/** Least squares, by blocks of scalars; a block that nothing is known of keeps its values. */
export function solveNodes(blocks: () => readonly QuadraticBlocks[]): QuadraticSolve {
  return (g, eta, right, v) => {
    const groups = blocks();
    const order = Float64Array.from(groups.flatMap((b) => [...b.scalars]));
    const back = new Float64Array(order.length);
    order.forEach((scalar, at) => {
      back[scalar] = at;
    });
    const parts = groups.map((b) => solveGroup(g, b, eta, right, v));
    const joined = g.concat(
      parts.map((p) => p.value),
      0,
    );
    return {
      value: picked(g, joined, back),
      holds: parts.map((p) => p.holds).reduce((x, y) => g.and(x, y)),
    };
  };
}

function solveGroup(
  g: GraphBuilder,
  { size, scalars, entries }: QuadraticBlocks,
  eta: readonly Node[],
  right: Node,
  v: Node,
): NodeOutcome {
  const count = scalars.length / size;
  const length = count * size * size;
  const flat = entries.reduce<Node>(
    (sum, { statistic, from, to, by }) => {
      const c = g.mul(picked(g, eta[statistic], from), g.constant(by, [by.length]));
      const isWhole = to.length === length && to.every((t, i) => t === i);
      const at = g.constant(Float64Array.from(to), [to.length], "int");
      return g.add(sum, isWhole ? c : g.scatterAdd(c, at, 0, [length]));
    },
    g.zeros([length]),
  );
  const shape = [count, size, size];
  const matrix = g.reshape(flat, shape);
  const b = g.reshape(picked(g, right, scalars), [count, size]);
  const isEmpty = g.eq(g.reduceMax(g.abs(matrix), [1, 2]), 0);
  const before = g.reshape(picked(g, v, scalars), [count, size]);
  const solved = size === 1 ? single(g, matrix, b, isEmpty) : factored(g, matrix, b, isEmpty);
  const value = g.select(spread(g, isEmpty, [count, size]), before, solved);
  const isPulled = g.and(spread(g, isEmpty, [count, size]), g.ne(b, 0));
  const holds = g.and(all(g, finite(g, value)), all(g, g.not(isPulled)));
  return { value: g.reshape(value, [count * size]), holds };
}

function single(g: GraphBuilder, matrix: Node, b: Node, isEmpty: Node): Node {
  const h = g.reshape(matrix, b.shape);
  const isGood = g.gt(h, 0);
  const found = g.div(b, g.select(isGood, h, 1));
  const isKnown = g.or(isGood, g.reshape(isEmpty, b.shape));
  return g.select(isKnown, found, Number.NaN);
}

function factored(g: GraphBuilder, matrix: Node, b: Node, isEmpty: Node): Node {
  const safe = g.select(spread(g, isEmpty, matrix.shape), unitLike(g, matrix), matrix);
  const l = g.cholesky(safe);
  const half = g.triangularSolve(l, g.reshape(b, [...b.shape, 1]));
  return g.reshape(g.triangularSolve(l, half, true), b.shape);
}

/** bᵀv + Σ c_ij v_i v_j; `linear` is the place of b, −1 without. */
export function quadraticNodes(solve: QuadraticSolve, linear: number, inside: Inside): NodeForm {
  return (g, eta, v) => {
    const right = linear < 0 ? g.zeros(v.shape) : eta[linear];
    const { value, holds } = solve(g, eta, right, v);
    return { value, holds: g.and(holds, inside(g, value)) };
  };
}

/** Supports of quadratic forms. */
export const insideNodes = {
  real: (g: GraphBuilder, v: Node): Node => all(g, finite(g, v)),
  positive: (g: GraphBuilder, v: Node): Node => all(g, g.and(g.gt(v, 0), finite(g, v))),
  unit: (g: GraphBuilder, v: Node): Node => all(g, g.and(g.gt(v, 0), g.lt(v, 1))),
  ordered: (size: number, isPositive: boolean): Inside => {
    return (g, v) => {
      const rows = g.reshape(v, [v.shape[0] / size, size]);
      const box = (start: number): Node => g.slice(rows, [0, start], [rows.shape[0], size - 1]);
      const isOwn = all(g, isPositive ? g.and(g.gt(v, 0), finite(g, v)) : finite(g, v));
      return size < 2 ? isOwn : g.and(isOwn, all(g, g.gt(box(1), box(0))));
    };
  },
} as const;

/**
 * Matrices with a log |V| + tr(C V⁻¹) (a covariance) or a log |V| + tr(C V).
 * @param leastPivot below which a factor's pivot, relative to the variance, is rounding
 */
export function covarianceNodes(
  places: { readonly logDet: number; readonly weights: number; readonly isCovariance: boolean },
  side: number,
  leastPivot: number,
): NodeForm {
  const { logDet, weights, isCovariance } = places;
  return (g, eta, v) => {
    const raw = matrices(g, eta[weights], side);
    const { shape } = raw;
    const c = g.mul(g.add(raw, g.transpose(raw)), 0.5);
    const a = eta[logDet];
    const isEmpty = g.and(g.eq(a, 0), g.eq(g.reduceMax(g.abs(c), [1, 2]), 0));
    const isGood = isCovariance ? g.lt(a, 0) : g.gt(a, 0);
    const by = g.select(isGood, isCovariance ? a : g.neg(a), 1);
    const scatter = g.select(spread(g, isGood, shape), g.div(c, spread(g, by, shape)), Number.NaN);
    const safe = g.select(spread(g, isEmpty, shape), unitLike(g, raw), scatter);
    const l = g.cholesky(safe);
    const pivots = g.square(diagonal(g, l));
    const isFull = g.gt(pivots, g.mul(diagonal(g, safe), leastPivot));
    const found = isCovariance ? safe : inverseOf(g, l);
    const before = matrices(g, v, side);
    const value = g.select(spread(g, isEmpty, shape), before, found);
    return { value: g.reshape(value, v.shape), holds: all(g, isFull) };
  };
}
