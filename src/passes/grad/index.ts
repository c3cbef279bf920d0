/**
 * Reverse-mode differentiation, graph → graph: the gradient is made of ordinary nodes in the same
 * builder, so it is simplified with the rest and can be differentiated again.
 */
import { internalError } from "../../base/internal.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { Graph, Node, NodeOf, Op } from "../../tensor/ops.js";
import { sameShape } from "../../tensor/shape-rules.js";
import { substitute } from "../../tensor/transform.js";
import { operandsOf, topological } from "../../tensor/traverse.js";
import { combine } from "./combine.js";
import type { Adjoints, VjpRule } from "./contract.js";
import { binaryDerivatives, ternaryDerivatives, unaryDerivatives } from "./elementwise.js";
import { linalgVjps } from "./linalg.js";
import { logSumExpVjp } from "./logsumexp.js";
import { insideMasks } from "./mask.js";
import { scanVjp } from "./scan.js";
import { structuralVjps } from "./structural.js";

/** The rule of every op; a scan is answered by the driver, which collects its outputs' adjoints. */
export const vjpRules: {
  readonly [K in Exclude<Op, "scan" | "output">]: VjpRule<K>;
} = {
  const: () => {},
  input: () => {},
  unary: (a, n, dy) =>
    insideMasks(a, n, dy, (inner, _, d) => {
      const rule = unaryDerivatives[n.fn];
      if (rule !== "flat") inner.add(n.x, rule(inner.g, d, n.x, n));
    }),
  binary: (a, n, dy) => {
    if (n.fn === "add" && logSumExpVjp(a, n, dy)) return;
    insideMasks(a, n, dy, (inner, _, d) => binaryDerivatives[n.fn](inner, d, n));
  },
  ternary: (a, n, dy) =>
    insideMasks(a, n, dy, (inner, _, d) => ternaryDerivatives[n.fn](inner, d, n)),
  ...structuralVjps,
  ...linalgVjps,
};

/**
 * The gradient of a scalar with respect to each of `wrt` (any nodes of `g`), in their shapes; zeros
 * where the output does not depend on one. Only paths that reach `wrt` are differentiated. Throws
 * the diagnostic `gradient_unsupported` where such a path has no derivative here.
 */
export function gradient(g: GraphBuilder, output: Node, wrt: readonly Node[]): Node[] {
  if (output.shape.length !== 0) internalError(`gradient of a node of shape [${output.shape}]`);
  return vjp(g, [output], [g.constant(1)], wrt);
}

/**
 * The graph with gradients of its output `of` as further outputs: `wrt` gives each input's name the
 * name of the output that its gradient becomes. Built in `g`, a fresh builder (a simplifying one
 * saves a pass).
 */
export function withGradient(
  graph: Graph,
  of: string,
  wrt: Readonly<Record<string, string>>,
  g: GraphBuilder = new GraphBuilder(),
): Graph {
  const inputs = graph.inputs.map((n) => g.input(n.name, n.shape, n.dtype));
  const copied = substitute(
    g,
    graph.outputs.map((o) => o.node),
    new Map(),
  );
  const outputs = graph.outputs.map((o, k) => ({ name: o.name, node: copied[k] }));
  const output = outputs.find((o) => o.name === of) ?? internalError(`no output ${of}`);
  const names = Object.keys(wrt);
  const grads = gradient(
    g,
    output.node,
    names.map((n) => g.requireInput(n)),
  );
  return {
    inputs,
    outputs: [...outputs, ...names.map((n, k) => ({ name: wrt[n], node: grads[k] }))],
  };
}

/** The gradient of Σ ⟨cotangents[k], outputs[k]⟩; an undefined cotangent counts as zero. */
export function vjp(
  g: GraphBuilder,
  outputs: readonly Node[],
  cotangents: readonly (Node | undefined)[],
  wrt: readonly Node[],
): Node[] {
  const order = topological(outputs);
  const active = activeNodes(order, wrt);
  const contributions = new Map<Node, Node[]>();
  const scans = new Map<Node, (Node | undefined)[]>();
  const adjoints: Adjoints = {
    g,
    wants: (x) => active.has(x),
    add: (x, contribution) => {
      if (!active.has(x)) return;
      if (!sameShape(x.shape, contribution.shape)) {
        internalError(`adjoint of shape [${contribution.shape}] for [${x.shape}] (${x.op})`);
      }
      const list = contributions.get(x);
      if (list === undefined) contributions.set(x, [contribution]);
      else list.push(contribution);
    },
  };
  outputs.forEach((o, k) => {
    const dy = cotangents[k];
    if (dy !== undefined) adjoints.add(o, dy);
  });
  const result = new Map<Node, Node>();
  const wanted = new Set(wrt);
  for (let i = order.length - 1; i >= 0; i--) {
    const n = order[i];
    if (!active.has(n)) continue;
    const list = contributions.get(n);
    if (list === undefined && n.op !== "scan") continue;
    g.withOrigin(n.origin, () => {
      if (n.op === "scan") {
        const results = scans.get(n);
        if (results !== undefined) scanVjp(adjoints, n, results, vjp);
        return;
      }
      const dy = combine(g, list!);
      if (wanted.has(n)) result.set(n, dy);
      if (n.op === "output") outputAdjoint(scans, n, dy);
      // The entry at `n.op` takes exactly this member of the union.
      else (vjpRules[n.op] as (a: Adjoints, n: Node, dy: Node) => void)(adjoints, n, dy);
    });
  }
  return wrt.map((x) => result.get(x) ?? g.zeros(x.shape));
}

/** Collects the adjoints of a scan's results until the scan itself is reached. */
function outputAdjoint(
  scans: Map<Node, (Node | undefined)[]>,
  n: NodeOf<"output">,
  dy: Node,
): void {
  const { source } = n;
  let results = scans.get(source);
  if (results === undefined) {
    results = new Array<Node | undefined>(source.init.length + source.body.ys.length).fill(
      undefined,
    );
    scans.set(source, results);
  }
  results[n.index] = dy;
}

/** Nodes on a path to `wrt`. Ints and booleans end a path: what they depend on is locally constant. */
function activeNodes(order: readonly Node[], wrt: readonly Node[]): Set<Node> {
  const active = new Set<Node>(wrt);
  for (const n of order) {
    if (n.dtype !== "real" || active.has(n)) continue;
    for (const x of operandsOf(n)) {
      if (!active.has(x)) continue;
      active.add(n);
      break;
    }
  }
  return active;
}
