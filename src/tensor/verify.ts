/**
 * The verifier of tensor graphs: every node's type is what the shape rules give, operands are older
 * than their users, constants fit their dtype, constant indices are in range, inputs are declared,
 * and the body of a scan reads nothing but its own inputs. A failure is a bug of a pass.
 */
import { internalError } from "../base/internal.js";
import type { Graph, InputNode, Node, NodeOf } from "./ops.js";
import { sameShape, typeOf } from "./shape-rules.js";
import { operandsOf, topological } from "./traverse.js";

/** Throws an `InternalError` that names `where` (a pass, usually) if the graph is not sound. */
export function verifyGraph(graph: Graph, where = "graph"): void {
  const names = new Set<string>();
  for (const input of graph.inputs) {
    if (names.has(input.name)) internalError(`${where}: two inputs named ${input.name}`);
    names.add(input.name);
  }
  verifyNodes(
    graph.outputs.map((o) => o.node),
    new Set(graph.inputs),
    where,
  );
}

/** The same for nodes whose inputs must all be in `inputs`. */
export function verifyNodes(
  outputs: readonly Node[],
  inputs: ReadonlySet<InputNode>,
  where = "graph",
): void {
  const ids = new Map<number, Node>();
  for (const n of topological(outputs)) {
    const bad = (what: string): never => internalError(`${where}: node ${n.id} (${n.op}): ${what}`);
    const twin = ids.get(n.id);
    if (twin !== undefined) bad(`shares its id with a ${twin.op}`);
    ids.set(n.id, n);
    const type = typeOf(n);
    if (!sameShape(type.shape, n.shape)) bad(`shape [${n.shape}] should be [${type.shape}]`);
    if (type.dtype !== n.dtype) bad(`dtype ${n.dtype} should be ${type.dtype}`);
    for (const x of operandsOf(n)) if (x.id >= n.id) bad(`reads the younger node ${x.id}`);
    if (n.op === "input" && !inputs.has(n)) bad(`input ${n.name} is not declared`);
    if (n.op === "const") verifyConstant(n, bad);
    if (n.op === "gather") verifyIndices(n.indices, n.x.shape[n.axis], bad);
    if (n.op === "scatter_add") verifyIndices(n.indices, n.shape[n.axis], bad);
    if (n.op === "scan") verifyScan(n, where);
  }
}

function verifyConstant(n: NodeOf<"const">, bad: (what: string) => never): void {
  if (n.dtype === "real") return;
  for (const v of n.data) {
    if (n.dtype === "bool" ? v !== 0 && v !== 1 : !Number.isInteger(v)) {
      bad(`${v} is not of dtype ${n.dtype}`);
    }
  }
}

function verifyIndices(indices: Node, size: number, bad: (what: string) => never): void {
  if (indices.op !== "const") return;
  for (const i of indices.data) if (!(i >= 0 && i < size)) bad(`index ${i} of an axis of ${size}`);
}

function verifyScan(n: NodeOf<"scan">, where: string): void {
  const { carry, slices, consts, nextCarry, ys } = n.body;
  verifyNodes(
    [...nextCarry, ...ys],
    new Set([...carry, ...slices, ...consts]),
    `${where}: body of scan ${n.id}`,
  );
}
