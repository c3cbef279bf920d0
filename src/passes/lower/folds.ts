/** How reductions start and combine. */
import * as k from "../../kernel/build.js";
import type { Expr } from "../../kernel/ir.js";
import type { ReduceFn, ReduceNode, ScatterAddNode } from "../../tensor/ops.js";

export interface Fold {
  readonly start: number;
  readonly combine: (a: Expr, b: Expr) => Expr;
  /** The reduction of a parallel loop; a product runs in order. */
  readonly parallel?: "add" | "min" | "max";
}
const folds: { readonly [F in ReduceFn]: Fold } = {
  sum: { start: 0, combine: k.add, parallel: "add" },
  prod: { start: 1, combine: k.mul },
  max: {
    start: Number.NEGATIVE_INFINITY,
    combine: (a, b) => k.binary("max", a, b),
    parallel: "max",
  },
  min: {
    start: Number.POSITIVE_INFINITY,
    combine: (a, b) => k.binary("min", a, b),
    parallel: "min",
  },
};

export function foldOf(node: ReduceNode | ScatterAddNode): Fold {
  return folds[node.op === "reduce" ? node.fn : "sum"];
}
