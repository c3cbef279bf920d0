/**
 * Σ of squares group by group: with a precision of each group's own, Σᵢ w[gᵢ] rᵢ² is Σ_g w_g times
 * the group's sum of squares, and that sum collapses within the group.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { type Affine, affineOf, type PickTerm, rowCost } from "./affine.js";
import { blockNode, eliminateGroups, hasFiniteRows } from "./quadratic.js";

/** A vector, one element for each row by a constant index. */
export interface Picked {
  readonly atom: Node;
  readonly indices: NodeOf<"const">;
}

/** `n` as a vector picked by rows; undefined where it is anything more. */
export function pickedVector(g: GraphBuilder, n: Node): Picked | undefined {
  const a = affineOf(g, n);
  if (a === undefined || a.dense.length > 0 || a.picks.length !== 1) return undefined;
  const [pick] = a.picks;
  const plain = a.constant.every((v) => v === 0) && pick.weights.every((w) => w === 1);
  return plain ? pick : undefined;
}

/**
 * The vector of Σ rows² over the rows of each of `groups` groups. Only for functions of one number
 * a group (or for all): their atoms are picked by the same index, or are scalars. Undefined where
 * they are not, or where nothing is gained.
 */
export function groupSquares(
  g: GraphBuilder,
  a: Affine,
  indices: NodeOf<"const">,
  groups: number,
): Node | undefined {
  if (a.picks.some((p) => p.indices !== indices || sizeOf(p.atom.shape) !== groups)) {
    return undefined;
  }
  if (a.dense.some((d) => d.columns !== 1) || !hasFiniteRows(a)) return undefined;
  const scalars: PickTerm[] = a.dense.map((d) => ({
    atom: g.broadcast(g.reshape(d.atom, []), [groups], []),
    indices,
    weights: d.matrix,
  }));
  const grouped = mergeAlike(g, [...a.picks, ...scalars]);
  const p = grouped.length;
  if (groups * ((p * (p + 1)) / 2 + p + 1) >= rowCost(a)) return undefined;
  const design = { grouped, groups, indices, dense: [], columns: 0 };
  const { blocks, leftover } = eliminateGroups(a, design);
  let sum: Node = g.constant(leftover, [groups]);
  for (const block of blocks) {
    sum = g.add(sum, g.square(blockNode(g, block, design, undefined)));
  }
  return sum;
}

/** Atoms with the same weights (means of groups, and a mean of all) count as their sum. */
function mergeAlike(g: GraphBuilder, picks: readonly PickTerm[]): PickTerm[] {
  const merged: PickTerm[] = [];
  for (const p of picks) {
    const k = merged.findIndex((m) => m.weights.every((w, i) => w === p.weights[i]));
    if (k < 0) merged.push(p);
    else merged[k] = { ...p, atom: g.add(merged[k].atom, p.atom) };
  }
  return merged;
}
