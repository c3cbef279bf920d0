/** Sums the contributions to one adjoint. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf, Shape } from "../../tensor/ops.js";
import { addMasked } from "./mask.js";

/**
 * The sum of nodes of one shape. Slices of one array (the parameters in a flat vector, the states
 * of a chain) leave pads that do not overlap; these are joined side by side, in time linear in the
 * array instead of linear in the array times the number of slices.
 */
export function combine(g: GraphBuilder, contributions: readonly Node[]): Node {
  if (contributions.length === 1) return contributions[0];
  const byAxis = new Map<number, NodeOf<"pad">[]>();
  const rest: Node[] = [];
  for (const c of contributions) {
    const axis = c.op === "pad" ? paddedAxis(c) : undefined;
    if (c.op !== "pad" || axis === undefined) rest.push(c);
    else if (byAxis.has(axis)) byAxis.get(axis)!.push(c);
    else byAxis.set(axis, [c]);
  }
  for (const [axis, pads] of byAxis) rest.push(...joinPads(g, axis, pads));
  return rest.reduce((sum, c) => addMasked(g, sum, c));
}

/** The one axis along which a pad pads; undefined where there are several. */
function paddedAxis(n: NodeOf<"pad">): number | undefined {
  let axis: number | undefined;
  for (let k = 0; k < n.shape.length; k++) {
    if (n.shape[k] === n.x.shape[k]) continue;
    if (axis !== undefined) return undefined;
    axis = k;
  }
  return axis;
}

/** Pads along one axis, as few nodes as their overlaps allow. */
function joinPads(g: GraphBuilder, axis: number, pads: readonly NodeOf<"pad">[]): Node[] {
  const sorted = [...pads].sort((a, b) => a.starts[axis] - b.starts[axis]);
  const layers: NodeOf<"pad">[][] = [];
  for (const p of sorted) {
    const layer = layers.find((l) => end(l[l.length - 1], axis) <= p.starts[axis]);
    if (layer === undefined) layers.push([p]);
    else layer.push(p);
  }
  return layers.map((layer) => (layer.length === 1 ? layer[0] : sideBySide(g, axis, layer)));
}

function end(p: NodeOf<"pad">, axis: number): number {
  return p.starts[axis] + p.x.shape[axis];
}

function sideBySide(g: GraphBuilder, axis: number, layer: readonly NodeOf<"pad">[]): Node {
  const { shape } = layer[0];
  const parts: Node[] = [];
  let along = 0;
  const fill = (to: number): void => {
    if (to === along) return;
    const gap: Shape = shape.map((s, k) => (k === axis ? to - along : s));
    parts.push(g.zeros(gap));
  };
  for (const p of layer) {
    fill(p.starts[axis]);
    parts.push(p.x);
    along = end(p, axis);
  }
  fill(shape[axis]);
  return g.concat(parts, axis);
}
