/** The variables of a model while it is lowered: what is made, and what is being made. */
import type { Variable } from "../../model/ir.js";
import type { Node } from "../../tensor/ops.js";
import type { Lowerer } from "./lowerer.js";
import type { ContextCache, Statements } from "./scopes.js";

/** How sites and params get their values: from the unconstrained or the constrained vector. */
export type LatentSource = (l: Lowerer, variable: Variable) => Node;

export interface Variables {
  readonly statements: Statements;
  readonly contexts: ContextCache;
  readonly byName: ReadonlyMap<string, Variable>;
  readonly done: Map<string, Node>;
  readonly running: Set<string>;
  readonly source: LatentSource;
}
