/**
 * Where the elements of a virtual node come from: its operands, each with the coordinates that it
 * is read at. Shared by the planner (which only looks) and the emitter (which writes code), so the
 * two cannot disagree.
 */
import { internalError } from "../../base/internal.js";
import type { Node } from "../../tensor/ops.js";
import { type Affine, matchAxes, rangeOf, shift, zeroIndex } from "./index-maps.js";
import { affineIndexAt, gatheredCoordinates, indexCoordinates } from "./nodes.js";

export type Coordinates = readonly Affine[];

/** The index that `indices` holds at the coordinates, below `extent`, when it must be loaded. */
export type LoadIndex = (indices: Node, at: Coordinates, extent: number) => Affine;

/**
 * For the ops that only move elements: the operand and coordinates of the element of `node` at
 * `at`; "zero" for the surroundings of a pad. The planner has split the loops so that each
 * coordinate of a pad or concat lies in one part.
 */
export function sourceOf(
  node: Node,
  at: Coordinates,
  loadIndex: LoadIndex,
): { readonly node: Node; readonly at: Coordinates } | "zero" {
  switch (node.op) {
    case "broadcast":
      return { node: node.x, at: node.axes.map((axis) => at[axis]) };
    case "transpose": {
      const from = new Array<Affine>(at.length);
      node.perm.forEach((axis, k) => {
        from[axis] = at[k];
      });
      return { node: node.x, at: from };
    }
    case "slice":
      return { node: node.x, at: at.map((a, k) => shift(a, node.starts[k])) };
    case "reshape":
      return { node: node.x, at: reshapedCoordinates(node.x.shape, node.shape, at) };
    case "pad": {
      const from = at.map((a, k) => shift(a, -node.starts[k]));
      for (let k = 0; k < from.length; k++) {
        const side = within(from[k], 0, node.x.shape[k]);
        if (side === undefined) internalError("a loop over a pad was not split");
        if (!side) return "zero";
      }
      return { node: node.x, at: from };
    }
    case "concat": {
      let start = 0;
      for (const x of node.xs) {
        const size = x.shape[node.axis];
        if (size > 0 && within(at[node.axis], start, start + size) === true) {
          return { node: x, at: at.map((a, k) => (k === node.axis ? shift(a, -start) : a)) };
        }
        start += size;
      }
      return internalError("a loop over a concat was not split");
    }
    case "gather": {
      const coordinates = indexCoordinates(node, at);
      const index =
        affineIndexAt(node.indices, coordinates) ??
        loadIndex(node.indices, coordinates, node.x.shape[node.axis]);
      return { node: node.x, at: gatheredCoordinates(node, at, index) };
    }
    default:
      return internalError(`${node.op} does not move elements`);
  }
}

/** Of a reshape that only adds or drops axes of length 1. */
function reshapedCoordinates(
  from: readonly number[],
  to: readonly number[],
  at: Coordinates,
): Coordinates {
  const pairs = matchAxes(from, to);
  const result = from.map((): Affine => zeroIndex);
  if (pairs === undefined) return result;
  pairs.forEach((axis, k) => {
    if (axis >= 0) result[axis] = at[k];
  });
  return result;
}

/** Whether all values are in `[from, to)`; `undefined` where some are and some are not. */
function within(a: Affine, from: number, to: number): boolean | undefined {
  const { min, max } = rangeOf(a);
  if (min >= from && max < to) return true;
  if (max < from || min >= to) return false;
  return undefined;
}
