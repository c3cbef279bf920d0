import { expect, test } from "vitest";
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import {
  add,
  binary,
  call,
  f64,
  get,
  giveBack,
  i32,
  index,
  le,
  load,
  loop,
  lt,
  mul,
  select,
  set,
  store,
  sub,
  when,
} from "../../src/kernel/build.js";
import type { KernelModule, Local, Stmt } from "../../src/kernel/ir.js";

const total: Local = { name: "total", type: "f64" };
const n: Local = { name: "n", type: "i32" };

function dataOf(length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.sin(i + 1) * 3);
}

function dotModule(length: number, dynamic: boolean): KernelModule {
  const i = index("i");
  const x = load("x", i);
  const body: Stmt[] = [
    set({ name: "t", type: "f64" }, mul(x, load("w", add(i, i32(2))))),
    set(
      { name: "u", type: "f64" },
      select(lt(get({ name: "t", type: "f64" }), f64(0)), x, f64(2.5)),
    ),
    set(total, add(get(total), get({ name: "u", type: "f64" }))),
    store("out", i, sub(get({ name: "u", type: "f64" }), load("scale", i32(0)))),
  ];
  return {
    buffers: [
      { name: "pad", element: "i32", length: 3, region: "constant", data: Int32Array.of(1, 2, 3) },
      { name: "x", element: "f64", length, region: "constant", data: dataOf(length) },
      { name: "w", element: "f64", length: length + 2, region: "workspace" },
      { name: "out", element: "f64", length, region: "workspace" },
      {
        name: "scale",
        element: "f64",
        length: 1,
        region: "workspace",
        data: Float64Array.of(0.5),
      },
    ],
    functions: [
      {
        name: "dot",
        params: [n],
        result: "f64",
        exported: true,
        body: [
          set(total, f64(10)),
          loop("i", i32(0), dynamic ? get(n) : i32(length), body, {
            reductions: [{ local: "total", fn: "add" }],
          }),
          giveBack(get(total)),
        ],
      },
    ],
  };
}

test.each([true, false])("a parallel loop agrees with JavaScript, dynamic bound: %s", (dynamic) => {
  for (const simd of [true, false]) {
    for (let length = 0; length < 23; length++) {
      const program = compileKernels(dotModule(length, dynamic), { simd });
      const memory = createMemory(program, 3);
      const instance = instantiate(program, memory, 2);
      const x = dataOf(length);
      const w = instance.f64("w");
      let expected = 10;
      for (let i = 0; i < length + 2; i++) w[i] = Math.cos(i * 7);
      const out: number[] = [];
      for (let i = 0; i < length; i++) {
        const u = x[i] * w[i + 2] < 0 ? x[i] : 2.5;
        expected += u;
        out.push(u - 0.5);
      }
      // Sums of at most 23 terms below 3 in another order.
      expect(instance.call("dot", length)).toBeCloseTo(expected, 12);
      expect([...instance.f64("out")]).toEqual(out);
    }
  }
});

test("functions recurse with locals of their own", () => {
  const a: Local = { name: "a", type: "f64" };
  const program = compileKernels({
    buffers: [],
    functions: [
      {
        name: "fib",
        params: [n],
        result: "f64",
        exported: true,
        body: [
          when(le(get(n), i32(1)), [
            giveBack({ kind: "convert", type: "f64", fn: "f64_from_i32", x: get(n) }),
          ]),
          set(a, call("fib", [sub(get(n), i32(1))])),
          giveBack(add(get(a), call("fib", [binary("sub", get(n), i32(2))]))),
        ],
      },
    ],
  });
  expect(instantiate(program, createMemory(program, 1), 0).call("fib", 20)).toBe(6765);
});

test("a function under a name of the math library is refused", () => {
  const square = {
    name: "exp",
    params: [total],
    result: "f64",
    body: [giveBack(mul(get(total), get(total)))],
    exported: true,
  } as const;
  expect(() => compileKernels({ buffers: [], functions: [square] })).toThrow(/exp/);
  const named = compileKernels({ buffers: [], functions: [{ ...square, name: "my_exp" }] });
  expect(instantiate(named, createMemory(named, 1), 0).call("my_exp", 3)).toBe(9);
});
