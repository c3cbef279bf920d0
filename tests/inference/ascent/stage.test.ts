/** Parts of staged kernels: data statistics with columns apart, and axes that follow a site's values. */
import { describe, expect, it } from "vitest";
import { columnsOf, exchange } from "../../../src/inference/ascent/columns.js";
import { whitened } from "../../../src/inference/ascent/whiten.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluate } from "../../../src/tensor/evaluate.js";

describe("whitened data statistics", () => {
  const rows = 2000;
  const x = Float64Array.from({ length: rows }, (_, i) => 1000 + Math.sin(i * i));
  const statistics = (y: Float64Array): Float64Array =>
    Float64Array.from({ length: 4 * rows }, (_, k) => {
      const v = y[k >> 2];
      return [v * v, v, 1, 2 * v][k & 3];
    });

  it("are a product with the same rows, whose columns are of size 1 and far apart", () => {
    const own = statistics(x);
    const made = whitened(own, rows, 4);
    if (made === undefined) throw new Error("not whitened");
    const { data, factor } = made;
    for (let i = 0; i < rows; i += 7) {
      for (let j = 0; j < 4; j++) {
        let sum = 0;
        for (let k = 0; k < 4; k++) sum += data[4 * i + k] * factor[4 * k + j];
        // Rounding of the rows' own size.
        expect(Math.abs(sum - own[4 * i + j])).toBeLessThan(1e-9);
      }
    }
    // The last column is twice the second: it keeps its values, scaled, and is no part of the basis.
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k <= j; k++) {
        let dot = 0;
        for (let i = 0; i < rows; i++) dot += (data[4 * i + j] * data[4 * i + k]) / rows;
        // The factor is that of a quarter of the rows.
        expect(Math.abs(dot - (j === k ? 1 : 0))).toBeLessThan(0.15);
      }
    }
  });

  it("stay as they are where columns are far apart", () => {
    const near = x.map((v) => 3 * (v - 1000));
    const own = Float64Array.from({ length: 2 * rows }, (_, k) => (k & 1 ? 1 : near[k >> 1]));
    expect(whitened(own, rows, 2)).toBeUndefined();
  });
});

describe("axes of a site's values in sums", () => {
  const [N, K, W] = [5, 3, 4];
  const g = new GraphBuilder();
  const counts = g.input("counts", [N, K]);
  const left = g.constant(
    Float64Array.from({ length: N * W }, (_, k) => Math.sin(k)),
    [N, W],
  );
  const product = g.matmul(g.transpose(left), counts);
  const sums = {
    product,
    part: g.slice(product, [1, 0], [2, K]),
    turned: g.reshape(g.transpose(product), [K, 2, 2]),
    sizes: g.mul(g.sum(counts, [0]), 2),
    total: g.sum(counts),
    squares: g.square(product),
  };
  const known = columnsOf(Object.values(sums), [counts]);

  it("exchanging two values of the counts exchanges two entries along the axis", () => {
    expect(known).toEqual([1, 1, 0, 0, "none", 1]);
    const at = Float64Array.from({ length: N * K }, (_, k) => Math.cos(k) ** 2);
    const other = at.slice();
    exchange(other, [N, K], 1, 0, 2);
    const [before, after] = [at, other].map((c) =>
      evaluate(Object.values(sums), { counts: c }).map((v) => Float64Array.from(v)),
    );
    Object.values(sums).forEach(({ shape }, k) => {
      const axis = known[k];
      if (typeof axis === "number") exchange(before[k], shape, axis, 0, 2);
      expect([...before[k]]).toEqual([...after[k]]);
    });
  });

  it("is not known where an operation tells the values apart", () => {
    const weights = g.broadcast(g.constant(Float64Array.of(1, 2, 3), [3]), [W, K], [1]);
    const lost = [
      g.mul(product, weights),
      g.slice(product, [0, 0], [W, 2]),
      g.cumulative("sum", product, 1),
    ];
    expect(columnsOf(lost, [counts])).toEqual([undefined, undefined, undefined]);
  });
});
