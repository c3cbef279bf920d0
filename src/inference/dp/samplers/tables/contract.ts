/**
 * Tables of collapsed clusters: what is kept of the items of each cluster so that the predictive
 * of one more item costs little. Row c stands for the natural parameters η_c = prior + Σ s_i of θ
 * given the items in it; the score of item i in it is A(η_c + s_i) − A(η_c), its log predictive
 * without the base measure of the item, which is the same in every cluster.
 */
import type { ConjugateComponents } from "../../contract.js";

export interface ClusterTable {
  /** Reads the prior and the contributions again; rows lose their meaning. */
  reread(): void;
  /** Makes rows 0 … rows − 1 exist; what the rows hold stays. */
  reserve(rows: number): void;
  /** Row without items. */
  clear(row: number): void;
  add(row: number, item: number): void;
  /**
   * Takes out an item that is in. False where too many digits would be lost: the row is then
   * without meaning, to be cleared and filled anew.
   */
  remove(row: number, item: number): boolean;
  /** Row `to` becomes what row `from` is. */
  copy(from: number, to: number): void;
  /** Remembers one row, and gives back to that row what was remembered. */
  save(row: number): void;
  restore(row: number): void;
  /** out[c] += score of the item in row c, for c < count. */
  addScores(item: number, count: number, out: Float64Array): void;
  score(row: number, item: number): number;
  /** Score of each item in a cluster of its own; may forget the saved row. */
  fresh(): Float64Array;
  /** A(η_c) − A(prior): the marginal likelihood of the row's items without their base measures. */
  logMarginal(row: number): number;
}

/** A table for a conjugate model, or nothing where this kind of table cannot hold it. */
export type TableMaker = (model: ConjugateComponents, items: number) => ClusterTable | undefined;

/** The scores of all items in an empty row; row 0 serves, and is given back. */
export function freshScores(table: ClusterTable, out: Float64Array): Float64Array {
  table.save(0);
  table.clear(0);
  for (let i = 0; i < out.length; i++) out[i] = table.score(0, i);
  table.restore(0);
  return out;
}

/** An array with at least `length` numbers that begins as `a` does. */
export function grown(a: Float64Array, length: number): Float64Array {
  if (a.length >= length) return a;
  const b = new Float64Array(Math.max(length, 2 * a.length));
  b.set(a);
  return b;
}
