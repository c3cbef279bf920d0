/** Blocked products of matrices: every tail of rows, columns and blocks, and every layout. */
import { describe, expect, it } from "vitest";
import { stream } from "../../../src/math/rng/random.js";
import { isBlocked } from "../../../src/passes/lower/gemm.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { compileGraph, graphOf } from "./harness.js";

function naive(x: Float64Array, y: Float64Array, m: number, k: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      for (let j = 0; j < n; j++) out[i * n + j] += x[i * k + p] * y[p * n + j];
    }
  }
  return out;
}

function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(a, (_, at) => a[(at % rows) * columns + Math.floor(at / rows)]);
}

/** As `naive`, in single precision within pieces of the inner axis. */
function single(x: Float64Array, y: Float64Array, m: number, k: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  const depth = depthOf(k);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let from = 0; from < k; from += depth) {
        let sum = 0;
        for (let p = from; p < Math.min(k, from + depth); p++) {
          const product = Math.fround(x[i * k + p]) * Math.fround(y[p * n + j]);
          sum = Math.fround(sum + Math.fround(product));
        }
        out[i * n + j] = from === 0 ? sum : out[i * n + j] + sum;
      }
    }
  }
  return out;
}

/** Pieces of the inner axis: of equal length, at most 512, even. */
function depthOf(k: number): number {
  const length = Math.ceil(k / Math.ceil(k / 512));
  return Math.min(k, 2 * Math.ceil(length / 2));
}

const layouts = ["plain", "left transposed", "right transposed", "both transposed"] as const;

describe("blocked products", () => {
  // Rows, inner length, columns: one over and one under multiples of the tile (4), of the depth
  // (256) and of the width (256).
  const sizes: readonly (readonly [number, number, number])[] = [
    [4, 300, 4],
    [5, 257, 7],
    [10, 1000, 65],
    [33, 9, 261],
    [67, 513, 259],
    [4, 8, 512],
    [129, 31, 10],
  ];
  for (const [m, k, n] of sizes) {
    for (const layout of layouts) {
      it(`${m}×${k} · ${k}×${n}, ${layout}`, () => {
        const left = layout === "left transposed" || layout === "both transposed";
        const right = layout === "right transposed" || layout === "both transposed";
        const g = new GraphBuilder();
        const x = g.input("x", left ? [k, m] : [m, k]);
        const y = g.input("y", right ? [n, k] : [k, n]);
        const a = left ? g.transpose(x, [1, 0]) : x;
        const b = right ? g.transpose(y, [1, 0]) : y;
        const rng = stream(1, m, k, n);
        const xs = Float64Array.from({ length: m * k }, () => rng.normal());
        const ys = Float64Array.from({ length: k * n }, () => rng.normal());
        const graph = graphOf([g.matmul(a, b)]);
        const inputs = {
          x: left ? transposed(xs, m, k) : xs,
          y: right ? transposed(ys, k, n) : ys,
        };
        const exact = naive(xs, ys, m, k, n);
        // The same products in the same order: equal to the bit.
        for (const simd of [true, false]) {
          expect(compileGraph(graph, simd, false).run(inputs)[0]).toEqual(exact);
          const { 0: out } = compileGraph(graph, simd, false, "f32").run(inputs);
          expect(out).toEqual(single(xs, ys, m, k, n));
        }
        // Whether the engine fuses or not, errors of single precision are within their bound.
        const { 0: out } = compileGraph(graph, true, undefined, "f32").run(inputs);
        const sizes = naive(xs.map(Math.abs), ys.map(Math.abs), m, k, n);
        const bound = 1.01 * (depthOf(k) + 2) * 2 ** -24;
        expect(out.every((v, at) => Math.abs(v - exact[at]) <= bound * sizes[at])).toBe(true);
        expect(out).not.toEqual(exact);
      });
    }
  }

  it("leaves small and narrow products to plain loops", () => {
    const ref = (rows: number, columns: number) => ({
      shape: [rows, columns],
      home: { kind: "local", local: { name: "x", type: "f64" } } as const,
      strides: [columns, 1],
    });
    expect(isBlocked(ref(512, 512), ref(512, 512))).toBe(true);
    expect(isBlocked(ref(4, 8), ref(4, 8))).toBe(false);
    expect(isBlocked(ref(1000, 1000), ref(1000, 1))).toBe(false);
  });
});
