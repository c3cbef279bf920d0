/** Bijectors of one vector: ordered vectors, simplexes, unit vectors. `u` is `[n, free]`. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Bijector } from "./contract.js";

export const vectorBijectors = {
  /** x₀ = u₀, x_k = x_{k−1} + exp u_k. */
  ordered: {
    eventRank: 1,
    free: (size) => size,
    forward: (g, u, size) => {
      const [n] = u.shape;
      if (size < 2) return { value: u, logDet: g.constant(0) };
      const first = g.slice(u, [0, 0], [n, 1]);
      const rest = g.slice(u, [0, 1], [n, size - 1]);
      const steps = g.concat([first, g.exp(rest)], 1);
      return { value: g.cumulative("sum", steps, 1), logDet: g.reduce("sum", rest, [0, 1]) };
    },
  },
  /** x_k = x_{k−1} + exp u_k from x_{−1} = 0. */
  positive_ordered: {
    eventRank: 1,
    free: (size) => size,
    forward: (g, u) => ({
      value: g.cumulative("sum", g.exp(u), 1),
      logDet: g.reduce("sum", u, [0, 1]),
    }),
  },
  /**
   * Softmax of an isometric log-ratio (Egozcue et al. 2003): z = V u with orthonormal columns that
   * sum to zero, so that no corner of the simplex is favoured. log |J| = Σ log x_k + ½ log K.
   */
  simplex: {
    eventRank: 1,
    free: (size) => Math.max(0, size - 1),
    forward: (g, u, size) => {
      const [n] = u.shape;
      if (size < 2) return { value: g.ones([n, size]), logDet: g.constant(0) };
      const z = g.matmul(u, g.constant(helmert(size), [size - 1, size]));
      const logs = g.sub(z, g.unreduce(g.logsumexp(z, [1]), z, [1]));
      const logDet = g.add(g.reduce("sum", logs, [0, 1]), 0.5 * n * Math.log(size));
      return { value: g.exp(logs), logDet };
    },
  },
  /** u / |u| with a standard normal on u (Marsaglia 1972): the length is an auxiliary variable. */
  unit_vector: {
    eventRank: 1,
    free: (size) => size,
    forward: (g, u) => {
      const squares = g.reduce("sum", g.square(u), [1]);
      const value = g.div(u, g.unreduce(g.sqrt(squares), u, [1]));
      return { value, logDet: g.mul(-0.5, g.reduce("sum", squares, [0])) };
    },
  },
} as const satisfies Record<string, Bijector>;

/** Rows of the Helmert basis of sum-to-zero vectors, orthonormal, `[size − 1, size]`. */
function helmert(size: number): Float64Array {
  const v = new Float64Array((size - 1) * size);
  for (let i = 1; i < size; i++) {
    const scale = 1 / Math.sqrt(i * (i + 1));
    for (let j = 0; j < i; j++) v[(i - 1) * size + j] = scale;
    v[(i - 1) * size + i] = -i * scale;
  }
  return v;
}

/** Puts `u` `[n, m]` at constant row-major positions of `[n, size, size]`; zeros elsewhere. */
export function placeInMatrix(
  g: GraphBuilder,
  u: Node,
  positions: readonly number[],
  size: number,
): Node {
  const [n] = u.shape;
  const at = g.constant(positions, [positions.length], "int");
  return g.reshape(g.scatterAdd(u, at, 1, [n, size * size]), [n, size, size]);
}
