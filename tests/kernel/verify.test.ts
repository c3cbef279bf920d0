import { expect, test } from "vitest";
import {
  add,
  binary,
  call,
  f64,
  get,
  giveBack,
  i32,
  index,
  load,
  loop,
  lt,
  mul,
  neg,
  select,
  set,
  store,
  sub,
  unary,
  when,
} from "../../src/kernel/build.js";
import type { Expr, KernelModule, Local, Stmt } from "../../src/kernel/ir.js";
import { printExpr, printModule } from "../../src/kernel/print.js";
import { verifyModule } from "../../src/kernel/verify.js";

const x: Local = { name: "x", type: "f64" };
const y: Local = { name: "y", type: "f64" };

function moduleOf(body: readonly Stmt[], result?: "f64"): KernelModule {
  return {
    buffers: [
      { name: "c", element: "f64", length: 3, region: "constant", data: Float64Array.of(1, 2, 3) },
      { name: "w", element: "i32", length: 2, region: "workspace" },
    ],
    functions: [{ name: "f", params: [x], result, exported: true, body }],
  };
}

const wrong: readonly (readonly [string, readonly Stmt[], RegExp])[] = [
  ["mixed types", [set(y, add(f64(1), i32(1)))], /i32 where f64/],
  [
    "wrong annotation",
    [
      set(y, { ...i32(1), type: "f64" } as Expr),
      set(y, { ...f64(1), kind: "local", name: "x", type: "i32" } as Expr),
    ],
    /annotated i32/,
  ],
  ["unassigned local", [set(x, get(y))], /read before it is assigned/],
  [
    "assigned on one path",
    [when(lt(get(x), f64(0)), [set(y, f64(1))]), set(x, get(y))],
    /read before/,
  ],
  ["two types", [set(y, f64(1)), set({ ...y, type: "i32" }, i32(1))], /y is f64 and i32/],
  ["no buffer", [set(y, load("q", i32(0)))], /no buffer q/],
  ["out of bounds", [set(y, load("c", i32(3)))], /index 3 of c/],
  ["negative index", [store("w", i32(-1), i32(0))], /index -1 of w/],
  ["store to a constant", [store("c", i32(0), f64(0))], /store to constant c/],
  ["wrong element", [store("w", i32(0), f64(0))], /f64 where i32/],
  ["no function", [set(y, call("nope", []))], /no function nope/],
  ["arity", [set(y, call("exp", []))], /takes 1 arguments/],
  ["float remainder", [set(y, binary("rem", f64(1), f64(2)))], /rem of f64/],
  ["root of integer", [set({ ...y, type: "i32" }, unary("sqrt", i32(4)))], /sqrt of i32/],
  [
    "assigned index",
    [loop("i", i32(0), i32(3), [set({ name: "i", type: "i32" }, i32(0))])],
    /loop index i/,
  ],
  [
    "nested index",
    [loop("i", i32(0), i32(3), [loop("i", i32(0), i32(3), [])])],
    /nested loops over i/,
  ],
  [
    "reduction without a value",
    [loop("i", i32(0), i32(3), [], { reductions: [{ local: "y", fn: "add" }] })],
    /no first value/,
  ],
  ["code after return", [giveBack(), set(y, f64(1))], /follows a return/],
  ["result not declared", [giveBack(f64(1))], /none is declared/],
  ["zero step", [{ ...loop("i", i32(0), i32(3), []), step: 0 } as Stmt], /step 0/],
];

test.each(wrong)("%s is refused", (_, body, message) => {
  expect(() => verifyModule(moduleOf(body))).toThrow(message);
});

test("a path without a result is refused, and branches that all return are enough", () => {
  const branch = (otherwise: readonly Stmt[]) => [
    when(lt(get(x), f64(0)), [giveBack(f64(1))], otherwise),
  ];
  expect(() => verifyModule(moduleOf(branch([]), "f64"))).toThrow(/path ends without/);
  verifyModule(moduleOf(branch([giveBack(get(x))]), "f64"));
  // Where one branch returns, what the other assigned is assigned.
  const rest = [when(lt(get(x), f64(0)), [giveBack(f64(1))], [set(y, f64(2))]), giveBack(get(y))];
  verifyModule(moduleOf(rest, "f64"));
});

test("buffers are checked", () => {
  const base = moduleOf([]);
  const withBuffer = (change: object) => ({
    ...base,
    buffers: [{ ...base.buffers[0], ...change }],
  });
  expect(() => verifyModule(withBuffer({ length: 4 }))).toThrow(/has 3 of 4/);
  expect(() => verifyModule(withBuffer({ data: Int32Array.of(1, 2, 3) }))).toThrow(/wrong type/);
  expect(() => verifyModule(withBuffer({ data: undefined }))).toThrow(/no data/);
  const twice = { ...base, buffers: [base.buffers[0], base.buffers[0]] };
  expect(() => verifyModule(twice)).toThrow(/two kernel buffers/);
});

test("a module prints as text", () => {
  const body = [
    set(y, f64(0)),
    loop("i", i32(0), i32(3), [set(y, add(get(y), load("c", index("i"))))], {
      reductions: [{ local: "y", fn: "add" }],
    }),
    when(lt(get(y), get(x)), [store("w", i32(1), i32(7))], [giveBack(neg(get(x)))]),
    giveBack(select(lt(get(x), f64(-0)), call("exp", [get(y)]), get(y))),
  ];
  const module = moduleOf(body, "f64");
  verifyModule(module);
  expect(printModule(module)).toBe(`constant f64 c[3] = {1, 2, 3}
workspace i32 w[2]

export fn f(x: f64): f64 {
  y: f64 = 0.0
  parallel for i in 0..3 reducing add y {
    y: f64 = y + c[i]
  }
  if y < x {
    w[1] = 7
  } else {
    return -x
  }
  return x < -0.0 ? exp(y) : y
}
`);
});

test("expressions print with the parentheses they need", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => get({ name, type: "f64" }));
  expect(printExpr(mul(add(a, b), c))).toBe("(a + b) * c");
  expect(printExpr(add(a, mul(b, c)))).toBe("a + b * c");
  expect(printExpr(sub(a, sub(b, c)))).toBe("a - (b - c)");
  expect(printExpr(sub(sub(a, b), c))).toBe("a - b - c");
  expect(printExpr(neg(add(a, b)))).toBe("-(a + b)");
  expect(printExpr(mul(select(lt(a, b), a, b), c))).toBe("(a < b ? a : b) * c");
  expect(printExpr(binary("max", a, add(b, c)))).toBe("max(a, b + c)");
});
