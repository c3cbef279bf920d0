/**
 * Rebuilding a graph through a builder: the frame of every graph → graph pass. `rebuildRules` makes
 * the same operation over new operands; a pass answers some nodes itself and leaves the rest.
 */
import type { GraphBuilder } from "./builder.js";
import type { InputNode, Node, NodeOf, Op, ScanNode } from "./ops.js";
import { operandsOf, topological } from "./traverse.js";

export type Lookup = (old: Node) => Node;

/** The same operation in the builder `g`, its operands replaced by `at`. */
export const rebuildRules: {
  readonly [K in Op]: (g: GraphBuilder, n: NodeOf<K>, at: Lookup) => Node;
} = {
  const: (g, n) => g.constant(n.data, n.shape, n.dtype),
  input: (g, n) => g.input(n.name, n.shape, n.dtype),
  unary: (g, n, at) => g.unary(n.fn, at(n.x)),
  binary: (g, n, at) => g.binary(n.fn, at(n.x), at(n.y)),
  ternary: (g, n, at) => g.ternary(n.fn, at(n.x), at(n.y), at(n.z)),
  broadcast: (g, n, at) => g.broadcast(at(n.x), n.shape, n.axes),
  reshape: (g, n, at) => g.reshape(at(n.x), n.shape),
  transpose: (g, n, at) => g.transpose(at(n.x), n.perm),
  slice: (g, n, at) => g.slice(at(n.x), n.starts, n.shape),
  pad: (g, n, at) => g.pad(at(n.x), n.starts, n.shape),
  concat: (g, n, at) => g.concat(n.xs.map(at), n.axis),
  gather: (g, n, at) => g.gather(at(n.x), at(n.indices), n.axis),
  scatter_add: (g, n, at) => g.scatterAdd(at(n.x), at(n.indices), n.axis, n.shape),
  reduce: (g, n, at) => g.reduce(n.fn, at(n.x), n.axes),
  cumulative: (g, n, at) => g.cumulative(n.fn, at(n.x), n.axis, n),
  matmul: (g, n, at) => g.matmul(at(n.x), at(n.y)),
  cholesky: (g, n, at) => g.cholesky(at(n.x)),
  triangular_solve: (g, n, at) => g.triangularSolve(at(n.l), at(n.b), n.transposed),
  solve: (g, n, at) => g.solve(at(n.a), at(n.b)),
  log_abs_det: (g, n, at) => g.logAbsDet(at(n.x)),
  scan: (g, n, at) => g.scanSource(scanArgs(n, at), n.body),
  output: (g, n, at) => g.output(at(n.source) as ScanNode, n.index),
};

/** The operands of a scan, replaced. */
export function scanArgs(
  n: ScanNode,
  at: Lookup,
): Pick<ScanNode, "length" | "reverse" | "init" | "xs" | "consts"> {
  return {
    length: n.length,
    reverse: n.reverse,
    init: n.init.map(at),
    xs: n.xs.map(at),
    consts: n.consts.map(at),
  };
}

/** The same operation as `n` in `g` over operands given by `at`. */
export function rebuild(g: GraphBuilder, n: Node, at: Lookup): Node {
  // The entry at `n.op` takes exactly this member of the union.
  const rule = rebuildRules[n.op] as (g: GraphBuilder, n: Node, at: Lookup) => Node;
  return rule(g, n, at);
}

/** A pass's own answer for a node; undefined leaves it to `rebuild`. */
export type Visit = (n: Node, at: Lookup) => Node | undefined;

/**
 * Rebuilds what `outputs` depend on in `g`, operands first, asking `visit` at each node. Origins
 * stay. Returns the new outputs in order, and the map of all nodes.
 */
export function transform(
  g: GraphBuilder,
  outputs: readonly Node[],
  visit: Visit,
): { readonly outputs: Node[]; readonly map: Map<Node, Node> } {
  const map = new Map<Node, Node>();
  const at: Lookup = (old) => map.get(old)!;
  for (const n of topological(outputs)) {
    const make = (): Node => visit(n, at) ?? rebuild(g, n, at);
    map.set(n, n.origin === undefined ? make() : g.withOrigin(n.origin, make));
  }
  return { outputs: outputs.map(at), map };
}

/**
 * Copies the expressions `outputs` into `g` with some nodes (inputs, usually) replaced. Used to put
 * the body of a scan, or a stored expression, into another graph.
 */
export function substitute(
  g: GraphBuilder,
  outputs: readonly Node[],
  replaced: ReadonlyMap<Node, Node>,
): Node[] {
  return transform(g, outputs, (n) => replaced.get(n)).outputs;
}

/** The same, without copying what only the replaced nodes depend on. */
export function graft(
  g: GraphBuilder,
  outputs: readonly Node[],
  replaced: ReadonlyMap<Node, Node>,
): Node[] {
  const needed = new Set(outputs);
  const order = topological(outputs);
  for (const n of [...order].reverse()) {
    if (needed.has(n) && !replaced.has(n)) for (const x of operandsOf(n)) needed.add(x);
  }
  const map = new Map<Node, Node>();
  const at: Lookup = (old) => map.get(old)!;
  for (const n of order) {
    if (!needed.has(n)) continue;
    const make = (): Node => replaced.get(n) ?? rebuild(g, n, at);
    map.set(n, n.origin === undefined ? make() : g.withOrigin(n.origin, make));
  }
  return outputs.map(at);
}

/** The inputs that nodes depend on, in the order of their ids. */
export function inputsOf(outputs: readonly Node[]): InputNode[] {
  const found = topological(outputs).filter((n): n is InputNode => n.op === "input");
  return found.sort((a, b) => a.id - b.id);
}

/** Whether `n` reads any node of `set`. */
export function readsAny(n: Node, set: ReadonlySet<Node>): boolean {
  return operandsOf(n).some((x) => set.has(x));
}
