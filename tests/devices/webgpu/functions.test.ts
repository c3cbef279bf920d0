/** Every scalar function in single precision against the f64 evaluator. */
import { afterAll, describe, expect, test } from "vitest";
import { compileGraph, type WebGpuDevice } from "../../../src/device/webgpu/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import {
  type BinaryFn,
  binaryFns,
  type Node,
  type TernaryFn,
  ternaryFns,
  type UnaryFn,
  unaryFns,
} from "../../../src/tensor/ops.js";
import { binaryAt, ternaryAt, unaryAt } from "../../../src/tensor/scalar-fns.js";
import { deviceForTests } from "./harness.js";

const device = await deviceForTests();
afterAll(() => device?.close());

const grid = (low: number, high: number, n = 97): number[] =>
  Array.from({ length: n }, (_, k) => Math.fround(low + ((high - low) * k) / (n - 1)));
const powers = (low: number, high: number): number[] =>
  Array.from({ length: high - low + 1 }, (_, k) => 2 ** (low + k));
const special = [0, -0, 1, -1, 0.5, -0.5, Infinity, -Infinity, NaN];
const wide = [...grid(-5, 5), ...grid(-80, 80), ...powers(-30, 30), ...special];

/** Where each function is asked, beside the default. */
const points: { readonly [F in UnaryFn]?: readonly number[] } = {
  exp: [...grid(-87, 88), ...special, 89, 1000, -104, -1000],
  log: [...powers(-126, 127), ...grid(0.5, 2), 1 + 2 ** -23, 1 - 2 ** -24, ...special, -3],
  log1p: [...powers(-60, 60), ...grid(-0.999, 3), 1e-8, -1e-8, ...special],
  expm1: [...powers(-60, 6), ...grid(-20, 20), 1e-8, -1e-8, ...special],
  lgamma: [...grid(0.01, 30), ...grid(-9.7, -0.1), ...powers(-30, 60), ...special, -2],
  digamma: [...grid(0.01, 30), ...grid(-9.7, -0.1), ...powers(-20, 60), Infinity, NaN, -2],
  trigamma: [...grid(0.01, 30), ...grid(-9.7, -0.1), ...powers(-20, 40), Infinity, NaN, -2],
  log1mexp: [...grid(-50, -0.01), ...powers(-40, 4).map((x) => -x), -Infinity, NaN, 0],
  ndtri: [...grid(0.001, 0.999), ...powers(-100, -1), 1 - 2 ** -20, 0, 1, NaN, -1, 2],
  sin: [...grid(-60000, 60000, 301), ...grid(-7, 7), ...special],
  cos: [...grid(-60000, 60000, 301), ...grid(-7, 7), ...special],
  tan: [...grid(-300, 300, 301), ...special],
  sinh: [...grid(-88, 88), ...powers(-30, 3), ...special],
  cosh: [...grid(-88, 88), ...powers(-30, 3), ...special],
  erfcx: [...grid(-9, 60), ...powers(-30, 60), ...special],
  asin: [...grid(-1, 1), ...special, 2],
  acos: [...grid(-1, 1), ...special, 2],
  atanh: [...grid(-1, 1), ...powers(-30, -1), ...special, 2],
  log_i0: [...grid(-5, 5), ...grid(-80, 80), ...powers(-30, 30), 0, NaN],
  acosh: [...grid(1, 20), ...powers(0, 60), ...special],
};

/**
 * Allowed error |device − exact| / (|exact| + size), in units of 2⁻²⁴: `relative` where the default
 * of 8 (a few roundings) does not do, `size` where the result passes through 0 or a reflection
 * cancels.
 */
const tolerances: {
  readonly [F in UnaryFn]?: { readonly relative?: number; readonly size?: number };
} = {
  lgamma: { relative: 12, size: 1 },
  digamma: { relative: 40, size: 1 },
  trigamma: { relative: 40, size: 1 },
  sin: { size: 1 },
  cos: { size: 1 },
  tan: { relative: 60, size: 1 },
  acos: { size: 1 },
  erfc: { relative: 40 },
  erfcx: { relative: 40 },
  log_ndtr: { relative: 20 },
  ndtri: { relative: 40, size: 0.1 },
  log_i0: { relative: 12 },
  bessel_ratio: { relative: 12 },
  sinh: { relative: 24 },
  cosh: { relative: 24 },
};
const UNIT = 2 ** -24;

/** The worst error in units, and where. Values beyond single precision count as what they round to. */
function worst(
  actual: ArrayLike<number>,
  exact: readonly number[],
  size: number,
): { readonly error: number; readonly at: number } {
  let found = { error: 0, at: -1 };
  exact.forEach((value, k) => {
    const rounded = Math.fround(value);
    const tiny = Math.abs(value) < 2 ** -125 && Math.abs(actual[k]) < 2 ** -125;
    if (Object.is(rounded, actual[k]) || rounded === actual[k] || tiny) return;
    if (Number.isNaN(rounded) && Number.isNaN(actual[k])) return;
    const error = Math.abs(actual[k] - value) / ((Math.abs(value) + size) * UNIT);
    if (!(error <= found.error)) found = { error: Number.isNaN(error) ? Infinity : error, at: k };
  });
  return found;
}

async function onDevice(
  on: WebGpuDevice,
  columns: readonly (readonly number[])[],
  build: (g: GraphBuilder, xs: readonly Node[]) => readonly Node[],
): Promise<Float64Array[]> {
  const g = new GraphBuilder();
  const inputs = columns.map((c, k) => g.input(`x${k}`, [c.length]));
  const outputs = build(g, inputs).map((node, k) => ({ name: String(k), node }));
  const program = await compileGraph(on, { inputs, outputs });
  const values = Object.fromEntries(columns.map((c, k) => [`x${k}`, c]));
  const result = await program.run(values);
  program.close();
  return outputs.map((o) => result[o.name]);
}

describe.skipIf(device === undefined)("scalar functions on WebGPU", () => {
  const on = device as WebGpuDevice;

  test.each(unaryFns)("%s", async (fn) => {
    const xs = (points[fn] ?? wide).map(Math.fround);
    const [actual] = await onDevice(on, [xs], (g, [x]) => [g.unary(fn, x)]);
    const { relative = 8, size = 0 } = tolerances[fn] ?? {};
    const { error, at } = worst(actual, xs.map(unaryAt[fn]), size);
    expect(error, `at ${xs[at]}: ${actual[at]}, not ${unaryAt[fn](xs[at])}`).toBeLessThan(relative);
  });

  const pairs = [...special, 2, 3, -3, 0.25, 7.5, -7.5, 1e10, 1e-10].flatMap((x, _, all) =>
    all.map((y) => [x, y] as const),
  );
  const shapes: readonly (readonly [number, number])[] = grid(0.1, 40, 23).flatMap((a) =>
    grid(0.05, 60, 23).map((x) => [a, x] as const),
  );
  const binaryTolerance: { readonly [F in BinaryFn]?: number } = {
    pow: 10,
    gamma_p: 400,
    gamma_p_da: 4000,
    mod: 8,
  };
  test.each(binaryFns)("%s", async (fn) => {
    const at =
      fn === "gamma_p" || fn === "gamma_p_da"
        ? [...shapes, [0, 1], [2, 0], [2, Infinity], [NaN, 1]]
        : // Above 2²⁴ a quotient says nothing about its remainder in single precision.
          pairs.filter(([x, y]) => fn !== "mod" || !(Math.abs(x / y) > 2 ** 22 && y !== 0));
    const xs = at.map(([x]) => Math.fround(x));
    const ys = at.map(([, y]) => Math.fround(y));
    const [actual] = await onDevice(on, [xs, ys], (g, [x, y]) => [g.binary(fn, x, y)]);
    const exact = xs.map((x, k) => binaryAt[fn](x, ys[k]));
    const { error, at: k } = worst(actual, exact, fn.startsWith("gamma_p") ? 0.01 : 0);
    const message = `at ${xs[k]}, ${ys[k]}: ${actual[k]}, not ${exact[k]}`;
    expect(error, message).toBeLessThan(binaryTolerance[fn] ?? 8);
  });

  test("pow keeps its accuracy where the exponent is large", async () => {
    const xs = grid(0.5, 3, 41).flatMap((x) => Array.from({ length: 41 }, () => x));
    const ys = grid(0.5, 3, 41).flatMap(() => grid(-75, 75, 41));
    const [actual] = await onDevice(on, [xs, ys], (g, [x, y]) => [g.pow(x, y)]);
    const { error, at } = worst(
      actual,
      xs.map((x, k) => x ** ys[k]),
      0,
    );
    expect(error, `${xs[at]} ** ${ys[at]}: ${actual[at]}`).toBeLessThan(16);
  });

  const ternaryTolerance: { readonly [F in TernaryFn]: number } = { select: 1, beta_inc: 800 };
  test.each(ternaryFns)("%s", async (fn) => {
    const shapesOf = [0.3, 1, 2.5, 8, 30];
    const at = shapesOf.flatMap((a) =>
      shapesOf.flatMap((b) => [0, ...grid(0.01, 0.99, 21), 1].map((x) => [a, b, x])),
    );
    const columns = [0, 1, 2].map((c) => at.map((row) => Math.fround(row[c])));
    const [actual] = await onDevice(on, columns, (g, [x, y, z]) => [g.ternary(fn, x, y, z)]);
    const exact = at.map((_, k) => ternaryAt[fn](columns[0][k], columns[1][k], columns[2][k]));
    const { error, at: k } = worst(actual, exact, 0.01);
    expect(error, `at ${at[k]}: ${actual[k]}, not ${exact[k]}`).toBeLessThan(ternaryTolerance[fn]);
  });
});
