/** Kernels in two stages: what crosses between them, and what both are made of. */
import type { ConstNode, Graph, InputNode, Node } from "../../tensor/ops.js";
import type { Pattern } from "./patterns.js";

/** Names of what crosses between the stages. */
export const stageNames = {
  /** The host's function that fills what the device reads. */
  enter: "enter",
  input: (j: number): string => `enter_${j}`,
  sum: (j: number): string => `sum_${j}`,
  logSum: "log_sum",
  /** Of a drawn pass: uniform numbers in, the number of each element's value and their sizes out. */
  uniform: (s: number): string => `uniform_${s}`,
  labels: (s: number): string => `labels_${s}`,
  /** An input that is not read: where the labels of the last pass stay. */
  kept: (s: number): string => `kept_${s}`,
  sizes: (s: number): string => `sizes_${s}`,
  energy: "energy",
} as const;

/**
 * The device's graphs. All read the host's `input`s, but for `atCounts`, which reads counts. `room` is
 * the count of numbers that intermediate arrays may have: where more are needed, and the items do not
 * hang together, a pass is a loop over blocks of items.
 */
export interface StagedGraphs {
  /** Sums at the expected counts, and parts of the log of the sum over assignments. */
  readonly expect: (room: number) => Graph;
  /** Sums at given counts. */
  readonly atCounts: (room: number) => Graph;
  /** Sums at expected counts with `share` of each row moved to its largest. */
  readonly sharpened: (share: number, room: number) => Graph;
  /**
   * Sums at counts that are drawn: each element's value by the inverse distribution function at its
   * uniform number, all at once. `energy` adds up to Σ tables at the draw. Undefined where elements
   * hang together.
   */
  readonly drawn: ((room: number) => Graph) | undefined;
  /** Of every element; with the tables where elements hang together. */
  readonly marginals: (room: number) => Graph;
}

export interface Lifted {
  readonly statistics: readonly InputNode[];
  readonly counts: readonly InputNode[];
  readonly tables: readonly Node[];
  readonly terms: Node;
  /** By site, the gradient in each of its statistics. */
  readonly naturals: readonly (readonly Node[])[];
  /** Inputs that stand for known arrays with an entry for each item. */
  readonly data: ReadonlyMap<Node, ConstNode>;
}

export interface Stages extends Lifted {
  readonly patterns: readonly Pattern[];
  /** Nodes that the host computes and the device reads. */
  readonly entries: readonly Node[];
  /** The other way. */
  readonly sums: readonly Node[];
}
