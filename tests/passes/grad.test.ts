import { describe, expect, it } from "vitest";
import { TildeError } from "../../src/base/diagnostic.js";
import { gradient } from "../../src/passes/grad/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import { type BinaryFn, type Node, type UnaryFn, unaryFns } from "../../src/tensor/ops.js";
import {
  distance,
  finiteDifferences,
  randomInputs,
  randomScalar,
  seeded,
  uniform,
} from "../tensor/random-graph.js";

// Central differences are good to about 1e-9 for values of order 1 (see `finiteDifferences`);
// functions of larger third derivatives lose two more digits.
const TOLERANCE = 2e-7;

type Inputs = Readonly<Record<string, Float64Array>>;

/** Gradient of `output` with respect to each input against finite differences; and once more. */
function check(g: GraphBuilder, output: Node, inputs: Inputs, order: 1 | 2 = 2): void {
  const names = Object.keys(inputs);
  const wrt = names.map((n) => g.requireInput(n));
  const grads = gradient(g, output, wrt);
  const values = evaluate(grads, inputs);
  names.forEach((name, k) => {
    expect(distance(values[k], finiteDifferences(output, inputs, name)), name).toBeLessThan(
      TOLERANCE,
    );
  });
  if (order === 1) return;
  // A weighted sum of the gradient's elements is a scalar again.
  const weights = seeded(11);
  const again = grads
    .map((d) => g.sum(g.mul(d, g.constant(uniform(weights, sizeOf(d)), d.shape))))
    .reduce((a, b) => g.add(a, b));
  check(g, again, inputs, 1);
}

function sizeOf(n: Node): number {
  return n.shape.reduce((a, b) => a * b, 1);
}

/** Where each function is smooth, and well away from the ends. */
const domains: { readonly [F in UnaryFn]: readonly [number, number] } = {
  neg: [-2, 2],
  not: [0.2, 0.8],
  abs: [0.2, 2],
  sign: [0.2, 0.8],
  floor: [0.2, 0.8],
  ceil: [0.2, 0.8],
  round: [0.1, 0.4],
  trunc: [0.2, 0.8],
  exp: [-2, 1],
  log: [0.5, 3],
  log1p: [-0.5, 3],
  expm1: [-2, 1],
  sqrt: [0.5, 3],
  square: [-2, 2],
  reciprocal: [0.5, 2],
  sin: [-2, 2],
  cos: [-2, 2],
  tan: [-1, 1],
  asin: [-0.7, 0.7],
  acos: [-0.7, 0.7],
  atan: [-2, 2],
  sinh: [-2, 2],
  cosh: [-2, 2],
  tanh: [-2, 2],
  asinh: [-2, 2],
  acosh: [1.5, 3],
  atanh: [-0.7, 0.7],
  sigmoid: [-3, 3],
  softplus: [-3, 3],
  log1mexp: [-3, -0.5],
  lgamma: [0.7, 4],
  digamma: [0.7, 4],
  trigamma: [1, 4],
  erf: [-2, 2],
  erfc: [-2, 2],
  erfcx: [-1, 2],
  log_ndtr: [-4, 2],
  ndtri: [0.1, 0.9],
  log_i0: [0.2, 4],
  bessel_ratio: [0.2, 4],
};

describe("unary derivatives equal central differences, twice", () => {
  const rand = seeded(1);
  it.each(unaryFns.filter((f) => f !== "trigamma"))("%s", (fn) => {
    const g = new GraphBuilder();
    const x = g.input("x", [4]);
    const output = g.sum(g.mul(g.unary(fn, x), g.constant(uniform(rand, 4))));
    const [low, high] = domains[fn];
    // The second derivative of lgamma' needs the tetragamma function.
    check(g, output, { x: uniform(rand, 4, low, high) }, fn === "digamma" ? 1 : 2);
  });
  it("trigamma's is a diagnostic, not a wrong number", () => {
    const g = new GraphBuilder();
    const x = g.input("x", []);
    expect(() => gradient(g, g.trigamma(x), [x])).toThrow(TildeError);
    // A path that does not reach the wanted input is not differentiated.
    const y = g.input("y", []);
    const [d] = gradient(g, g.mul(g.trigamma(x), y), [y]);
    expect(evaluate([d], { x: [1], y: [0] })[0][0]).toBeCloseTo(Math.PI ** 2 / 6, 12);
  });
});

describe("binary and ternary derivatives", () => {
  const cases: { readonly [F in BinaryFn]: readonly [number, number, number, number] | "flat" } = {
    add: [-1, 1, -1, 1],
    sub: [-1, 1, -1, 1],
    mul: [-1, 1, -1, 1],
    div: [-1, 1, 0.5, 2],
    pow: [0.5, 2, -2, 2],
    atan2: [0.5, 1, -1, 1],
    mod: [2.2, 2.8, 0.95, 1.05],
    max: [0, 1, 0, 1],
    min: [0, 1, 0, 1],
    lt: "flat",
    le: "flat",
    gt: "flat",
    ge: "flat",
    eq: "flat",
    ne: "flat",
    and: "flat",
    or: "flat",
    gamma_p: "flat",
    gamma_p_da: "flat",
  };
  const rand = seeded(2);
  it.each(Object.entries(cases).filter(([, c]) => c !== "flat"))("%s", (fn, c) => {
    const g = new GraphBuilder();
    const [a, b, l, h] = c as readonly [number, number, number, number];
    const output = g.sum(
      g.mul(
        g.binary(fn as BinaryFn, g.input("x", [3]), g.input("y", [3])),
        g.constant(uniform(rand, 3)),
      ),
    );
    check(g, output, { x: uniform(rand, 3, a, b), y: uniform(rand, 3, l, h) });
  });
  it("gamma_p and beta_inc in their last argument", () => {
    const g = new GraphBuilder();
    const x = g.input("x", [3]);
    check(g, g.sum(g.gammaP(g.constant([0.7, 2, 5]), x)), { x: Float64Array.of(0.4, 2.5, 4) });
    const h = new GraphBuilder();
    const z = h.input("z", [2]);
    const value = h.betaInc(h.constant([0.7, 3]), h.constant([2, 1.5]), z);
    check(h, h.sum(value), { z: Float64Array.of(0.3, 0.6) });
    // In its shape too, but not twice.
    const a = g.input("a", [3]);
    const at = { a: [0.7, 2, 5], x: [0.4, 2.5, 4] };
    const [slope] = gradient(g, g.sum(g.gammaP(a, x)), [a]);
    const moved = (s: number) =>
      evaluate([g.gammaP(a, x)], { ...at, a: at.a.map((v) => v + s * 1e-5) })[0];
    evaluate([slope], at)[0].forEach((v, k) => {
      expect(Math.abs((moved(1)[k] - moved(-1)[k]) / 2e-5 - v)).toBeLessThan(1e-8);
    });
    expect(() => gradient(g, g.sum(slope), [a])).toThrow(/second derivatives/);
  });
  it("comparisons end a path", () => {
    const g = new GraphBuilder();
    const x = g.input("x", [2]);
    const [d] = gradient(g, g.sum(g.mul(g.lt(x, 0.5), 3)), [x]);
    expect([...evaluate([d], { x: [0, 1] })[0]]).toEqual([0, 0]);
  });
});

describe("boundaries", () => {
  const at = (f: (g: GraphBuilder, x: Node) => Node, x: number): number => {
    const g = new GraphBuilder();
    const input = g.input("x", []);
    const [d] = gradient(g, f(g, input), [input]);
    return evaluate([d], { x: [x] })[0][0];
  };
  it("select passes nothing to the branch not taken, whatever that holds", () => {
    expect(at((g, x) => g.select(g.gt(x, 0), g.mul(x, 2), g.exp(g.mul(x, 1000))), 1)).toBe(2);
    expect(at((g, x) => g.select(g.lt(x, 0), g.log(x), g.square(x)), 3)).toBe(6);
  });
  it("powers at 0", () => {
    expect(at((g, x) => g.pow(x, 3), 0)).toBe(0);
    expect(at((g, x) => g.pow(x, 0), 0)).toBe(0);
    expect(at((g, x) => g.pow(0, x), 2)).toBe(0);
    expect(at((g, x) => g.pow(x, 1), 0)).toBe(1);
  });
  it("ties of max are shared", () => {
    expect(at((g, x) => g.max(x, g.neg(x)), 0)).toBe(0);
    expect(at((g, x) => g.max(x, 0), 0)).toBe(0.5);
  });
  it("an unused input has gradient 0", () => {
    const g = new GraphBuilder();
    const [x, y] = [g.input("x", [2]), g.input("y", [3])];
    expect([...evaluate(gradient(g, g.sum(x), [y]), { x: [1, 2], y: [0, 0, 0] })[0]]).toEqual([
      0, 0, 0,
    ]);
  });
  it("log-sum-exp of −∞ everywhere has gradient 0, with one −∞ the softmax", () => {
    const g = new GraphBuilder();
    const x = g.input("x", [2]);
    const [d] = gradient(g, g.logsumexp(x), [x]);
    expect([...evaluate([d], { x: [-Infinity, -Infinity] })[0]]).toEqual([0, 0]);
    expect([...evaluate([d], { x: [-Infinity, 3] })[0]]).toEqual([0, 1]);
    expect([...evaluate([d], { x: [1000, 1000] })[0]]).toEqual([0.5, 0.5]);
  });
  it("products with zeros", () => {
    const g = new GraphBuilder();
    const x = g.input("x", [3]);
    const [d] = gradient(g, g.prod(x), [x]);
    expect([...evaluate([d], { x: [0, 2, 5] })[0]]).toEqual([10, 0, 0]);
    expect([...evaluate([d], { x: [0, 0, 5] })[0]]).toEqual([0, 0, 0]);
  });
});

describe("structure, sums and matrices", () => {
  type Case = readonly [string, (g: GraphBuilder, x: Node) => Node];
  const spd = (g: GraphBuilder, x: Node): Node => {
    const m = g.reshape(g.slice(x, [0], [4]), [2, 2]);
    return g.add(g.matmul(m, g.transpose(m)), g.constant([2, 0, 0, 2], [2, 2]));
  };
  const cases: readonly Case[] = [
    ["prod over two axes", (g, x) => g.prod(g.reshape(x, [2, 1, 3]), [0, 2])],
    ["max", (g, x) => g.reduceMax(g.reshape(x, [2, 3]), [1])],
    ["min", (g, x) => g.reduceMin(g.reshape(x, [2, 3]), [0])],
    ["cumulative sum", (g, x) => g.cumulative("sum", g.reshape(x, [2, 3]), 1, { reverse: true })],
    ["cumulative product", (g, x) => g.cumulative("prod", x, 0)],
    [
      "exclusive reverse cumulative product",
      (g, x) => g.cumulative("prod", g.reshape(x, [3, 2]), 0, { reverse: true, exclusive: true }),
    ],
    [
      "repeated slices of one vector",
      (g, x) => g.mul(g.exp(g.slice(x, [0], [3])), g.sin(g.slice(x, [3], [3]))),
    ],
    ["overlapping slices", (g, x) => g.mul(g.slice(x, [0], [5]), g.slice(x, [1], [5]))],
    [
      "gather twice from one place",
      (g, x) => g.square(g.gather(x, g.constant([1, 1, 4], [3], "int"), 0)),
    ],
    [
      "batched times shared matrix",
      (g, x) => g.matmul(g.reshape(x, [3, 1, 2]), g.reshape(g.slice(x, [0], [4]), [2, 2])),
    ],
    [
      "shared times batched matrix",
      (g, x) => g.matmul(g.reshape(g.slice(x, [0], [4]), [2, 2]), g.reshape(x, [3, 2, 1])),
    ],
    ["cholesky", (g, x) => g.cholesky(spd(g, x))],
    ["log determinant of a Cholesky factor", (g, x) => g.log(g.cholesky(spd(g, x)))],
    [
      "triangular solve",
      (g, x) =>
        g.triangularSolve(g.add(spd(g, x), g.constant([1, 0, 0, 1], [2, 2])), g.reshape(x, [2, 3])),
    ],
    [
      "transposed triangular solve",
      (g, x) => g.triangularSolve(spd(g, x), g.reshape(x, [2, 3]), true),
    ],
    [
      "triangular solve of a batch by a shared factor",
      (g, x) => g.triangularSolve(spd(g, x), g.reshape(x, [3, 2, 1])),
    ],
    ["solve", (g, x) => g.solve(spd(g, x), g.reshape(x, [2, 3]))],
    ["log |det|", (g, x) => g.logAbsDet(spd(g, x))],
    [
      "batched log |det| and cholesky",
      (g, x) => {
        const batch = g.broadcast(spd(g, x), [2, 2, 2], [1, 2]);
        const scaled = g.mul(batch, g.constant([1, 1, 1, 1, 2, 2, 2, 2], [2, 2, 2]));
        return g.add(g.logAbsDet(scaled), g.sum(g.cholesky(scaled), [1, 2]));
      },
    ],
  ];
  const rand = seeded(3);
  it.each(cases)("%s", (_name, f) => {
    const g = new GraphBuilder();
    const y = f(g, g.input("x", [6]));
    // Above the diagonal a factor is 0 and its logarithm −∞: leave them out, as a model must.
    const finite = g.select(g.gt(g.exp(y), 0), y, 0);
    const weights = g.constant(uniform(rand, sizeOf(y)), y.shape);
    check(g, g.sum(g.mul(g.sin(finite), weights)), { x: uniform(rand, 6, 0.3, 1.3) });
  });
});

describe("loops", () => {
  const rand = seeded(4);
  it.each([false, true])("a recursion with two lags and a constant, reverse %s", (reverse) => {
    const g = new GraphBuilder();
    const [x, phi, start] = [g.input("x", [5]), g.input("phi", [2]), g.input("start", [2])];
    const loop = g.scan(
      {
        length: 5,
        reverse,
        init: [g.at(start, 0, 0), g.at(start, 0, 1)],
        xs: [x, g.iota(5)],
        consts: [phi],
      },
      (b, [last, before], [v, t], [p]) => {
        const mean = b.add(b.mul(b.at(p, 0, 0), last), b.mul(b.at(p, 0, 1), before));
        const next = b.add(b.sin(mean), b.mul(v, b.add(t, 1)));
        return { carry: [next, last], ys: [b.square(b.sub(v, mean)), mean] };
      },
    );
    const output = g.add(
      g.sum(g.mul(loop.ys[0], g.constant(uniform(rand, 5)))),
      g.tanh(loop.carry[0]),
    );
    check(g, output, { x: uniform(rand, 5), phi: uniform(rand, 2), start: uniform(rand, 2) });
  });
  it("no steps: the final carry is the first", () => {
    const g = new GraphBuilder();
    const [s, x] = [g.input("s", []), g.input("x", [0])];
    const loop = g.scan({ length: 0, init: [s], xs: [x] }, (b, [c], [v]) => ({
      carry: [b.add(c, v)],
      ys: [],
    }));
    const [ds, dx] = evaluate(gradient(g, g.square(loop.carry[0]), [s, x]), { s: [3], x: [] });
    expect([...ds]).toEqual([6]);
    expect(dx.length).toBe(0);
  });
});

describe("random compositions", () => {
  it.each(Array.from({ length: 60 }, (_, k) => k))("seed %i", (seed) => {
    const rand = seeded(1000 + seed);
    const g = new GraphBuilder();
    const output = randomScalar(g, rand, 25);
    check(g, output, randomInputs(rand), 1);
  });
});
