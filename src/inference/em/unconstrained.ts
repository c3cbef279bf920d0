/** The inverses of the bijectors of `inference/bijectors`, on the host. */
import { internalError } from "../../base/internal.js";
import { cholesky } from "../../math/linalg/index.js";
import type { SupportKind } from "../../model/ir.js";

/** One event to its unconstrained numbers. */
type Inverse = (x: Float64Array, size: number) => ArrayLike<number>;

const elementwise =
  (f: (x: number) => number): Inverse =>
  (x) =>
    x.map(f);

const steps = (x: Float64Array, first: (x: number) => number): Float64Array =>
  x.map((v, k) => (k === 0 ? first(v) : Math.log(v - x[k - 1])));

/** Isometric log-ratios in the Helmert basis of the simplex bijector. */
function logRatios(x: Float64Array): Float64Array {
  const logs = x.map(Math.log);
  const u = new Float64Array(Math.max(0, x.length - 1));
  let before = 0;
  for (let i = 1; i < x.length; i++) {
    before += logs[i - 1];
    u[i - 1] = (before - i * logs[i]) / Math.sqrt(i * (i + 1));
  }
  return u;
}

const factorOf = (x: Float64Array, size: number): Float64Array =>
  cholesky(x, size) ?? new Float64Array(size * size).fill(Number.NaN);

/** Entries below the diagonal row by row, then the logs of the diagonal. */
function fromFactor(l: Float64Array, size: number): number[] {
  const below: number[] = [];
  const on: number[] = [];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) below.push(l[i * size + j]);
    on.push(Math.log(l[i * size + i]));
  }
  return [...below, ...on];
}

/** Canonical partial correlations z_ij = L_ij / ∏_{k<j} √(1 − z_ik²), u = atanh z. */
function fromCorrelationFactor(l: Float64Array, size: number): number[] {
  const u: number[] = [];
  for (let i = 0; i < size; i++) {
    let rest = 1;
    for (let j = 0; j < i; j++) {
      const z = l[i * size + j] / rest;
      u.push(Math.atanh(z));
      rest *= Math.sqrt((1 - z) * (1 + z));
    }
  }
  return u;
}

/** Of intervals the bounds are not known here. */
const inverses: { readonly [K in SupportKind]: Inverse | "bounds" | "discrete" } = {
  real: (x) => x,
  positive: elementwise(Math.log),
  nonnegative: elementwise(Math.log),
  unit: elementwise((x) => Math.log(x) - Math.log1p(-x)),
  interval: "bounds",
  ordered: (x) => steps(x, (v) => v),
  positive_ordered: (x) => steps(x, Math.log),
  simplex: logRatios,
  unit_vector: (x) => x,
  cholesky_cov: fromFactor,
  cov: (x, size) => fromFactor(factorOf(x, size), size),
  cholesky_corr: fromCorrelationFactor,
  corr: (x, size) => fromCorrelationFactor(factorOf(x, size), size),
  int: "discrete",
  bool: "discrete",
  count: "discrete",
  category: "discrete",
  integers: "discrete",
};

/** Numbers in one event of a support whose last dim is `size`. */
const eventLength = (kind: SupportKind, size: number): number => {
  switch (kind) {
    case "ordered":
    case "positive_ordered":
    case "simplex":
    case "unit_vector":
      return size;
    case "cov":
    case "corr":
    case "cholesky_cov":
    case "cholesky_corr":
      return size * size;
    default:
      return 1;
  }
};

/**
 * Unconstrained numbers of events, one event after another; undefined for supports with bounds.
 * Values on the edge of a support give infinities, values outside NaN.
 */
export function unconstrained(
  kind: SupportKind,
  values: Float64Array,
  size: number,
): Float64Array | undefined {
  const inverse = inverses[kind];
  if (inverse === "bounds") return undefined;
  if (inverse === "discrete") return internalError(`the support ${kind} is discrete`);
  const length = eventLength(kind, size);
  const out: number[] = [];
  for (let at = 0; at < values.length; at += length) {
    const event = inverse(values.slice(at, at + length), size);
    for (let i = 0; i < event.length; i++) out.push(event[i]);
  }
  return Float64Array.from(out);
}
