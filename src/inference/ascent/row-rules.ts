/**
 * Rows through operations: along which axis of a result the items stand where they stand along one of
 * its operands, and the same operation over a block of the items.
 */
import { assertNever, internalError } from "../../base/internal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf, Op } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { rebuild } from "../../tensor/transform.js";
import { operandsOf } from "../../tensor/traverse.js";

export type RowStatus =
  /** The same for all items. */
  | { readonly kind: "whole" }
  /** One entry for each item along an axis, of that item alone. */
  | { readonly kind: "rows"; readonly axis: number }
  /** A sum over the items. */
  | { readonly kind: "total" }
  /** What is made of such sums. */
  | { readonly kind: "after" };

/** Where an operand's items stand; undefined: it is the same for all. */
type AxisOf = (x: Node) => number | undefined;
type Found = RowStatus | undefined;
type StatusRule<K extends Op> = (n: NodeOf<K>, axisOf: AxisOf) => Found;

const total: RowStatus = { kind: "total" };
const at = (axis: number | undefined): Found =>
  axis === undefined || axis < 0 ? undefined : { kind: "rows", axis };
const none = (): Found => undefined;

/** Every operand that has an axis of items has this one, of the result too. */
function agreed(operands: readonly Node[], axisOf: AxisOf): Found {
  const axes = operands.map(axisOf).filter((a) => a !== undefined);
  return axes.every((a) => a === axes[0]) ? at(axes[0]) : undefined;
}

/** Items along a batch axis of every operand that has batch axes. */
function batched(operands: readonly Node[], axisOf: AxisOf): Found {
  const rank = Math.max(...operands.map((x) => x.shape.length));
  const axis = operands.map(axisOf).find((a) => a !== undefined);
  if (axis === undefined || axis >= rank - 2) return undefined;
  const isSame = operands.every((x) => {
    const own = axisOf(x);
    return own === axis ? x.shape.length === rank : own === undefined;
  });
  return isSame ? at(axis) : undefined;
}

/** Asked where at least one operand has an axis of items, and none is made of sums. */
const statusRules: { readonly [K in Op]: StatusRule<K> } = {
  const: none,
  input: none,
  unary: (n, axisOf) => at(axisOf(n.x)),
  binary: (n, axisOf) => agreed([n.x, n.y], axisOf),
  ternary: (n, axisOf) => agreed([n.x, n.y, n.z], axisOf),
  broadcast: (n, axisOf) => at(n.axes[axisOf(n.x) ?? internalError("no axis of items")]),
  reshape: (n, axisOf) => {
    const axis = axisOf(n.x) ?? internalError("no axis of items");
    const before = sizeOf(n.x.shape.slice(0, axis));
    const rows = n.x.shape[axis];
    return at(n.shape.findIndex((d, a) => d === rows && sizeOf(n.shape.slice(0, a)) === before));
  },
  transpose: (n, axisOf) => at(n.perm.indexOf(axisOf(n.x) ?? -1)),
  slice: (n, axisOf) => {
    const axis = axisOf(n.x) ?? internalError("no axis of items");
    return n.shape[axis] === n.x.shape[axis] ? at(axis) : undefined;
  },
  pad: (n, axisOf) => {
    const axis = axisOf(n.x) ?? internalError("no axis of items");
    return n.shape[axis] === n.x.shape[axis] ? at(axis) : undefined;
  },
  concat: (n, axisOf) => {
    const found = agreed(n.xs, axisOf);
    return found?.kind === "rows" && found.axis !== n.axis ? found : undefined;
  },
  gather: (n, axisOf) => {
    const [x, indices] = [axisOf(n.x), axisOf(n.indices)];
    if (indices !== undefined) return x === undefined ? at(n.axis + indices) : undefined;
    if (x === undefined || x === n.axis) return undefined;
    return at(x < n.axis ? x : x - 1 + n.indices.shape.length);
  },
  scatter_add: (n, axisOf) => {
    const [x, indices] = [axisOf(n.x), axisOf(n.indices)];
    // Its items are added up where the indices say.
    if (indices !== undefined) {
      return x === undefined || x === n.axis + indices ? total : undefined;
    }
    if (x === undefined) return undefined;
    const width = n.indices.shape.length;
    if (x < n.axis) return at(x);
    return x < n.axis + width ? undefined : at(x - width + 1);
  },
  reduce: (n, axisOf) => {
    const axis = axisOf(n.x) ?? internalError("no axis of items");
    if (n.axes.includes(axis)) return n.fn === "sum" ? total : undefined;
    return at(axis - n.axes.filter((a) => a < axis).length);
  },
  cumulative: (n, axisOf) => (axisOf(n.x) === n.axis ? undefined : at(axisOf(n.x))),
  matmul: (n, axisOf) => {
    const [x, y] = [axisOf(n.x), axisOf(n.y)];
    const [rx, ry, rank] = [n.x.shape.length, n.y.shape.length, n.shape.length];
    const isContracted = (x ?? rx - 1) === rx - 1 && (y ?? ry - 2) === ry - 2;
    if (isContracted) return total;
    if (x === rx - 2 && y === undefined) return at(rank - 2);
    if (y === ry - 1 && x === undefined) return at(rank - 1);
    return batched([n.x, n.y], axisOf);
  },
  cholesky: (n, axisOf) => batched([n.x], axisOf),
  triangular_solve: (n, axisOf) =>
    axisOf(n.b) === n.b.shape.length - 1 && axisOf(n.l) === undefined
      ? at(n.b.shape.length - 1)
      : batched([n.l, n.b], axisOf),
  solve: (n, axisOf) => batched([n.a, n.b], axisOf),
  log_abs_det: (n, axisOf) => batched([n.x], axisOf),
  scan: none,
  output: none,
};

/** The status of a node by those of its operands; undefined where items hang together. */
export function rowStatus(
  n: Node,
  rows: number,
  statusOf: (x: Node) => RowStatus,
): RowStatus | undefined {
  if (n.op === "const" || n.op === "input") {
    const axis = n.shape.indexOf(rows);
    return axis < 0 ? { kind: "whole" } : { kind: "rows", axis };
  }
  const statuses = operandsOf(n).map(statusOf);
  const isAfter = statuses.some((s) => s.kind === "total" || s.kind === "after");
  if (!statuses.some((s) => s.kind === "rows")) return { kind: isAfter ? "after" : "whole" };
  if (isAfter) return undefined;
  const axisOf: AxisOf = (x) => {
    const s = statusOf(x);
    return s.kind === "rows" ? s.axis : undefined;
  };
  // The entry at `n.op` takes exactly this member of the union.
  return (statusRules[n.op] as (n: Node, axisOf: AxisOf) => Found)(n, axisOf);
}

/** Operands in a block. */
export interface BlockOperands {
  readonly statusOf: (n: Node) => RowStatus;
  /** Of rows. */
  readonly at: (n: Node) => Node;
  readonly whole: (n: Node) => Node;
  /** Any node, of the block's rows along this axis. */
  readonly along: (n: Node, axis: number) => Node;
}

/** The operation `n` (with items in an operand) over a block of `rows` items. */
export function blockRules(
  g: GraphBuilder,
  n: Node,
  status: RowStatus,
  rows: number,
  { statusOf, at: rowsOf, whole, along }: BlockOperands,
): Node {
  const isRows = (x: Node): boolean => statusOf(x).kind === "rows";
  const own = (x: Node): Node => (isRows(x) ? rowsOf(x) : whole(x));
  const shape = n.shape.map((d, a) => (status.kind === "rows" && a === status.axis ? rows : d));
  const axis = status.kind === "rows" ? status.axis : -1;
  switch (n.op) {
    case "unary":
    case "binary":
    case "ternary":
    case "concat":
      return rebuild(g, n, (x) => along(x, axis));
    case "broadcast":
      return g.broadcast(rowsOf(n.x), shape, n.axes);
    case "reshape":
      return g.reshape(rowsOf(n.x), shape);
    case "slice":
      return g.slice(rowsOf(n.x), n.starts, shape);
    case "pad":
      return g.pad(rowsOf(n.x), n.starts, shape);
    case "scatter_add": {
      const indices = statusOf(n.indices);
      const x = indices.kind === "rows" ? along(n.x, n.axis + indices.axis) : rowsOf(n.x);
      return g.scatterAdd(x, own(n.indices), n.axis, shape);
    }
    case "matmul": {
      if (status.kind !== "total") return rebuild(g, n, batchOperand(n.x, n.y));
      const [kx, ky] = [n.x.shape.length - 1, n.y.shape.length - 2];
      return g.matmul(along(n.x, kx), along(n.y, ky));
    }
    case "triangular_solve":
      return rebuild(g, n, batchOperand(n.l, n.b));
    case "solve":
      return rebuild(g, n, batchOperand(n.a, n.b));
    case "gather":
    case "transpose":
    case "reduce":
    case "cumulative":
    case "cholesky":
    case "log_abs_det":
      return rebuild(g, n, own);
    case "const":
    case "input":
    case "scan":
    case "output":
      return internalError(`${n.op} over a block of items`);
    default:
      return assertNever(n, "a block of items");
  }

  /** Operands whose items are along a batch axis have it all, but for those without a batch. */
  function batchOperand(x: Node, y: Node): (z: Node) => Node {
    const rank = Math.max(x.shape.length, y.shape.length);
    return (z) => {
      const hasBatch = axis < rank - 2 && z.shape.length === rank;
      return hasBatch ? along(z, axis) : own(z);
    };
  }
}
