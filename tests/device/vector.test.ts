import { expect, test } from "vitest";
import { emitModule } from "../../src/device/cpu/emit.js";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/index.js";
import {
  add,
  binary,
  call,
  f64,
  get,
  i32,
  index,
  load,
  loop,
  lt,
  mul,
  perform,
  set,
  store,
  sub,
  when,
} from "../../src/kernel/build.js";
import { interpretKernels } from "../../src/kernel/interpret.js";
import type { KernelModule, Local, Reduction, Stmt } from "../../src/kernel/ir.js";
import { verifyModule } from "../../src/kernel/verify.js";

const real = (name: string): Local => ({ name, type: "f64" });
const i = index("i");
const j = index("j");
const t = real("t");
const a = real("a");
const N = 11;
const D = 5;

function moduleOf(body: readonly Stmt[]): KernelModule {
  const data = (length: number) => Float64Array.from({ length }, (_, k) => Math.sin(3 * k + 1));
  const indices = Int32Array.from({ length: N }, (_, k) => (k * 3) % N);
  return {
    buffers: [
      { name: "x", element: "f64", length: N * D, region: "constant", data: data(N * D) },
      { name: "at", element: "i32", length: N, region: "constant", data: indices },
      { name: "w", element: "f64", length: N, region: "workspace", data: data(N) },
      { name: "out", element: "f64", length: N, region: "workspace" },
    ],
    functions: [{ name: "f", params: [], exported: true, body }],
  };
}

function parallel(body: readonly Stmt[], reductions: readonly Reduction[] = []): Stmt {
  return loop("i", i32(0), i32(N), body, { reductions });
}

/** How often each instruction occurs in the emitted `f`. */
function counts(body: readonly Stmt[]): (op: string) => number {
  const { wasm } = emitModule(moduleOf(body));
  const { code } = wasm.functions.find(({ name }) => name === "f")!;
  return (op) => code.filter((instr) => instr.op === op).length;
}

function agrees(body: readonly Stmt[]): void {
  const module = moduleOf(body);
  verifyModule(module);
  const reference = interpretKernels(module);
  reference.call("f");
  const program = compileKernels(module);
  const instance = instantiate(program, createMemory(program, 1), 0);
  instance.call("f");
  expect(instance.f64("out")).toEqual(reference.f64("out"));
}

test("unit stride is one load and one store of two lanes; 11 = 2·4 + 2 + 1", () => {
  const body = [parallel([store("out", i, mul(load("w", i), f64(3)))])];
  const count = counts(body);
  // Two in the unrolled loop, one for the pair that is left, and a scalar iteration.
  expect(count("v128.load")).toBe(3);
  expect(count("v128.store")).toBe(3);
  expect(count("f64.store")).toBe(1);
  agrees(body);
});

test("a gather is two scalar loads; a scatter is two lane stores", () => {
  const gathered = load("w", load("at", i, "i32"));
  const body = [parallel([store("out", load("at", i, "i32"), gathered)])];
  const count = counts(body);
  expect(count("v128.load64_zero")).toBe(3);
  expect(count("v128.load64_lane")).toBe(3);
  expect(count("v128.store64_lane")).toBe(6);
  agrees(body);
});

test("invariants are computed once, before the loop", () => {
  const scale = call("exp", [load("w", i32(0))]);
  const body = [parallel([store("out", i, mul(load("x", i), scale))])];
  // Once for the vectors and once in the odd iteration.
  expect(counts(body)("call")).toBe(2);
  agrees(body);
});

test("an inner loop is vectorised over the outer index", () => {
  const at = add(mul(j, i32(N)), i);
  const body = [
    parallel([
      set(t, f64(0)),
      loop("j", i32(0), i32(D), [set(t, add(get(t), mul(load("x", at), load("w", j))))]),
      store("out", i, get(t)),
    ]),
  ];
  const count = counts(body);
  expect(count("v128.load")).toBe(3);
  expect(count("f64x2.mul")).toBe(3);
  agrees(body);
});

test("equal calls inside different functions are computed once", () => {
  const both = (second: string) => [
    parallel([store("out", i, add(call("sigmoid", [load("x", i)]), call(second, [load("x", i)])))]),
  ];
  const nearest = counts(both("softplus"))("f64x2.nearest");
  // One `nearest` in each exp, in each of three copies.
  expect(nearest).toBe(3);
  agrees(both("softplus"));
});

const scalarBodies: readonly (readonly [string, readonly Stmt[]])[] = [
  [
    "a local carried from one iteration to the next",
    [set(a, f64(0)), parallel([store("out", i, get(a)), set(a, load("w", i))])],
  ],
  [
    "a branch on the iteration",
    [parallel([when(lt(load("w", i), f64(0)), [store("out", i, f64(1))])])],
  ],
  [
    "an inner loop whose bounds vary",
    [parallel([loop("j", i32(0), binary("rem", i, i32(3)), [store("out", i, f64(1))])])],
  ],
  ["a store to one element", [parallel([store("out", i32(0), f64(2))])]],
  ["a call statement", [parallel([perform("exp", [f64(1)])])]],
  [
    "an accumulation of another form than declared",
    [
      set(a, f64(1)),
      parallel([set(a, sub(load("w", i), get(a)))], [{ local: "a", fn: "add" }]),
      store("out", i32(0), get(a)),
    ],
  ],
  [
    "a reduction read inside the loop",
    [
      set(a, f64(1)),
      parallel(
        [set(a, add(get(a), load("w", i))), store("out", i, get(a))],
        [{ local: "a", fn: "add" }],
      ),
    ],
  ],
];

test.each(scalarBodies)("%s stays scalar", (_, body) => {
  const { wasm } = emitModule(moduleOf(body));
  const ops = wasm.functions.flatMap(({ code }) => code.map(({ op }) => op));
  expect(ops.filter((op) => op.startsWith("v128") || op.includes("x2."))).toEqual([]);
  agrees(body);
});

test.each(["min", "max"] as const)("%s reductions follow WebAssembly's rules for NaN", (fn) => {
  for (const value of [2, NaN]) {
    const body = [
      set(a, f64(value)),
      parallel([set(a, binary(fn, get(a), load("w", i)))], [{ local: "a", fn }]),
      store("out", i32(0), get(a)),
    ];
    agrees(body);
  }
});
