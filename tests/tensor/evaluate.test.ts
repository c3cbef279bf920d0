import { describe, expect, it } from "vitest";
import { InternalError } from "../../src/base/internal.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluate, evaluateNode } from "../../src/tensor/evaluate.js";
import type { Node } from "../../src/tensor/ops.js";

/** Values of an expression in m = [[1, 2, 3], [4, 5, 6]]. */
function of(f: (g: GraphBuilder, m: Node) => Node): number[] {
  const g = new GraphBuilder();
  return [...evaluateNode(f(g, g.constant([1, 2, 3, 4, 5, 6], [2, 3])))];
}
const int = (g: GraphBuilder, ...xs: number[]): Node => g.constant(xs, [xs.length], "int");

describe("elements", () => {
  it("rounds halves away from zero", () => {
    const xs = [0.5, -0.5, 1.5, 2.5, -2.5, 0.49999999999999994, 2 ** 53 - 1];
    expect(of((g) => g.round(g.constant(xs)))).toEqual([1, -1, 2, 3, -3, 0, 2 ** 53 - 1]);
  });
  it("mod has the sign of the divisor", () => {
    expect(of((g) => g.mod(g.constant([5, -5, 5, -5]), g.constant([3, 3, -3, -3])))).toEqual([
      2, 1, -1, -2,
    ]);
  });
  it("booleans are 0 and 1", () => {
    expect(of((g, m) => g.and(g.gt(m, 1), g.not(g.eq(m, 4))))).toEqual([0, 1, 1, 0, 1, 1]);
  });
  it("special functions are those of the maths room", () => {
    expect(of((g) => g.lgamma(g.constant(5)))[0]).toBeCloseTo(Math.log(24), 14);
    expect(of((g) => g.gammaP(g.constant(1), g.constant(2)))[0]).toBeCloseTo(1 - Math.exp(-2), 14);
    // I_z(2, 1) = z²
    expect(of((g) => g.betaInc(2, 1, 0.3))[0]).toBeCloseTo(0.09, 14);
  });
});

describe("structure", () => {
  type Case = readonly [string, (g: GraphBuilder, m: Node) => Node, number[]];
  const cases: readonly Case[] = [
    ["transpose", (g, m) => g.transpose(m), [1, 4, 2, 5, 3, 6]],
    [
      "transpose of three axes",
      (g, m) => g.transpose(g.reshape(m, [1, 2, 3]), [2, 0, 1]),
      [1, 4, 2, 5, 3, 6],
    ],
    ["broadcast a row", (g) => g.broadcast(g.constant([7, 8]), [2, 2], [1]), [7, 8, 7, 8]],
    ["broadcast a column", (g) => g.broadcast(g.constant([7, 8]), [2, 2], [0]), [7, 7, 8, 8]],
    ["slice", (g, m) => g.slice(m, [0, 1], [2, 2]), [2, 3, 5, 6]],
    ["pad", (g, m) => g.pad(g.slice(m, [0, 0], [1, 2]), [1, 0], [2, 3]), [0, 0, 0, 1, 2, 0]],
    ["concat", (g, m) => g.concat([m, g.slice(m, [0, 0], [2, 1])], 1), [1, 2, 3, 1, 4, 5, 6, 4]],
    ["stack", (g) => g.stack([g.constant([1, 2]), g.constant([3, 4])], 1), [1, 3, 2, 4]],
    ["gather rows", (g, m) => g.gather(m, int(g, 1, 1), 0), [4, 5, 6, 4, 5, 6]],
    ["gather columns", (g, m) => g.gather(m, int(g, 2, 0), 1), [3, 1, 6, 4]],
    [
      "gather by a matrix of indices",
      (g) => g.gather(g.constant([5, 6, 7]), g.constant([0, 1, 2, 0], [2, 2], "int"), 0),
      [5, 6, 7, 5],
    ],
    ["scatter", (g, m) => g.scatterAdd(m, int(g, 1, 0, 1), 1, [2, 2]), [2, 4, 5, 10]],
    ["sum of columns", (g, m) => g.sum(m, [0]), [5, 7, 9]],
    ["product of rows", (g, m) => g.prod(m, [1]), [6, 120]],
    ["largest", (g, m) => g.reduceMax(m), [6]],
    ["smallest", (g, m) => g.reduceMin(m, [1]), [1, 4]],
    ["mean", (g, m) => g.mean(m, [1]), [2, 5]],
    ["cumulative", (g, m) => g.cumulative("sum", m, 1), [1, 3, 6, 4, 9, 15]],
    [
      "cumulative from the end, exclusive",
      (g, m) => g.cumulative("prod", m, 1, { reverse: true, exclusive: true }),
      [6, 3, 1, 30, 6, 1],
    ],
    ["nothing: sum", (g) => g.sum(g.constant([])), [0]],
    ["nothing: product", (g) => g.prod(g.constant([])), [1]],
    ["nothing: max", (g) => g.reduceMax(g.constant([], [2, 0]), [1]), [-Infinity, -Infinity]],
    ["nothing: min", (g) => g.reduceMin(g.constant([])), [Infinity]],
    ["one element", (g) => g.sum(g.constant([3], [1, 1]), [0]), [3]],
  ];
  it.each(cases)("%s", (_name, f, expected) => {
    expect(of(f)).toEqual(expected);
  });
  it("an index out of range is an error, not a value", () => {
    expect(() => of((g, m) => g.gather(m, int(g, 2), 0))).toThrow(InternalError);
  });
  it("sums are compensated", () => {
    expect(of((g) => g.sum(g.constant([1e100, 1, -1e100])))).toEqual([1]);
    expect(of((g) => g.sum(g.constant([Infinity, 1])))).toEqual([Infinity]);
  });
});

describe("log-sum-exp", () => {
  it("does not overflow, and knows infinities", () => {
    expect(of((g) => g.logsumexp(g.constant([1000, 1000])))[0]).toBe(1000 + Math.log(2));
    expect(of((g) => g.logsumexp(g.constant([-Infinity, -Infinity])))).toEqual([-Infinity]);
    expect(of((g) => g.logsumexp(g.constant([Infinity, 1])))).toEqual([Infinity]);
    expect(of((g) => g.logsumexp(g.constant([], [0])))).toEqual([-Infinity]);
    expect(of((g) => g.logaddexp(g.constant([0, 1]), g.constant(-Infinity)))).toEqual([0, 1]);
  });
});

describe("matrices", () => {
  it("products, with a batch on one side", () => {
    expect(of((g, m) => g.matmul(m, g.transpose(m)))).toEqual([14, 32, 32, 77]);
    expect(of((g, m) => g.matmul(g.reshape(m, [3, 1, 2]), g.constant([1, 1], [2, 1])))).toEqual([
      3, 7, 11,
    ]);
    expect(of((g, m) => g.matvec(m, g.constant([1, 0, 1])))).toEqual([4, 10]);
  });
  it("factors and solves", () => {
    const a = [4, 99, 2, 5];
    expect(of((g) => g.cholesky(g.constant(a, [2, 2])))).toEqual([2, 0, 1, 2]);
    expect(of((g) => g.cholesky(g.constant([1, 2, 2, 1], [2, 2]))).every(Number.isNaN)).toBe(true);
    const l = [2, 99, 1, 2];
    expect(of((g) => g.triangularSolve(g.constant(l, [2, 2]), g.constant([2, 3], [2, 1])))).toEqual(
      [1, 1],
    );
    expect(
      of((g) => g.triangularSolve(g.constant(l, [2, 2]), g.constant([3, 2], [2, 1]), true)),
    ).toEqual([1, 1]);
    expect(
      of((g) => g.solve(g.constant([0, 2, 4, 0], [2, 2]), g.constant([2, 8], [2, 1]))),
    ).toEqual([2, 1]);
    expect(of((g) => g.logAbsDet(g.constant([0, 2, 4, 0, 1, 0, 0, -1], [2, 2, 2])))).toEqual([
      Math.log(2) + Math.log(4),
      0,
    ]);
  });
});

describe("loops", () => {
  it("an AR(2) with lags in the carry, forwards and back", () => {
    const run = (reverse: boolean): number[][] => {
      const g = new GraphBuilder();
      const x = g.input("x", [4]);
      const loop = g.scan(
        {
          length: 4,
          reverse,
          init: [g.constant(1), g.constant(0)],
          xs: [x],
          consts: [g.constant(2)],
        },
        (b, [last, before], [v], [two]) => {
          const next = b.add(b.sub(b.mul(last, two), before), v);
          return { carry: [next, last], ys: [next] };
        },
      );
      return evaluate([...loop.ys, ...loop.carry], { x: [1, 0, 2, 0] }).map((v) => [...v]);
    };
    expect(run(false)).toEqual([[3, 5, 9, 13], [13], [9]]);
    // By hand from the last position: 2, 2·2 − 1 + 2 = 5, 2·5 − 2 = 8, 2·8 − 5 + 1 = 12.
    expect(run(true)).toEqual([[12, 8, 5, 2], [12], [8]]);
  });
  it("inputs must be given and of the right size", () => {
    const g = new GraphBuilder();
    expect(() => evaluate([g.input("x", [2])], {})).toThrow(/input x needs 2/);
    expect(() => evaluate([g.input("x", [2])], { x: [1] })).toThrow(InternalError);
  });
});
