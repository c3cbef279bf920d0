/** Reference values of the operations that only move elements (and of scatter_add). */
import { internalError } from "../base/internal.js";
import type { Shape } from "./ops.js";
import { sizeOf, stridesOf } from "./shape-rules.js";
import type { ValueRule, Values } from "./values.js";

/** Calls `f(flat, index)` for each element of `shape` in row-major order. */
function forEachIndex(shape: Shape, f: (flat: number, index: readonly number[]) => void): void {
  const n = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < n; flat++) {
    f(flat, index);
    for (let k = shape.length - 1; k >= 0; k--) {
      if (++index[k] < shape[k]) break;
      index[k] = 0;
    }
  }
}

/** Copies to each element of `shape` the element of `x` at `offset(index)`. */
function gathered(shape: Shape, x: Values, offset: (index: readonly number[]) => number): Values {
  const out = new Float64Array(sizeOf(shape));
  forEachIndex(shape, (flat, index) => {
    out[flat] = x[offset(index)];
  });
  return out;
}

/** Σ strides[k] · (index[at[k]] + shift[k]). */
function dot(strides: readonly number[], index: readonly number[], at?: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < strides.length; k++) sum += strides[k] * index[at === undefined ? k : at[k]];
  return sum;
}

function checkedIndex(i: number, size: number): number {
  if (!Number.isInteger(i) || i < 0 || i >= size) internalError(`index ${i} of an axis of ${size}`);
  return i;
}

/**
 * The two shapes of a gather or its adjoint: `[outer, size, inner]` for the indexed array and
 * `[outer, count, inner]` for the array of picked elements.
 */
function picking(
  shape: Shape,
  axis: number,
): { readonly outer: number; readonly size: number; readonly inner: number } {
  return {
    outer: sizeOf(shape.slice(0, axis)),
    size: shape[axis],
    inner: sizeOf(shape.slice(axis + 1)),
  };
}

export const structuralValueRules: {
  readonly [K in
    | "broadcast"
    | "reshape"
    | "transpose"
    | "slice"
    | "pad"
    | "concat"
    | "gather"
    | "scatter_add"]: ValueRule<K>;
} = {
  broadcast: (n, at) => {
    const strides = stridesOf(n.x.shape);
    return gathered(n.shape, at(n.x), (index) => dot(strides, index, n.axes));
  },
  reshape: (n, at) => at(n.x),
  transpose: (n, at) => {
    const from = stridesOf(n.x.shape);
    const strides = n.perm.map((k) => from[k]);
    return gathered(n.shape, at(n.x), (index) => dot(strides, index));
  },
  slice: (n, at) => {
    const strides = stridesOf(n.x.shape);
    const start = dot(strides, n.starts);
    return gathered(n.shape, at(n.x), (index) => start + dot(strides, index));
  },
  pad: (n, at) => {
    const x = at(n.x);
    const out = new Float64Array(sizeOf(n.shape));
    const strides = stridesOf(n.shape);
    const start = dot(strides, n.starts);
    forEachIndex(n.x.shape, (flat, index) => {
      out[start + dot(strides, index)] = x[flat];
    });
    return out;
  },
  concat: (n, at) => {
    const out = new Float64Array(sizeOf(n.shape));
    const strides = stridesOf(n.shape);
    let along = 0;
    for (const part of n.xs) {
      const x = at(part);
      const start = along * strides[n.axis];
      forEachIndex(part.shape, (flat, index) => {
        out[start + dot(strides, index)] = x[flat];
      });
      along += part.shape[n.axis];
    }
    return out;
  },
  gather: (n, at) => {
    const x = at(n.x);
    const indices = at(n.indices);
    const { outer, size, inner } = picking(n.x.shape, n.axis);
    const out = new Float64Array(sizeOf(n.shape));
    let to = 0;
    for (let o = 0; o < outer; o++) {
      for (const index of indices) {
        const from = (o * size + checkedIndex(index, size)) * inner;
        for (let i = 0; i < inner; i++) out[to++] = x[from + i];
      }
    }
    return out;
  },
  scatter_add: (n, at) => {
    const x = at(n.x);
    const indices = at(n.indices);
    const { outer, size, inner } = picking(n.shape, n.axis);
    const out = new Float64Array(sizeOf(n.shape));
    let from = 0;
    for (let o = 0; o < outer; o++) {
      for (const index of indices) {
        const to = (o * size + checkedIndex(index, size)) * inner;
        for (let i = 0; i < inner; i++) out[to + i] += x[from++];
      }
    }
    return out;
  },
};
