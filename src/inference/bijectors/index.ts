/**
 * Maps from unconstrained numbers to supports, with the log Jacobian: what lets gradient methods
 * move freely. A total table over supports; one element of a discrete support has no bijector.
 */
import { internalError } from "../../base/internal.js";
import type { SupportKind } from "../../model/ir.js";
import type { Bijector } from "./contract.js";
import { matrixBijectors } from "./matrix.js";
import { scalarBijectors } from "./scalar.js";
import { vectorBijectors } from "./vector.js";

export type { Bijector, Bounds, Constrained } from "./contract.js";

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
