/** Facts about single nodes that every part of the lowering asks for. */
import type { GatherNode, Node, ScatterAddNode, Shape } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import { binaryRules, ternaryRules, unaryRules } from "./elementwise.js";
import { type Affine, linear, matchAxes, scale, shift } from "./index-maps.js";

/** The value of a constant whose elements are all the same (bitwise, but for NaN). */
export function uniformValue(node: Node): number | undefined {
  if (node.op !== "const" || node.data.length === 0) return undefined;
  const first = node.data[0];
  for (let k = 1; k < node.data.length; k++) {
    if (!Object.is(node.data[k], first)) return undefined;
  }
  return first;
}

/** Cost per element of the node's own function, in multiplications, roughly. */
export function ownCost(node: Node): number {
  switch (node.op) {
    case "unary":
      return unaryRules[node.fn].cost;
    case "binary":
      return binaryRules[node.fn].cost;
    case "ternary":
      return ternaryRules[node.fn].cost;
    case "gather":
      return 1;
    default:
      return 0;
  }
}

/** Nodes that are computed element by element, without storage of their own being needed. */
export function isElementMap(node: Node): boolean {
  switch (node.op) {
    case "unary":
    case "binary":
    case "ternary":
    case "broadcast":
    case "reshape":
    case "transpose":
    case "slice":
    case "pad":
    case "concat":
    case "gather":
      return true;
    default:
      return false;
  }
}

export function isElementwise(node: Node): boolean {
  return node.op === "unary" || node.op === "binary" || node.op === "ternary";
}

/**
 * Constant indices `start + step·k` (over the row-major positions k), which need no loads. One
 * pass over the data, at compile time.
 */
export function progressionOf(
  indices: Node,
): { readonly start: number; readonly step: number } | undefined {
  if (indices.op !== "const" || indices.data.length === 0) return undefined;
  const { data } = indices;
  const start = data[0];
  const step = data.length > 1 ? data[1] - data[0] : 0;
  for (let k = 2; k < data.length; k++) if (data[k] !== start + step * k) return undefined;
  return { start, step };
}

/** The index that `indices` holds at the coordinates, where that is affine. */
export function affineIndexAt(indices: Node, at: readonly Affine[]): Affine | undefined {
  const progression = progressionOf(indices);
  if (progression === undefined) return undefined;
  const position = linear(at, stridesOf(indices.shape));
  return shift(scale(position, progression.step), progression.start);
}

/** Of the coordinates of a gather (or of the operand of a scatter_add): the part for `indices`. */
export function indexCoordinates(
  node: GatherNode | ScatterAddNode,
  at: readonly Affine[],
): readonly Affine[] {
  return at.slice(node.axis, node.axis + node.indices.shape.length);
}

/** Those coordinates with that part replaced by the index itself: where the element lies. */
export function gatheredCoordinates(
  node: GatherNode | ScatterAddNode,
  at: readonly Affine[],
  index: Affine,
): Affine[] {
  const before = at.slice(0, node.axis);
  return [...before, index, ...at.slice(node.axis + node.indices.shape.length)];
}

/** Whether a reshape only adds or drops axes of length 1. */
export function keepsAxes(from: Shape, to: Shape): boolean {
  return matchAxes(from, to) !== undefined || sizeOf(to) <= 1;
}
