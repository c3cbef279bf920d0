/**
 * The tables of the latent discrete sites as functions of the other latent sites: what draws,
 * marginals and modes of discrete sites are computed from after a run.
 */
import type { Conditioned } from "../../../passes/condition/index.js";
import { GraphBuilder } from "../../../tensor/builder.js";
import type { InputNode, Node } from "../../../tensor/ops.js";
import { lowerConstrained, splitTerms, sumAll, withoutDiscreteLets } from "../index.js";
import { elementCounts, type FactorGraph, layoutOf } from "./layout.js";
import type { DiscreteSite } from "./references.js";

export interface DiscreteReadout {
  readonly g: GraphBuilder;
  /** Latent scalars in the model's own coordinates. */
  readonly values: InputNode;
  readonly sites: readonly DiscreteSite[];
  readonly graph: FactorGraph;
  /** The log table of each factor of the graph. */
  readonly tables: readonly Node[];
  /** Log density of the statements that read no discrete site; a scalar. */
  readonly rest: Node;
}

/** @throws TildeError where a latent discrete site cannot be enumerated */
export function buildDiscreteReadout(given: Conditioned, methodName: string): DiscreteReadout {
  const conditioned = withoutDiscreteLets(given);
  const g = new GraphBuilder();
  const { l, vars, values } = lowerConstrained(conditioned, g);
  const { sites, terms, factors } = splitTerms(l, vars, methodName);
  const list = [...sites.values()];
  return {
    g,
    values,
    sites: list,
    graph: { counts: elementCounts(list), factors: factors.map(layoutOf) },
    tables: factors.map((f) => f.table.node),
    rest: sumAll(
      g,
      terms.map((t) => t.node),
    ),
  };
}
