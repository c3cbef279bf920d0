/** The inverse maps of the bijectors on the host: initial values of params to unconstrained ones. */
import { cholesky } from "../../math/linalg/index.js";
import type { SupportKind } from "../../model/ir.js";

/** The ends of an interval support, where it has them. */
export interface Ends {
  readonly lower?: number;
  readonly upper?: number;
}

/**
 * Unconstrained numbers of one event (row-major, last dim `size`) or of one scalar; NaN or infinite
 * where the value does not lie inside the support.
 */
export type Inverse = (x: Float64Array, size: number, ends: Ends) => Float64Array;

const scalar =
  (f: (x: number, ends: Ends) => number): Inverse =>
  (x, _, ends) =>
    x.map((v) => f(v, ends));

const logit = (x: number): number => Math.log(x) - Math.log1p(-x);
const discrete: Inverse = (x) => x.map(() => Number.NaN);

export const inverses: { readonly [K in SupportKind]: Inverse } = {
  real: scalar((x) => x),
  positive: scalar(Math.log),
  nonnegative: scalar(Math.log),
  unit: scalar(logit),
  interval: scalar((x, { lower, upper }) => {
    if (lower !== undefined && upper !== undefined) return logit((x - lower) / (upper - lower));
    if (lower !== undefined) return Math.log(x - lower);
    return upper === undefined ? x : Math.log(upper - x);
  }),
  ordered: (x) => x.map((v, k) => (k === 0 ? v : Math.log(v - x[k - 1]))),
  positive_ordered: (x) => x.map((v, k) => Math.log(v - (k === 0 ? 0 : x[k - 1]))),
  /** The isometric log-ratio: rows of the Helmert basis times log x. */
  simplex: (x) =>
    Float64Array.from({ length: Math.max(0, x.length - 1) }, (_, r) => {
      const i = r + 1;
      let sum = 0;
      for (let j = 0; j < i; j++) sum += Math.log(x[j]);
      return (sum - i * Math.log(x[i])) / Math.sqrt(i * (i + 1));
    }),
  unit_vector: (x) => {
    const length = Math.sqrt(x.reduce((s, v) => s + v * v, 0));
    return x.map((v) => v / length);
  },
  cholesky_cov: factorToFree,
  cov: (x, size) => factorToFree(factorOf(x, size), size),
  cholesky_corr: partialCorrelations,
  corr: (x, size) => partialCorrelations(factorOf(x, size), size),
  int: discrete,
  bool: discrete,
  count: discrete,
  category: discrete,
  integers: discrete,
};

function factorOf(x: Float64Array, size: number): Float64Array {
  return cholesky(x, size) ?? new Float64Array(size * size).fill(Number.NaN);
}

/** Entries below the diagonal, row by row, then the logs of the diagonal. */
function factorToFree(l: Float64Array, size: number): Float64Array {
  const below: number[] = [];
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) below.push(l[i * size + j]);
  const diagonal = Array.from({ length: size }, (_, i) => Math.log(l[i * size + i]));
  return Float64Array.from([...below, ...diagonal]);
}

/** z_ij = L_ij / √(1 − Σ_{k<j} L_ik²), u = atanh z (Lewandowski, Kurowicka and Joe 2009). */
function partialCorrelations(l: Float64Array, size: number): Float64Array {
  const free: number[] = [];
  for (let i = 0; i < size; i++) {
    let rest = 1;
    for (let j = 0; j < i; j++) {
      const value = l[i * size + j];
      free.push(Math.atanh(value / Math.sqrt(rest)));
      rest -= value * value;
    }
  }
  return Float64Array.from(free);
}
