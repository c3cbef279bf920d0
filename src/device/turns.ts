/** Loops whose steps several graphs take in turn. */
import { internalError } from "../base/internal.js";
import type { Graph, InputNode, Node } from "../tensor/ops.js";
import { sizeOf } from "../tensor/shape-rules.js";
import type { LoopSpec, LoopTurn } from "./contract.js";

/** The turns of a loop; a loop of one graph is one. */
export function turnsOf({ graph, turns }: Pick<LoopSpec, "graph" | "turns">): readonly LoopTurn[] {
  return turns ?? [{ graph, steps: 1 }];
}

/** The number of the turn that step `step` belongs to. */
export function turnAt(turns: readonly Pick<LoopTurn, "steps">[], step: number): number {
  const period = turns.reduce((n, t) => n + t.steps, 0);
  let place = step % period;
  for (const [k, { steps }] of turns.entries()) {
    if (place < steps) return k;
    place -= steps;
  }
  return internalError(`no turn for step ${step}`);
}

/** The inputs of all turns, one node of each name. They must be alike. */
export function inputsOfTurns(turns: readonly LoopTurn[]): readonly InputNode[] {
  const found = new Map<string, InputNode>();
  for (const n of turns.flatMap((t) => t.graph.inputs)) {
    const known = found.get(n.name);
    if (known === undefined) found.set(n.name, n);
    else if (sizeOf(known.shape) !== sizeOf(n.shape)) internalError(`two inputs ${n.name}`);
  }
  return [...found.values()];
}

/** An output that some turn has. */
export function outputOfTurns(turns: readonly LoopTurn[], name: string): Node {
  for (const { graph } of turns) {
    const node = outputIn(graph, name);
    if (node !== undefined) return node;
  }
  return internalError(`no output ${name}`);
}

/** An output of a graph that may lack it. */
export function outputIn(graph: Graph, name: string): Node | undefined {
  return graph.outputs.find((o) => o.name === name)?.node;
}
