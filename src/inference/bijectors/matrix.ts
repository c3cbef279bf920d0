/**
 * Bijectors of one square matrix: Cholesky factors of covariance and correlation matrices, and
 * those matrices themselves. `u` is `[n, free]`, filled row by row below (or on) the diagonal.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Bijector, Constrained } from "./contract.js";
import { placeInMatrix } from "./vector.js";

const strictly = (size: number): number => (size * (size - 1)) / 2;

/** Row-major positions of entries below the diagonal, row by row. */
function belowDiagonal(size: number): number[] {
  const at: number[] = [];
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) at.push(i * size + j);
  return at;
}

function diagonalPositions(size: number): number[] {
  return Array.from({ length: size }, (_, i) => i * size + i);
}

/** The diagonals of `[n, size, size]` as `[n, size]`. */
function diagonal(g: GraphBuilder, x: Node, size: number): Node {
  const [n] = x.shape;
  const flat = g.reshape(x, [n, size * size]);
  return g.gather(flat, g.constant(diagonalPositions(size), [size], "int"), 1);
}

/** Σ_i weight(i) · x[·, i] over all of `[n, size]`. */
function weighted(g: GraphBuilder, x: Node, weight: (i: number) => number): Node {
  const [n, size] = x.shape;
  const w = g.constant(
    Float64Array.from({ length: size }, (_, i) => weight(i)),
    [size],
  );
  return g.reduce("sum", g.mul(x, g.broadcast(w, [n, size], [1])), [0, 1]);
}

function selfProduct(g: GraphBuilder, l: Node): Node {
  return g.matmul(l, g.transpose(l, [0, 2, 1]));
}

/**
 * Canonical partial correlations z = tanh u (Lewandowski, Kurowicka, Joe 2009):
 * L_ij = z_ij ∏_{k<j} √(1 − z_ik²), L_ii the rest of a unit row. Products are sums of
 * log(1 − z²) = log 4 − softplus(2u) − softplus(−2u), which keeps its precision as |z| → 1.
 */
function choleskyCorr(g: GraphBuilder, u: Node, size: number): Constrained & { logDiagonal: Node } {
  const [n] = u.shape;
  const twice = g.mul(2, u);
  const logRest = g.sub(Math.log(4), g.add(g.softplus(twice), g.softplus(g.neg(twice))));
  const positions = belowDiagonal(size);
  const halves = placeInMatrix(g, g.mul(0.5, logRest), positions, size);
  const before = g.cumulative("sum", halves, 2, { exclusive: true });
  const z = placeInMatrix(g, g.unary("tanh", u), positions, size);
  const eye = g.broadcast(g.constant(identity(size), [size, size]), [n, size, size], [1, 2]);
  const value = g.mul(g.add(z, eye), g.exp(before));
  const flat = g.reshape(before, [n, size * size]);
  const used = g.gather(flat, g.constant(positions, [positions.length], "int"), 1);
  const logDet = g.reduce("sum", g.add(used, logRest), [0, 1]);
  return { value, logDet, logDiagonal: diagonal(g, before, size) };
}

function identity(size: number): Float64Array {
  const eye = new Float64Array(size * size);
  for (let i = 0; i < size; i++) eye[i * size + i] = 1;
  return eye;
}

/** Lower factor with exp u on the diagonal; also log L_ii `[n, size]`. */
function choleskyCov(g: GraphBuilder, u: Node, size: number): Constrained & { logDiagonal: Node } {
  const [n] = u.shape;
  const below = strictly(size);
  const off = placeInMatrix(g, g.slice(u, [0, 0], [n, below]), belowDiagonal(size), size);
  const logDiagonal = g.slice(u, [0, below], [n, size]);
  const on = placeInMatrix(g, g.exp(logDiagonal), diagonalPositions(size), size);
  return { value: g.add(off, on), logDet: g.reduce("sum", logDiagonal, [0, 1]), logDiagonal };
}

export const matrixBijectors = {
  cholesky_corr: {
    eventRank: 2,
    free: strictly,
    forward: (g, u, size) => choleskyCorr(g, u, size),
  },
  /** |dC/dL| = ∏_j L_jj^(D − 1 − j). */
  corr: {
    eventRank: 2,
    free: strictly,
    forward: (g, u, size) => {
      const l = choleskyCorr(g, u, size);
      const extra = weighted(g, l.logDiagonal, (j) => size - 1 - j);
      return { value: selfProduct(g, l.value), logDet: g.add(l.logDet, extra) };
    },
  },
  cholesky_cov: {
    eventRank: 2,
    free: (size) => strictly(size) + size,
    forward: (g, u, size) => choleskyCov(g, u, size),
  },
  /** |dΣ/dL| = 2^D ∏_i L_ii^(D − i). */
  cov: {
    eventRank: 2,
    free: (size) => strictly(size) + size,
    forward: (g, u, size) => {
      const [n] = u.shape;
      const l = choleskyCov(g, u, size);
      const extra = weighted(g, l.logDiagonal, (i) => size - i);
      const logDet = g.add(g.add(l.logDet, extra), n * size * Math.LN2);
      return { value: selfProduct(g, l.value), logDet };
    },
  },
} as const satisfies Record<string, Bijector>;
