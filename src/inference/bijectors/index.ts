/**
 * Maps from unconstrained numbers to supports, with the log Jacobian: what lets gradient methods
 * move freely. A total table over supports; one element of a discrete support has no bijector.
 */
import { internalError } from "../../base/internal.js";
import type { SupportKind } from "../../model/ir.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { matrixBijectors } from "./matrix.js";
import { scalarBijectors } from "./scalar.js";
import { vectorBijectors } from "./vector.js";

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

export const bijectors: { readonly [K in SupportKind]: Bijector | "discrete" } = {
  ...scalarBijectors,
  ...vectorBijectors,
  ...matrixBijectors,
  int: "discrete",
  bool: "discrete",
  count: "discrete",
  category: "discrete",
  integers: "discrete",
};

/** The bijector of a continuous support. */
export function bijectorOf(kind: SupportKind): Bijector {
  const found = bijectors[kind];
  return found === "discrete" ? internalError(`the support ${kind} is discrete`) : found;
}
