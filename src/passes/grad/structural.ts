/** Adjoints of the operations that move, sum and multiply up elements. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { otherAxes, sizeOf } from "../../tensor/shape-rules.js";
import type { Adjoints, VjpRule } from "./contract.js";

export const structuralVjps: {
  readonly [K in
    | "broadcast"
    | "reshape"
    | "transpose"
    | "slice"
    | "pad"
    | "concat"
    | "gather"
    | "scatter_add"
    | "reduce"
    | "cumulative"]: VjpRule<K>;
} = {
  broadcast: (a, n, dy) => a.add(n.x, a.g.sum(dy, otherAxes(n.shape.length, n.axes))),
  reshape: (a, n, dy) => a.add(n.x, a.g.reshape(dy, n.x.shape)),
  transpose: (a, n, dy) => a.add(n.x, a.g.transpose(dy, inversePermutation(n.perm))),
  slice: (a, n, dy) => a.add(n.x, a.g.pad(dy, n.starts, n.x.shape)),
  pad: (a, n, dy) => a.add(n.x, a.g.slice(dy, n.starts, n.x.shape)),
  concat: (a, n, dy) => {
    let along = 0;
    for (const x of n.xs) {
      const starts = x.shape.map((_, k) => (k === n.axis ? along : 0));
      if (a.wants(x)) a.add(x, a.g.slice(dy, starts, x.shape));
      along += x.shape[n.axis];
    }
  },
  gather: (a, n, dy) => a.add(n.x, a.g.scatterAdd(dy, n.indices, n.axis, n.x.shape)),
  scatter_add: (a, n, dy) => a.add(n.x, a.g.gather(dy, n.indices, n.axis)),
  reduce: (a, n, dy) => {
    const { g } = a;
    switch (n.fn) {
      case "sum":
        return a.add(n.x, g.unreduce(dy, n.x, n.axes));
      case "prod":
        return a.add(n.x, productSlope(g, n.x, n.axes, dy));
      case "max":
      case "min": {
        // The extremal elements share the adjoint evenly.
        const hit = g.eq(n.x, g.unreduce(n, n.x, n.axes));
        const count = g.sum(hit, n.axes);
        return a.add(n.x, g.select(hit, g.unreduce(g.div(dy, count), n.x, n.axes), 0));
      }
    }
  },
  cumulative: (a, n, dy) => {
    if (n.fn === "prod") return cumulativeProduct(a, n.x, n.axis, n, dy);
    const { exclusive } = n;
    a.add(n.x, a.g.cumulative("sum", dy, n.axis, { reverse: !n.reverse, exclusive }));
  },
};

/** q with q[p[k]] = k. */
export function inversePermutation(p: readonly number[]): number[] {
  const q = new Array<number>(p.length);
  p.forEach((axis, k) => {
    q[axis] = k;
  });
  return q;
}

/** dy times the product of the other elements, from both sides, so that zeros do no harm. */
function productSlope(g: GraphBuilder, x: Node, axes: readonly number[], dy: Node): Node {
  const kept = otherAxes(x.shape.length, axes);
  const perm = [...kept, ...axes];
  const last = kept.length;
  const moved = g.transpose(x, perm);
  const rows = g.reshape(moved, [
    ...kept.map((k) => x.shape[k]),
    sizeOf(axes.map((k) => x.shape[k])),
  ]);
  const before = g.cumulative("prod", rows, last, { exclusive: true });
  const after = g.cumulative("prod", rows, last, { exclusive: true, reverse: true });
  const slope = g.mul(g.mul(before, after), g.unreduce(dy, rows, [last]));
  return g.transpose(g.reshape(slope, moved.shape), inversePermutation(perm));
}

/**
 * With y the running products, the adjoint of xⱼ is (Πᵢ before j xᵢ) · sⱼ, where s sums the later
 * adjoints times the products between: sⱼ = dyⱼ + xⱼ₊₁ sⱼ₊₁ (inclusive), or
 * sⱼ = dyⱼ₊₁ + xⱼ₊₁ sⱼ₊₁ (exclusive). A loop instead of a quotient keeps zeros exact.
 */
function cumulativeProduct(
  a: Adjoints,
  x: Node,
  axis: number,
  kind: { readonly reverse: boolean; readonly exclusive: boolean },
  dy: Node,
): void {
  const { g } = a;
  const perm = [axis, ...otherAxes(x.shape.length, [axis])];
  const rows = g.transpose(x, perm);
  const before = g.cumulative("prod", rows, 0, { reverse: kind.reverse, exclusive: true });
  const loop = g.scan(
    {
      length: rows.shape[0],
      reverse: !kind.reverse,
      init: [g.zeros(rows.shape.slice(1))],
      xs: [rows, g.transpose(dy, perm)],
    },
    (b, [later], [xj, dyj]) => {
      if (kind.exclusive) return { carry: [b.add(dyj, b.mul(xj, later))], ys: [later] };
      const s = b.add(dyj, later);
      return { carry: [b.mul(xj, s)], ys: [s] };
    },
  );
  a.add(x, g.transpose(g.mul(before, loop.ys[0]), inversePermutation(perm)));
}
