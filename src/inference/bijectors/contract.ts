/** What a bijector answers; see index.ts for the table. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";

/** Bounds of an interval support: rank 0, or one per element. */
export interface Bounds {
  readonly lower?: Node;
  readonly upper?: Node;
}

/** `n` values and the log |det J| of the map, summed over all of them (rank 0). */
export interface Constrained {
  readonly value: Node;
  readonly logDet: Node;
}

export interface Bijector {
  /** 0: elementwise; 1: one vector; 2: one square matrix. */
  readonly eventRank: 0 | 1 | 2;
  /** Unconstrained numbers per event whose last dim is `size` (1 for elementwise). */
  readonly free: (size: number) => number;
  /**
   * `u` has shape `[n]` for elementwise supports and `[n, free]` otherwise; the value has shape
   * `[n] ++ event`.
   */
  readonly forward: (g: GraphBuilder, u: Node, size: number, bounds: Bounds) => Constrained;
}
