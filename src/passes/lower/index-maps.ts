/**
 * Affine maps from loop indices to array coordinates. A coordinate is `constant + Σ coeffᵢ·varᵢ`,
 * where a variable is a loop index or an index that was loaded from an array. Slices, pads,
 * transposes, reshapes and broadcasts only rewrite these maps; no data moves.
 */
import { add, i32, mul } from "../../kernel/build.js";
import type { Expr } from "../../kernel/ir.js";
import type { Shape } from "../../tensor/ops.js";

/** An i32 value with a known range; `depth` is the loop level from which on it has that value. */
export interface IndexVar {
  readonly id: number;
  readonly expr: Expr;
  readonly depth: number;
  /** Values lie in `[0, extent)`. */
  readonly extent: number;
}

export interface Term {
  readonly of: IndexVar;
  readonly coeff: number;
}

export interface Affine {
  readonly constant: number;
  /** By increasing variable id, coefficients not 0. */
  readonly terms: readonly Term[];
}

export const zeroIndex: Affine = { constant: 0, terms: [] };

export function constantIndex(constant: number): Affine {
  return constant === 0 ? zeroIndex : { constant, terms: [] };
}

export function variableIndex(of: IndexVar): Affine {
  return { constant: 0, terms: [{ of, coeff: 1 }] };
}

export function shift(a: Affine, by: number): Affine {
  return by === 0 ? a : { constant: a.constant + by, terms: a.terms };
}

export function scale(a: Affine, by: number): Affine {
  if (by === 1) return a;
  if (by === 0) return zeroIndex;
  return {
    constant: a.constant * by,
    terms: a.terms.map((t) => ({ of: t.of, coeff: t.coeff * by })),
  };
}

export function plus(a: Affine, b: Affine): Affine {
  if (a.terms.length === 0) return shift(b, a.constant);
  if (b.terms.length === 0) return shift(a, b.constant);
  const terms: Term[] = [];
  let j = 0;
  for (const t of a.terms) {
    while (j < b.terms.length && b.terms[j].of.id < t.of.id) terms.push(b.terms[j++]);
    if (j < b.terms.length && b.terms[j].of.id === t.of.id) {
      const coeff = t.coeff + b.terms[j++].coeff;
      if (coeff !== 0) terms.push({ of: t.of, coeff });
    } else {
      terms.push(t);
    }
  }
  while (j < b.terms.length) terms.push(b.terms[j++]);
  return { constant: a.constant + b.constant, terms };
}

/** `offset + Σ atₖ·stridesₖ`. */
export function linear(at: readonly Affine[], strides: readonly number[], offset = 0): Affine {
  let sum = constantIndex(offset);
  for (let k = 0; k < at.length; k++) sum = plus(sum, scale(at[k], strides[k]));
  return sum;
}

/** The innermost loop level that the coordinates depend on. */
export function depthOf(at: readonly Affine[]): number {
  let depth = 0;
  for (const a of at) for (const t of a.terms) if (t.of.depth > depth) depth = t.of.depth;
  return depth;
}

/** Smallest and largest value. */
export function rangeOf(a: Affine): { readonly min: number; readonly max: number } {
  let min = a.constant;
  let max = a.constant;
  for (const t of a.terms) {
    const end = t.coeff * (t.of.extent - 1);
    if (end > 0) max += end;
    else min += end;
  }
  return { min, max };
}

export function indexKey(at: readonly Affine[]): string {
  let key = "";
  for (const a of at) {
    key += `${a.constant}`;
    for (const t of a.terms) key += `+${t.coeff}v${t.of.id}`;
    key += ",";
  }
  return key;
}

/** As an i32 expression, the constant last so that it becomes the instruction's offset. */
export function indexExpr(a: Affine): Expr {
  let sum: Expr | undefined;
  for (const t of a.terms) {
    const term = t.coeff === 1 ? t.of.expr : mul(t.of.expr, i32(t.coeff));
    sum = sum === undefined ? term : add(sum, term);
  }
  if (sum === undefined) return i32(a.constant);
  return a.constant === 0 ? sum : add(sum, i32(a.constant));
}

/**
 * Pairs the axes of two shapes of equal size that differ in axes of length 1 only: for each axis of
 * `to` the axis of `from` it is, or −1 for a new axis of length 1. `undefined` where they differ in
 * more.
 */
export function matchAxes(from: Shape, to: Shape): readonly number[] | undefined {
  const pairs: number[] = [];
  let k = 0;
  for (const n of to) {
    while (n !== 1 && k < from.length && from[k] === 1) k++;
    if (n === 1) pairs.push(-1);
    else if (k < from.length && from[k] === n) pairs.push(k++);
    else return undefined;
  }
  while (k < from.length && from[k] === 1) k++;
  return k === from.length ? pairs : undefined;
}
