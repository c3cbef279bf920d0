/** Operations that move elements, and the adjoint of a gather. */
import type { Op, Shape } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import type { Tensor } from "../graph/scope.js";
import { type Attrs, intAttr, typeAttr } from "../graph/types.js";
import type { NodeRule } from "./block.js";
import { reshape, sized, TensorValue } from "./value.js";

export function transpose(t: Tensor, perm: readonly number[]): Tensor {
  return t.scope.op("Transpose", [t, t.scope.ints(perm)], t.type, {
    attrs: sized(t.type, "Tperm"),
  });
}

/** Rows of `t` along an axis, by int32 indices. */
export function gather(t: Tensor, indices: Tensor, axis = 0): Tensor {
  const attrs: Attrs = {
    Tparams: typeAttr(t.type),
    Tindices: typeAttr(indices.type),
    Taxis: typeAttr("int32"),
    batch_dims: intAttr(0),
  };
  // In the scope of the index where that is the inner one.
  const { scope } = indices;
  return scope.op("GatherV2", [t, indices, scope.ints(axis)], t.type, { attrs });
}

/** The axis `from` of so many axes moved to `to`, as a permutation. */
function moved(rank: number, take: readonly number[]): number[] {
  const rest = Array.from({ length: rank }, (_, k) => k).filter((k) => !take.includes(k));
  return [...take, ...rest];
}

function isOrdered(perm: readonly number[]): boolean {
  return perm.every((k, i) => k === i);
}

export const structuralRules: {
  readonly [K in Extract<
    Op,
    "broadcast" | "reshape" | "transpose" | "slice" | "pad" | "concat" | "gather" | "scatter_add"
  >]: NodeRule<K>;
} = {
  broadcast: (b, n) => {
    const x = b.at(n.x);
    const shape: number[] = n.shape.map(() => 1);
    n.axes.forEach((axis, k) => {
      shape[axis] = x.shape[k];
    });
    const t = x.as(n.x.dtype === "bool" ? "bool" : "real");
    const isSame = x.shape.length === shape.length;
    return new TensorValue(isSame ? t : reshape(t, shape), shape, b.real);
  },
  reshape: (b, n) => {
    const x = b.at(n.x);
    const kind = n.x.dtype === "bool" ? "bool" : "real";
    const isUniform = sizeOf(x.shape) === 1 && sizeOf(n.shape) > 0;
    const shape: Shape = isUniform ? n.shape.map(() => 1) : n.shape;
    const t = isUniform ? x.as(kind) : x.full(kind, n.x.shape);
    return new TensorValue(reshape(t, shape), shape, b.real);
  },
  transpose: (b, n) => {
    const x = b.at(n.x);
    const t = x.as(n.x.dtype === "bool" ? "bool" : "real");
    const shape = n.perm.map((k) => x.shape[k]);
    return new TensorValue(transpose(t, n.perm), shape, b.real);
  },
  slice: (b, n) => {
    const x = b.at(n.x);
    const repeats = (k: number): boolean => x.shape[k] === 1;
    const sizes = n.shape.map((size, k) => (repeats(k) ? 1 : size));
    const starts = n.starts.map((start, k) => (repeats(k) ? 0 : start));
    // An axis of no elements is no repetition of one.
    if (sizeOf(n.shape) === 0) {
      const inputs = [b.full(n.x), b.scope.ints(n.starts), b.scope.ints([...n.shape])];
      return b.value(n, b.op("Slice", inputs, b.type, { attrs: sized(b.type, "Index") }));
    }
    const t = x.as("real");
    if (sizes.every((size, k) => size === x.shape[k])) return new TensorValue(t, sizes, b.real);
    const inputs = [t, b.scope.ints(starts), b.scope.ints(sizes)];
    const result = b.op("Slice", inputs, b.type, { attrs: sized(b.type, "Index") });
    return new TensorValue(result, sizes, b.real);
  },
  pad: (b, n) => {
    const margins = n.starts.flatMap((start, k) => [start, n.shape[k] - start - n.x.shape[k]]);
    const paddings = b.scope.constant("int32", margins, [n.shape.length, 2]);
    const attrs = sized(b.type, "Tpaddings");
    return b.value(n, b.op("Pad", [b.full(n.x), paddings], b.type, { attrs }));
  },
  concat: (b, n) => {
    if (n.xs.length === 1) return b.value(n, b.full(n.xs[0]));
    const inputs = [...n.xs.map((x) => b.full(x)), b.scope.ints(n.axis)];
    const attrs = { N: intAttr(n.xs.length), ...sized(b.type, "Tidx") };
    return b.value(n, b.op("ConcatV2", inputs, b.type, { attrs }));
  },
  gather: (b, n) => {
    const indices = b.scope.bring(b.full(n.indices, "index"));
    return b.value(n, gather(b.full(n.x), indices, n.axis));
  },
  scatter_add: (b, n) => {
    // Axes of the indices first: [indices…, outer…, inner…].
    const count = n.indices.shape.length;
    const rank = n.x.shape.length;
    const take = Array.from({ length: count }, (_, k) => n.axis + k);
    const perm = moved(rank, take);
    const x = b.full(n.x);
    const inputs = [
      isOrdered(perm) ? x : transpose(b.scope.bring(x), perm),
      b.full(n.indices, "index"),
      b.scope.ints(n.shape[n.axis]),
    ];
    const attrs: Attrs = {
      T: typeAttr(b.type),
      Tindices: typeAttr("int32"),
      Tnumsegments: typeAttr("int32"),
    };
    const sums = b.op("UnsortedSegmentSum", inputs, b.type, { attrs });
    if (n.axis === 0) return b.value(n, sums);
    const before = Array.from({ length: n.axis }, (_, k) => k + 1);
    return b.value(n, transpose(sums, moved(n.shape.length, [...before, 0])));
  },
};
