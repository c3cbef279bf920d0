/** Intervals are sound: a value computed by the reference rules lies inside. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Interval, intervalOf } from "../../src/model/interval.js";
import { type Expr, real } from "../../src/model/ir.js";

const span = { source: { path: "t", text: "" }, start: 0, end: 0 };
const constant = (value: number): Expr => ({ kind: "const", value, span, type: real });
const variable: Expr = { kind: "var", name: "x", role: "site", span, type: real };

/** Plain definitions of the functions that the intervals know. */
const unary = {
  neg: (x: number) => -x,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  square: (x: number) => x * x,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  cosh: Math.cosh,
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  softplus: (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
} as const;
const binary = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  pow: (a: number, b: number) => a ** b,
  maximum: Math.max,
  minimum: Math.min,
} as const;

/** Bounds at infinity stand for values that are not reached: what overflows proves nothing. */
const finite = (v: number): number => (Number.isFinite(v) ? v : Number.NaN);

interface Sample {
  readonly expr: Expr;
  readonly value: (x: number) => number;
}
const numbers = fc.constantFrom(-3, -1, -0.5, 0, 0.5, 1, 2, 3);
const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 5 },
    numbers.map((v): Sample => ({ expr: constant(v), value: () => v })),
    fc.constant<Sample>({ expr: variable, value: (x) => x }),
    fc.tuple(fc.constantFrom(...(Object.keys(unary) as (keyof typeof unary)[])), tie("sample")).map(
      ([fn, a]): Sample => ({
        expr: { kind: "call", fn, args: [a.expr], span, type: real },
        value: (x) => finite(unary[fn](a.value(x))),
      }),
    ),
    fc
      .tuple(
        fc.constantFrom(...(Object.keys(binary) as (keyof typeof binary)[])),
        tie("sample"),
        tie("sample"),
      )
      .map(
        ([fn, a, b]): Sample => ({
          expr: { kind: "call", fn, args: [a.expr, b.expr], span, type: real },
          value: (x) => finite(binary[fn](a.value(x), b.value(x))),
        }),
      ),
  ),
}));

test("a value lies in the interval of its expression", () => {
  fc.assert(
    fc.property(
      sample,
      fc.double({ min: -5, max: 5, noNaN: true }),
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (s, lo, width, u) => {
        const range: Interval = { lo, hi: lo + width };
        const x = lo + u * width;
        const value = s.value(x);
        if (Number.isNaN(value)) return;
        const found = intervalOf(s.expr, () => range);
        // Ends are rounded like values, but in another order: a few units in the last place.
        const slack = 1e-9 * Math.max(1, Math.abs(value));
        expect(value).toBeGreaterThanOrEqual(found.lo - slack);
        expect(value).toBeLessThanOrEqual(found.hi + slack);
      },
    ),
    { numRuns: 4000, seed: 5 },
  );
});

test("tight where checks of parameters need it", () => {
  const call = (fn: "exp" | "square" | "sub" | "sigmoid", ...args: Expr[]): Expr => ({
    kind: "call",
    fn,
    args,
    span,
    type: real,
  });
  const anything = () => undefined;
  expect(intervalOf(call("exp", variable), anything)).toEqual({ lo: 0, hi: Infinity });
  expect(intervalOf(call("square", variable), anything)).toEqual({ lo: 0, hi: Infinity });
  expect(intervalOf(call("sigmoid", variable), anything)).toEqual({ lo: 0, hi: 1 });
  const unit = () => ({ lo: 0, hi: 1 });
  expect(intervalOf(call("sub", constant(1), variable), unit)).toEqual({ lo: 0, hi: 1 });
});
