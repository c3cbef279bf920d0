/** Rough sizes of a graph: arithmetic operations of one evaluation, and numbers in constants. */
import type { Node, NodeOf, Op } from "./ops.js";
import { topological } from "./traverse.js";

const size = (n: Node): number => n.shape.reduce((m, d) => m * d, 1);
const none = (): number => 0;

/** Operations of one node, its operands not counted; moves of data are free. */
const workRules: { readonly [K in Op]: (n: NodeOf<K>) => number } = {
  const: none,
  input: none,
  unary: size,
  binary: size,
  ternary: size,
  broadcast: none,
  reshape: none,
  transpose: none,
  slice: none,
  pad: none,
  concat: none,
  gather: none,
  scatter_add: (n) => size(n.x),
  reduce: (n) => size(n.x),
  cumulative: (n) => size(n.x),
  matmul: (n) => 2 * size(n) * n.x.shape[n.x.shape.length - 1],
  cholesky: (n) => (size(n) * n.shape[n.shape.length - 1]) / 3,
  triangular_solve: (n) => size(n) * n.l.shape[n.l.shape.length - 1],
  solve: (n) => 2 * size(n) * n.a.shape[n.a.shape.length - 1],
  log_abs_det: (n) => (2 * size(n.x) * n.x.shape[n.x.shape.length - 1]) / 3,
  scan: (n) => n.length * workOf([...n.body.nextCarry, ...n.body.ys]),
  output: none,
};

/** Additions, multiplications and function calls of one evaluation, each counted as one. */
export function workOf(outputs: readonly Node[]): number {
  let total = 0;
  for (const n of topological(outputs)) {
    total += (workRules[n.op] as (n: Node) => number)(n);
  }
  return total;
}

/** Numbers in the constants that the outputs depend on, those of the bodies of scans included. */
export function constantNumbers(outputs: readonly Node[]): number {
  let total = 0;
  for (const n of topological(outputs)) {
    if (n.op === "const" && n.data.length > 1) total += n.data.length;
    if (n.op === "scan") total += constantNumbers([...n.body.nextCarry, ...n.body.ys]);
  }
  return total;
}
