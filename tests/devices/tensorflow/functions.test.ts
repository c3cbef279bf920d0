/** Every scalar function in both precisions against the f64 evaluator. */
import { afterAll, describe, expect, test } from "vitest";
import type { GraphDevice, Precision } from "../../../src/device/contract.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import {
  binaryFns,
  type Node,
  type TernaryFn,
  ternaryFns,
  type UnaryFn,
  unaryFns,
} from "../../../src/tensor/ops.js";
import { binaryAt, ternaryAt, unaryAt } from "../../../src/tensor/scalar-fns.js";
import { deviceForTests } from "./harness.js";

const grid = (low: number, high: number, n = 97): number[] =>
  Array.from({ length: n }, (_, k) => Math.fround(low + ((high - low) * k) / (n - 1)));
const powers = (low: number, high: number): number[] =>
  Array.from({ length: high - low + 1 }, (_, k) => 2 ** (low + k));
const special = [0, -0, 1, -1, 0.5, -0.5, Infinity, -Infinity, NaN];
const wide = [...grid(-5, 5), ...grid(-80, 80), ...powers(-30, 30), ...special];

/** Where each function is asked, beside the default. All points are f32 numbers. */
const points: { readonly [F in UnaryFn]?: readonly number[] } = {
  exp: [...grid(-87, 88), ...special, 1000, -1000],
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
 * Allowed error |device − exact| / (|exact| + size), in units of the precision's last place:
 * `relative` where the default of 8 (a few roundings) does not do, `size` where the result passes
 * through 0 or a reflection cancels.
 */
interface Tolerance {
  readonly relative?: number;
  readonly size?: number;
}
const tolerances: { readonly [F in UnaryFn]?: Tolerance } = {
  lgamma: { relative: 24, size: 1 },
  digamma: { size: 1 },
  trigamma: { relative: 24, size: 1 },
  log_i0: { relative: 12 },
  bessel_ratio: { relative: 12 },
};
/** Incomplete integrals: exponentials of sums of large logarithms. */
const binaryTolerances: Readonly<Record<string, Tolerance>> = {
  gamma_p: { relative: 300, size: 0.01 },
  gamma_p_da: { relative: 300, size: 0.01 },
};
const ternaryTolerances: { readonly [F in TernaryFn]?: Tolerance } = {
  beta_inc: { relative: 800, size: 0.01 },
};
const UNIT: { readonly [P in Precision]: number } = { f64: 2 ** -53, f32: 2 ** -24 };
/** Results below it are 0 to TensorFlow, which has no subnormal numbers. */
const TINY: { readonly [P in Precision]: number } = { f64: 2 ** -1021, f32: 2 ** -125 };

/** The worst error in units, and where. Values beyond the precision count as what they round to. */
function worst(
  actual: ArrayLike<number>,
  exact: readonly number[],
  size: number,
  precision: Precision,
): { readonly error: number; readonly at: number } {
  let found = { error: 0, at: -1 };
  const round = precision === "f32" ? Math.fround : (x: number) => x;
  exact.forEach((value, k) => {
    const rounded = round(value);
    const tiny = Math.abs(value) < TINY[precision] && Math.abs(actual[k]) < TINY[precision];
    if (rounded === actual[k] || tiny) return;
    if (Number.isNaN(rounded) && Number.isNaN(actual[k])) return;
    const error = Math.abs(actual[k] - value) / ((Math.abs(value) + size) * UNIT[precision]);
    if (!(error <= found.error)) found = { error: Number.isNaN(error) ? Infinity : error, at: k };
  });
  return found;
}

async function onDevice(
  on: GraphDevice,
  columns: readonly (readonly number[])[],
  build: (g: GraphBuilder, xs: readonly Node[]) => Node,
): Promise<Float64Array> {
  const g = new GraphBuilder();
  const inputs = columns.map((c, k) => g.input(`x${k}`, [c.length]));
  const outputs = [{ name: "y", node: build(g, inputs) }];
  const program = await on.compileGraph({ inputs, outputs });
  const { y } = await program.run(Object.fromEntries(columns.map((c, k) => [`x${k}`, c])));
  program.close();
  return y;
}

const pairs = [...special, 2, 3, -3, 0.25, 7.5, -7.5, 1e10, 1e-10].flatMap((x, _, all) =>
  all.map((y) => [Math.fround(x), Math.fround(y)] as const),
);
const shapes: readonly (readonly [number, number])[] = [
  ...grid(0.1, 40, 23).flatMap((a) => grid(0.05, 60, 23).map((x) => [a, x] as const)),
  [0, 1],
  [2, 0],
  [2, Infinity],
  [NaN, 1],
];
const betas = [0.3, 1, 2.5, 8, 30].flatMap((a, _, all) =>
  all.flatMap((b) => [0, ...grid(0.01, 0.99, 21), 1].map((x) => [a, b, x])),
);

for (const precision of ["f64", "f32"] as const) {
  const device = await deviceForTests(precision);
  afterAll(() => device?.close());

  describe.skipIf(device === undefined)(`scalar functions on TensorFlow in ${precision}`, () => {
    const on = device as GraphDevice;

    test.each(unaryFns)("%s", async (fn) => {
      const xs = (points[fn] ?? wide).map(Math.fround);
      const actual = await onDevice(on, [xs], (g, [x]) => g.unary(fn, x));
      const { relative = 8, size = 0 } = tolerances[fn] ?? {};
      const { error, at } = worst(actual, xs.map(unaryAt[fn]), size, precision);
      const message = `at ${xs[at]}: ${actual[at]}, not ${unaryAt[fn](xs[at])}`;
      expect(error, message).toBeLessThan(relative);
    });

    test.each(binaryFns)("%s", async (fn) => {
      const at = fn.startsWith("gamma_p") ? shapes : pairs;
      const [xs, ys] = [at.map(([x]) => x), at.map(([, y]) => y)];
      const actual = await onDevice(on, [xs, ys], (g, [x, y]) => g.binary(fn, x, y));
      const exact = xs.map((x, k) => binaryAt[fn](x, ys[k]));
      const { relative = 8, size = 0 } = binaryTolerances[fn] ?? {};
      const { error, at: k } = worst(actual, exact, size, precision);
      const message = `at ${xs[k]}, ${ys[k]}: ${actual[k]}, not ${exact[k]}`;
      expect(error, message).toBeLessThan(relative);
    });

    test.each(ternaryFns)("%s", async (fn) => {
      const columns = [0, 1, 2].map((c) => betas.map((row) => Math.fround(row[c])));
      const actual = await onDevice(on, columns, (g, [x, y, z]) => g.ternary(fn, x, y, z));
      const exact = betas.map((_, k) => ternaryAt[fn](columns[0][k], columns[1][k], columns[2][k]));
      const { relative = 8, size = 0 } = ternaryTolerances[fn] ?? {};
      const { error, at: k } = worst(actual, exact, size, precision);
      const message = `at ${betas[k]}: ${actual[k]}, not ${exact[k]}`;
      expect(error, message).toBeLessThan(relative);
    });
  });
}
