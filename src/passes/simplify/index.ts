/**
 * Simplification, graph → graph: constant folding, algebra, and moving work to where it is done
 * less often. See `SimplifyingBuilder` for what a rewriting may change.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Graph, Node, ScanNode } from "../../tensor/ops.js";
import { rebuild } from "../../tensor/transform.js";
import { operandsOf, topological } from "../../tensor/traverse.js";
import { SimplifyingBuilder } from "./builder.js";
import { type Groups, groupScans, type Rewritten, resultOf, rewriteScan } from "./scan.js";

export { SimplifyingBuilder } from "./builder.js";

/** What a rule makes is simplified as it is made, so that a second sweep rarely finds anything. */
const MAX_SWEEPS = 4;
/** Loops are rebuilt in each sweep, so that no sweep of a graph with loops leaves it as it was. */
const MAX_SWEEPS_WITH_LOOPS = 2;

/** An equal graph that computes less; its inputs keep their names and order, used or not. */
export function simplify(graph: Graph): Graph {
  const g = new SimplifyingBuilder();
  const inputs = graph.inputs.map((n) => g.input(n.name, n.shape, n.dtype));
  const nodes = simplifyInto(
    g,
    graph.outputs.map((o) => o.node),
  );
  return { inputs, outputs: graph.outputs.map((o, k) => ({ name: o.name, node: nodes[k] })) };
}

/** Rebuilds `outputs` (of any builder) in `g`, sweep by sweep until nothing changes. */
export function simplifyInto(g: SimplifyingBuilder, outputs: readonly Node[]): Node[] {
  let nodes = sweep(g, outputs, new Map());
  for (let k = 1; k < MAX_SWEEPS; k++) {
    const next = sweep(g, nodes.outputs, new Map());
    const same = next.outputs.every((n, i) => n === nodes.outputs[i]);
    nodes = next;
    if (same || (nodes.loops && k + 1 >= MAX_SWEEPS_WITH_LOOPS)) break;
  }
  return nodes.outputs;
}

interface Sweep {
  readonly outputs: Node[];
  readonly loops: boolean;
}

function sweep(
  g: SimplifyingBuilder,
  outputs: readonly Node[],
  replaced: ReadonlyMap<Node, Node>,
): Sweep {
  const order = neededNodes(outputs, replaced);
  const groups: Groups = groupScans(order);
  const loops = new Map<ScanNode, Rewritten>();
  const map = new Map<Node, Node>();
  const at = (old: Node): Node => map.get(old)!;
  const visit = (n: Node): Node => {
    const given = replaced.get(n);
    if (given !== undefined) return given;
    switch (n.op) {
      case "const":
        return g.array(n.data, n);
      case "output": {
        const made = resultOf(loops.get(groups.get(n.source)!.leader)!, n);
        return made.op === "output" ? g.foldOutput(made) : made;
      }
      default:
        return rebuild(g, n, at);
    }
  };
  for (const n of order) {
    if (n.op === "scan") {
      const group = groups.get(n)!;
      if (loops.has(group.leader)) continue;
      const body = (b: GraphBuilder, nodes: readonly Node[], inner: ReadonlyMap<Node, Node>) =>
        sweep(b as SimplifyingBuilder, nodes, inner).outputs;
      g.withOrigin(n.origin, () => {
        loops.set(
          group.leader,
          rewriteScan(g, group, at, () => new SimplifyingBuilder(), body),
        );
      });
    } else if (n.origin === undefined) map.set(n, visit(n));
    else
      map.set(
        n,
        g.withOrigin(n.origin, () => visit(n)),
      );
  }
  return { outputs: outputs.map(at), loops: loops.size > 0 };
}

/** What `outputs` depend on, operands first, without what lies behind replaced nodes alone. */
function neededNodes(outputs: readonly Node[], replaced: ReadonlyMap<Node, Node>): Node[] {
  const order = topological(outputs);
  if (replaced.size === 0) return order;
  const needed = new Set(outputs);
  for (let i = order.length - 1; i >= 0; i--) {
    const n = order[i];
    if (!needed.has(n) || replaced.has(n)) continue;
    for (const x of operandsOf(n)) needed.add(x);
  }
  return order.filter((n) => needed.has(n));
}
