/** Which nodes of a block are stored; the others are computed where they are read. */
import { internalError } from "../../../base/internal.js";
import { isElementMap, keepsAxes } from "../../../passes/lower/nodes.js";
import type { Node } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { operandsOf } from "../../../tensor/traverse.js";
import { binaryText, ternaryText, unaryText } from "../wgsl/elementwise.js";

/** A load, in multiplications: arithmetic is cheap beside memory. */
const LOAD = 4;
/** A value with several readers is stored where computing it again costs more than this. */
const WORTH_SHARING = 24;
/** A value that is read many times over (broadcast, gather, products) is stored above this. */
const WORTH_REPEATING = 8;
/** Longer chains of unstored nodes are cut: walks over them recurse, and shaders grow. */
const DEEPEST = 64;

/** `outputs` are stored whatever they cost; `readable` nodes only where that is worth it. */
export function decideRoots(
  order: readonly Node[],
  outputs: readonly Node[],
  readable: readonly Node[],
): Set<Node> {
  const roots = new Set<Node>();
  const uses = new Map<Node, number>();
  for (const node of order) {
    for (const x of operandsOf(node)) uses.set(x, (uses.get(x) ?? 0) + 1);
  }
  for (const node of [...outputs, ...readable]) uses.set(node, (uses.get(node) ?? 0) + 1);
  const cost = new Map<Node, number>();
  const depth = new Map<Node, number>();
  const costOf = (n: Node): number => cost.get(n) ?? internalError("a node without a cost");
  const force = (n: Node): void => {
    if (n.op === "const" || n.op === "input") return;
    roots.add(n);
    cost.set(n, LOAD);
    depth.set(n, 0);
  };
  const repeated = (x: Node): void => {
    if (costOf(x) > WORTH_REPEATING) force(x);
  };
  for (const node of order) {
    if (node.op === "const" || node.op === "input") {
      cost.set(node, node.op === "const" && sizeOf(node.shape) <= 1 ? 0 : LOAD);
      depth.set(node, 0);
      continue;
    }
    demand(node, force, repeated);
    const operands = operandsOf(node);
    cost.set(
      node,
      operands.reduce((sum, x) => sum + costOf(x), ownCost(node)),
    );
    depth.set(node, 1 + Math.max(0, ...operands.map((x) => depth.get(x) ?? 0)));
    const shared = (uses.get(node) ?? 0) > 1 && costOf(node) > WORTH_SHARING;
    const isNumber = sizeOf(node.shape) === 1 && ownCost(node) >= WORTH_REPEATING;
    if (!isElementMap(node) || shared || isNumber) force(node);
    else if ((depth.get(node) ?? 0) > DEEPEST) force(node);
  }
  for (const node of outputs) force(node);
  return roots;
}

function ownCost(node: Node): number {
  switch (node.op) {
    case "unary":
      return unaryText[node.fn].cost;
    case "binary":
      return binaryText[node.fn].cost;
    case "ternary":
      return ternaryText[node.fn].cost;
    case "reshape":
      return keepsAxes(node.x.shape, node.shape) ? 0 : 2;
    case "pad":
    case "concat":
      return 2;
    default:
      return 0;
  }
}

/** What a node asks of its operands. */
function demand(node: Node, force: (x: Node) => void, repeated: (x: Node) => void): void {
  switch (node.op) {
    case "broadcast":
      if (sizeOf(node.x.shape) < sizeOf(node.shape)) repeated(node.x);
      return;
    case "gather":
      repeated(node.x);
      if (node.indices.op !== "const" && sizeOf(node.x.shape) > 1) repeated(node.indices);
      return;
    case "scatter_add":
      repeated(node.x);
      if (node.indices.op !== "const") force(node.indices);
      return;
    case "matmul":
      repeated(node.x);
      repeated(node.y);
      return;
    case "triangular_solve":
      force(node.l);
      return;
    case "scan":
      // Read at every step.
      for (const x of operandsOf(node)) force(x);
      return;
    default:
      return;
  }
}
