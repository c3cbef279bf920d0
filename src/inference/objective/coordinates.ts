/**
 * Params in their own coordinates and back, with gradients: what steps along natural parameters need
 * of the maps from `theta`.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { bijectorOf } from "../bijectors/index.js";
import { placeInMatrix } from "../bijectors/vector.js";
import type { ParamSlot } from "./contract.js";
import { both, lower, swap } from "./normal-families.js";

export interface Coordinates {
  /** The param, of its own shape, at its stretch `u` of `theta`. */
  readonly value: (g: GraphBuilder, u: Node, dims: readonly number[]) => Node;
  /**
   * The gradient in the param, of its shape, of what has the gradient `slope` in `u`; symmetric
   * matrices have symmetric ones.
   */
  readonly pull: (g: GraphBuilder, u: Node, slope: Node, dims: readonly number[]) => Node;
  /** The stretch of `theta` that has the value `x`. */
  readonly free: (g: GraphBuilder, x: Node) => Node;
}

const size = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

/** Positions of `[n, n]` below the diagonal, row by row, and those on it. */
function places(n: number): { readonly below: number[]; readonly on: number[] } {
  const all = Array.from({ length: n * n }, (_, k) => k);
  return {
    below: all.filter((k) => Math.floor(k / n) > k % n),
    on: all.filter((k) => Math.floor(k / n) === k % n),
  };
}

/** Lower factors in the coordinates of `bijectors/matrix.ts`: entries below, logs of the diagonal. */
const factor: Coordinates = {
  value: (g, u, dims) => {
    const n = dims[dims.length - 1];
    const free = (n * (n + 1)) / 2;
    const rows = g.reshape(u, [size(u.shape) / free, free]);
    return g.reshape(bijectorOf("cholesky_cov").forward(g, rows, n, {}).value, dims);
  },
  pull: (g, u, slope, dims) => {
    const n = dims[dims.length - 1];
    const free = (n * (n + 1)) / 2;
    const count = size(u.shape) / free;
    const { below, on } = places(n);
    const [at, by] = [u, slope].map((x) => g.reshape(x, [count, free]));
    const part = (x: Node, from: number, length: number): Node =>
      g.slice(x, [0, from], [count, length]);
    const off = placeInMatrix(g, part(by, 0, below.length), below, n);
    const logs = part(at, below.length, n);
    const diagonal = g.div(part(by, below.length, n), g.exp(logs));
    return g.reshape(g.add(off, placeInMatrix(g, diagonal, on, n)), dims);
  },
  free: (g, x) => {
    const n = x.shape[x.shape.length - 1];
    const count = size(x.shape) / (n * n);
    const flat = g.reshape(x, [count, n * n]);
    const { below, on } = places(n);
    const take = (at: readonly number[]): Node =>
      g.gather(flat, g.constant([...at], [at.length], "int"), 1);
    const all = g.concat([take(below), g.log(take(on))], 1);
    return g.reshape(all, [size(all.shape)]);
  },
};

const scalar = (
  forward: (g: GraphBuilder, u: Node) => Node,
  jacobian: (g: GraphBuilder, u: Node) => Node,
  inverse: (g: GraphBuilder, x: Node) => Node,
): Coordinates => ({
  value: (g, u, dims) => g.reshape(forward(g, u), dims),
  pull: (g, u, slope, dims) => g.reshape(g.div(slope, jacobian(g, u)), dims),
  free: (g, x) => g.reshape(inverse(g, x), [size(x.shape)]),
});

const table: Readonly<Record<string, Coordinates>> = {
  real: scalar(
    (_, u) => u,
    (g, u) => g.ones(u.shape),
    (_, x) => x,
  ),
  positive: scalar(
    (g, u) => g.exp(u),
    (g, u) => g.exp(u),
    (g, x) => g.log(x),
  ),
  cholesky_cov: factor,
  /** Σ = L Lᵀ. With T the lower part of Lᵀ ∇_L, G = ½ L⁻ᵀ (T + Tᵀ − diag T) L⁻¹. */
  cov: {
    value: (g, u, dims) => {
      const l = factor.value(g, u, dims);
      return g.matmul(l, swap(g, l));
    },
    pull: (g, u, slope, dims) => {
      const l = factor.value(g, u, dims);
      const own = factor.pull(g, u, slope, dims);
      const white = g.mul(0.5, both(g, lower(g, g.matmul(swap(g, l), own), 0.5)));
      const left = g.triangularSolve(l, white, true);
      return g.triangularSolve(l, swap(g, left), true);
    },
    free: (g, x) => factor.free(g, g.cholesky(x)),
  },
};

/** The coordinates of a param; undefined where steps in closed form know none. */
export const coordinatesOf = (slot: ParamSlot): Coordinates | undefined =>
  Object.hasOwn(table, slot.support.kind) ? table[slot.support.kind] : undefined;
