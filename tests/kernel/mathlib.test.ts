import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { call, get, giveBack, i32, index, load, loop, store } from "../../src/kernel/build.js";
import { interpretKernels } from "../../src/kernel/interpret.js";
import type { KernelModule } from "../../src/kernel/ir.js";
import { mathFunction, mathFunctions, rngBuffers } from "../../src/kernel/mathlib/index.js";
import { verifyModule } from "../../src/kernel/verify.js";
import { binaryFns, ternaryFns, unaryFns } from "../../src/tensor/ops.js";

type Row = readonly (number | string)[];
/** Made by scripts/reference/mathlib.py with mpmath. */
const reference: Record<string, readonly Row[]> = JSON.parse(
  readFileSync(new URL("./mathlib-reference.json", import.meta.url), "utf8"),
);

const special: Record<string, number> = { inf: Infinity, "-inf": -Infinity, nan: NaN, "-0": -0 };
const number = (v: number | string): number => (typeof v === "number" ? v : special[v]);

const EPS = 2 ** -52;
/** The least normal number: below it an error is measured in units of the last place. */
const NORMAL = 2.2250738585072014e-308;

/** Applies a function to columns of arguments, by a parallel loop, and one by one. */
function moduleOf(name: string, columns: readonly Float64Array[]): KernelModule {
  const definition = mathFunction(name)!;
  const { length } = columns[0];
  const args = columns.map((_, k) => load(`x${k}`, index("i")));
  return {
    buffers: [
      ...columns.map((data, k) => ({
        name: `x${k}`,
        element: "f64" as const,
        length,
        region: "constant" as const,
        data,
      })),
      { name: "out", element: "f64", length, region: "workspace" },
    ],
    functions: [
      {
        name: "all",
        params: [],
        exported: true,
        body: [
          loop("i", i32(0), i32(length), [store("out", index("i"), call(name, args))], {
            reductions: [],
          }),
        ],
      },
      {
        name: "one",
        params: definition.params,
        result: "f64",
        exported: true,
        body: [giveBack(call(name, definition.params.map(get)))],
      },
    ],
  };
}

function columnsOf(rows: readonly Row[]): Float64Array[] {
  const [first] = rows;
  return Array.from({ length: first.length }, (_, k) =>
    Float64Array.from(rows, (row) => number(row[k])),
  );
}

/** Results of the three evaluators. */
function evaluate(name: string, columns: readonly Float64Array[]) {
  const module = moduleOf(name, columns);
  verifyModule(module);
  const program = compileKernels(module);
  const instance = instantiate(program, createMemory(program, 1), 0);
  instance.call("all");
  const one = instance.fn("one");
  const interpreter = interpretKernels(module);
  const rows = Array.from(columns[0], (_, i) => columns.map((column) => column[i]));
  return {
    lanes: instance.f64("out").slice(),
    scalar: Float64Array.from(rows, (row) => one(...row)),
    interpreted: Float64Array.from(rows, (row) => interpreter.call("one", ...row)),
  };
}

/**
 * Largest relative error allowed, in units of 2⁻⁵². One rounding of the reference is half a unit.
 * lgamma, digamma and trigamma lose digits, in a relative sense, next to their zeros for x < 0;
 * deep tails of the incomplete functions have the error of exp times their exponent.
 */
const bounds: Record<string, number> = {
  exp: 1,
  log: 1,
  log1p: 1,
  expm1: 1,
  sin: 1,
  cos: 1,
  tan: 2,
  sigmoid: 2,
  softplus: 2,
  log1mexp: 2,
  tanh: 2,
  sinh: 2,
  cosh: 2,
  asinh: 2,
  acosh: 2,
  atanh: 2,
  asin: 2,
  acos: 2,
  atan: 2,
  atan2: 2,
  erf: 2,
  erfc: 4,
  erfcx: 2,
  log_ndtr: 4,
  ndtri: 4,
  lgamma: 40,
  digamma: 400,
  trigamma: 20,
  log_i0: 4,
  bessel_ratio: 4,
  pow: 8,
  gamma_p: 400,
  beta_inc: 400,
};

test("there is a bound for every function of the reference, and the other way", () => {
  expect(Object.keys(reference).sort()).toEqual(Object.keys(bounds).sort());
});

test.each(Object.keys(bounds))("%s is accurate; SIMD and interpreter agree to the bit", (name) => {
  const columns = columnsOf(reference[name]);
  const expected = columns.pop()!;
  const { lanes, scalar, interpreted } = evaluate(name, columns);
  expect(lanes).toEqual(scalar);
  expect(interpreted).toEqual(scalar);
  let worst = 0;
  for (const [i, y] of expected.entries()) {
    const error = Object.is(scalar[i], y) ? 0 : Math.abs(scalar[i] - y);
    worst = Math.max(worst, error / Math.max(Math.abs(y), NORMAL) / EPS);
    if (Number.isNaN(error)) expect.fail(`${name}(${columns.map((c) => c[i])}): ${scalar[i]}`);
  }
  expect(worst).toBeLessThanOrEqual(bounds[name]);
});

const edges = Float64Array.of(
  ...[0, -0, Infinity, -Infinity, NaN, 5e-324, -5e-324, 1, -1, 2, -2, 0.5, -0.5, 8],
  ...[1e-310, -1e-310, 1e-20, -1e-20, 1e300, -1e300, 709.9, -745.5, -746.5, 3, -3, 20.5, 0.075],
);

/** Functions of Math, whose special values ours must have. sin, cos and tan stop at 2³⁰. */
const hostFunctions: Record<string, (x: number) => number> = {
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sin: (x) => (Math.abs(x) > 2 ** 30 ? NaN : Math.sin(x)),
  cos: (x) => (Math.abs(x) > 2 ** 30 ? NaN : Math.cos(x)),
  tan: (x) => (Math.abs(x) > 2 ** 30 ? NaN : Math.tan(x)),
};

test.each(Object.keys(hostFunctions))("%s has the special values of Math", (name) => {
  const { lanes, scalar } = evaluate(name, [edges]);
  expect(lanes).toEqual(scalar);
  for (const [i, x] of edges.entries()) {
    const expected = hostFunctions[name](x);
    if (!Number.isFinite(expected) || expected === 0)
      expect(scalar[i], `${name} ${x}`).toBe(expected);
    else expect(Math.abs(scalar[i] / expected - 1), `${name} ${x}`).toBeLessThan(4 * EPS);
  }
});

/** [argument, value] at poles, limits and outside domains. */
const limits: Record<string, readonly (readonly [number, number])[]> = {
  sigmoid: [
    [Infinity, 1],
    [-Infinity, 0],
    [NaN, NaN],
    [0, 0.5],
  ],
  softplus: [
    [Infinity, Infinity],
    [-Infinity, 0],
    [NaN, NaN],
    [0, Math.LN2],
  ],
  log1mexp: [
    [0, -Infinity],
    [-Infinity, -0],
    [1, NaN],
    [NaN, NaN],
  ],
  erf: [
    [Infinity, 1],
    [-Infinity, -1],
    [0, 0],
    [-0, -0],
    [NaN, NaN],
  ],
  erfc: [
    [Infinity, 0],
    [-Infinity, 2],
    [0, 1],
    [NaN, NaN],
  ],
  erfcx: [
    [Infinity, 0],
    [-Infinity, Infinity],
    [0, 1],
    [NaN, NaN],
  ],
  log_ndtr: [
    [Infinity, -0],
    [-Infinity, -Infinity],
    [NaN, NaN],
  ],
  ndtri: [
    [0, -Infinity],
    [1, Infinity],
    [0.5, 0],
    [-1, NaN],
    [2, NaN],
    [NaN, NaN],
  ],
  lgamma: [
    [0, Infinity],
    [-0, Infinity],
    [-1, Infinity],
    [1, 0],
    [2, 0],
    [Infinity, Infinity],
    [NaN, NaN],
  ],
  digamma: [
    [0, -Infinity],
    [-0, Infinity],
    [-1, NaN],
    [Infinity, Infinity],
    [NaN, NaN],
  ],
  trigamma: [
    [0, Infinity],
    [-1, Infinity],
    [Infinity, 0],
    [NaN, NaN],
  ],
  log_i0: [
    [0, 0],
    [Infinity, Infinity],
    [-Infinity, Infinity],
    [NaN, NaN],
  ],
  bessel_ratio: [
    [0, 0],
    [Infinity, 1],
    [-Infinity, -1],
    [NaN, NaN],
  ],
};

test.each(Object.keys(limits))("%s has its limits", (name) => {
  const columns = columnsOf(limits[name]);
  const { lanes, scalar, interpreted } = evaluate(name, [columns[0]]);
  expect(lanes).toEqual(scalar);
  expect(interpreted).toEqual(scalar);
  expect(scalar).toEqual(columns[1]);
});

test("pow and atan2 have the special values of Math at every pair of edges", () => {
  const xs: number[] = [];
  const ys: number[] = [];
  for (const x of edges) {
    for (const y of edges) {
      xs.push(x);
      ys.push(y);
    }
  }
  const columns = [Float64Array.from(xs), Float64Array.from(ys)];
  for (const [name, host] of [
    ["pow", Math.pow],
    ["atan2", Math.atan2],
  ] as const) {
    const { lanes, scalar } = evaluate(name, columns);
    expect(lanes).toEqual(scalar);
    for (const [i, x] of xs.entries()) {
      const expected = host(x, ys[i]);
      const label = `${name}(${x}, ${ys[i]}) = ${scalar[i]}`;
      if (Number.isFinite(expected) && Math.abs(expected) > NORMAL) {
        expect(Math.abs(scalar[i] / expected - 1), label).toBeLessThan(8 * EPS);
      } else if (Number.isFinite(expected) && expected !== 0) {
        expect(Math.abs(scalar[i] - expected), label).toBeLessThanOrEqual(5e-324);
      } else {
        expect(scalar[i], label).toBe(expected);
      }
    }
  }
});

test("gamma_p and beta_inc are NaN outside their domains and exact at the ends", () => {
  const p = evaluate(
    "gamma_p",
    columnsOf([
      [1, 0],
      [1, Infinity],
      [0, 1],
      [-1, 1],
      [1, -1],
      [NaN, 1],
    ]),
  );
  expect([...p.scalar]).toEqual([0, 1, NaN, NaN, NaN, NaN]);
  const rows = [
    [1, 2, 0],
    [1, 2, 1],
    [0, 1, 0.5],
    [1, -1, 0.5],
    [1, 1, 2],
    [1, 1, NaN],
  ];
  expect([...evaluate("beta_inc", columnsOf(rows)).scalar]).toEqual([0, 1, NaN, NaN, NaN, NaN]);
});

test("every library function verifies, and every tensor function has one or an instruction", () => {
  const functions = [...mathFunctions()];
  verifyModule({ buffers: rngBuffers, functions });
  // These are instructions, comparisons or a few of them: the lowering writes them itself.
  const direct = new Set([
    ...["neg", "not", "abs", "sign", "floor", "ceil", "round", "trunc", "sqrt"],
    ...["add", "sub", "mul", "div", "mod", "max", "min", "lt", "le", "gt", "ge", "eq", "ne"],
    ...["and", "or", "select"],
  ]);
  for (const name of [...unaryFns, ...binaryFns, ...ternaryFns]) {
    expect(direct.has(name) || mathFunction(name) !== undefined, name).toBe(true);
  }
});

test("mod has the sign of the divisor, and is exact on whole numbers", () => {
  const xs: number[] = [];
  const ys: number[] = [];
  for (const y of [1, 2, 3, 7, 10, 97, 1e6, -3, -10, 0.5, -0.25]) {
    for (const x of [0, 1, 2, 3, 5, 6, 9.5, 12, 99, 1e9 + 7, 123456789012, -1, -3, -7, -1e6 - 1]) {
      xs.push(x);
      ys.push(y);
    }
  }
  const { lanes, scalar, interpreted } = evaluate("mod", [
    Float64Array.from(xs),
    Float64Array.from(ys),
  ]);
  expect(lanes).toEqual(scalar);
  expect(interpreted).toEqual(scalar);
  xs.forEach((x, i) => {
    const y = ys[i];
    const expected = ((x % y) + y) % y;
    expect(scalar[i] + 0, `${x} mod ${y}`).toBe(expected + 0);
  });
});
