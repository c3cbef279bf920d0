/** Walks over graphs. All are iterative: graphs of long chains are deeper than the call stack. */
import type { Node, NodeOf, Op } from "./ops.js";

const none: readonly Node[] = [];

/** The nodes that each op reads, in the order of its fields. The body of a scan is not among them. */
export const operandRules: { readonly [K in Op]: (n: NodeOf<K>) => readonly Node[] } = {
  const: () => none,
  input: () => none,
  unary: (n) => [n.x],
  binary: (n) => [n.x, n.y],
  ternary: (n) => [n.x, n.y, n.z],
  broadcast: (n) => [n.x],
  reshape: (n) => [n.x],
  transpose: (n) => [n.x],
  slice: (n) => [n.x],
  pad: (n) => [n.x],
  concat: (n) => n.xs,
  gather: (n) => [n.x, n.indices],
  scatter_add: (n) => [n.x, n.indices],
  reduce: (n) => [n.x],
  cumulative: (n) => [n.x],
  matmul: (n) => [n.x, n.y],
  cholesky: (n) => [n.x],
  triangular_solve: (n) => [n.l, n.b],
  solve: (n) => [n.a, n.b],
  log_abs_det: (n) => [n.x],
  scan: (n) => [...n.init, ...n.xs, ...n.consts],
  output: (n) => [n.source],
};

/** The nodes that `n` reads. */
export function operandsOf(n: Node): readonly Node[] {
  // The entry at `n.op` takes exactly this member of the union.
  return (operandRules[n.op] as (n: Node) => readonly Node[])(n);
}

/**
 * Every node that the outputs depend on, operands before their users, each once. The order is that
 * of a depth-first walk, which keeps a value near its first use.
 */
export function topological(outputs: readonly Node[]): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { readonly node: Node; readonly operands: readonly Node[]; next: number }[] = [];
  for (const output of outputs) {
    if (seen.has(output)) continue;
    seen.add(output);
    stack.push({ node: output, operands: operandsOf(output), next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.operands.length) {
        const operand = top.operands[top.next++];
        if (seen.has(operand)) continue;
        seen.add(operand);
        const operands = operandsOf(operand);
        if (operands.length === 0) order.push(operand);
        else stack.push({ node: operand, operands, next: 0 });
      } else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

/** The nodes of `order` (operands first) that depend on one of `sources`, sources included. */
export function dependents(order: readonly Node[], sources: Iterable<Node>): Set<Node> {
  const reached = new Set<Node>(sources);
  for (const n of order) {
    if (!reached.has(n) && operandsOf(n).some((x) => reached.has(x))) reached.add(n);
  }
  return reached;
}

/** How many operand slots of the graph hold each node; outputs of the graph count once each. */
export function useCounts(
  outputs: readonly Node[],
  order = topological(outputs),
): Map<Node, number> {
  const counts = new Map<Node, number>();
  const count = (n: Node): void => {
    counts.set(n, (counts.get(n) ?? 0) + 1);
  };
  for (const n of order) operandsOf(n).forEach(count);
  outputs.forEach(count);
  return counts;
}
