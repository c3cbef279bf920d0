/**
 * The algebra in which a log joint is written out: sums of products over named axes (an einsum with
 * explicit index maps). A value of some shape is a sum of terms; a term is a product of
 * coefficients (data, points) and readings of sites' statistics, summed over some axes.
 */
import type { Node } from "../../tensor/ops.js";

/** A named index; equal identity means the same index. */
export interface Axis {
  readonly id: number;
  readonly size: number;
}

/** An array over its axes, row-major: numbers known now, or a node (it depends on points). */
export type Coefficient =
  | { readonly kind: "constant"; readonly axes: readonly Axis[]; readonly data: Float64Array }
  | { readonly kind: "node"; readonly axes: readonly Axis[]; readonly node: Node };
export type Constant = Extract<Coefficient, { readonly kind: "constant" }>;

/** What a reading takes of the scalars at its index. */
export type ReadingFunction =
  /** v^exponent; `1` is the value itself. */
  | { readonly kind: "power"; readonly exponent: number }
  | { readonly kind: "log" }
  | { readonly kind: "log1m" }
  /** v_i v_j. */
  | { readonly kind: "pair" }
  /** X⁻¹ at a position of the matrices. */
  | { readonly kind: "inverse" }
  /** log |X|; the index counts matrices. */
  | { readonly kind: "log_det" }
  /**
   * Formal: element of the lower Cholesky factor L of X (or of X⁻¹), or of L⁻¹. Only products
   * that make X or X⁻¹ of it have an expectation.
   */
  | { readonly kind: "factor"; readonly ofInverse: boolean; readonly inverted: boolean }
  /** Formal: log of the diagonal element of L at the index (a position of the matrices). */
  | { readonly kind: "log_diagonal"; readonly ofInverse: boolean };

/** A statistic of a site's scalars, at positions that are a known function of the axes. */
export interface Reading {
  readonly site: number;
  readonly fn: ReadingFunction;
  readonly axes: readonly Axis[];
  /** Positions among the site's scalars over the axes, row-major. */
  readonly index: Int32Array;
  /** The other scalar of a pair. */
  readonly second?: Int32Array;
}

export interface Term {
  readonly coefficients: readonly Coefficient[];
  readonly readings: readonly Reading[];
  /** Axes that are summed over; all others stand in the dims of the value. */
  readonly sums: readonly Axis[];
}

/** An array: each dimension is a row-major composite of axes (none: size 1). Axes are distinct. */
export interface Value {
  readonly dims: readonly (readonly Axis[])[];
  readonly terms: readonly Term[];
}

/** Why a log joint is not multilinear; thrown inside this room only. */
export class Obstacle {
  constructor(
    readonly sites: ReadonlySet<number>,
    readonly reason: string,
  ) {}
}

export const axesSize = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * a.size, 1);

export const isPure = (v: Value): boolean => v.terms.every((t) => t.readings.length === 0);

/** The sites that terms read. */
export function sitesOf(terms: readonly Term[]): Set<number> {
  return new Set(terms.flatMap((t) => t.readings.map((r) => r.site)));
}

/** Axes of several factors, each once, in order of appearance. */
export function unionOf(factors: readonly { readonly axes: readonly Axis[] }[]): Axis[] {
  const all = new Set<Axis>();
  for (const f of factors) for (const a of f.axes) all.add(a);
  return [...all];
}

/** Makes axes; those of size 1 are never made. */
export class AxisSource {
  private next = 0;
  make(size: number): Axis {
    return { id: this.next++, size };
  }
  /** The composite for a dimension of that size. */
  dim(size: number): readonly Axis[] {
    return size === 1 ? [] : [this.make(size)];
  }
}
