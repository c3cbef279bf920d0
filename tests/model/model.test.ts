/** Sizes, walks over the IR, the printer and the verifier. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Expr, int, type Model, real } from "../../src/model/ir.js";
import { printExpr, printSupport, printType } from "../../src/model/print.js";
import {
  addSizes,
  evaluateSize,
  mulSizes,
  printSize,
  type Size,
  sizeConst,
  sizesEqual,
  sizeVar,
  subSizes,
} from "../../src/model/size.js";
import { dependsOnRandom, freeVariables, mapExpr } from "../../src/model/traverse.js";
import { verifyModel } from "../../src/model/verify.js";

const span = { source: { path: "t", text: "" }, start: 0, end: 0 };
const num = (value: number): Expr => ({ kind: "const", value, span, type: int });
const site = (name: string): Expr => ({ kind: "var", name, role: "site", span, type: real });
const call = (fn: "add" | "sub" | "mul" | "neg" | "pow", ...args: Expr[]): Expr => ({
  kind: "call",
  fn,
  args,
  span,
  type: real,
});

describe("sizes", () => {
  const values: Readonly<Record<string, number>> = { N: 5, K: 3, D: 2 };
  const { size } = fc.letrec<{ size: { size: Size; value: number } }>((tie) => ({
    size: fc.oneof(
      { maxDepth: 4 },
      fc.integer({ min: -3, max: 3 }).map((n) => ({ size: sizeConst(n), value: n })),
      fc.constantFrom("N", "K", "D").map((n) => ({ size: sizeVar(n), value: values[n] })),
      fc
        .tuple(fc.constantFrom("+", "-", "*"), tie("size"), tie("size"))
        .map(([op, a, b]) =>
          op === "+"
            ? { size: addSizes(a.size, b.size), value: a.value + b.value }
            : op === "-"
              ? { size: subSizes(a.size, b.size), value: a.value - b.value }
              : { size: mulSizes(a.size, b.size), value: a.value * b.value },
        ),
    ),
  }));
  test("evaluate as the polynomials they stand for", () => {
    fc.assert(
      fc.property(size, (s) => {
        expect(evaluateSize(s.size, (n) => values[n]) + 0).toBe(s.value + 0);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
  test("are equal in any order of their terms", () => {
    fc.assert(
      fc.property(size, size, size, (a, b, c) => {
        const left = mulSizes(addSizes(a.size, b.size), c.size);
        const right = addSizes(mulSizes(c.size, b.size), mulSizes(c.size, a.size));
        expect(sizesEqual(left, right)).toBe(true);
      }),
      { numRuns: 300, seed: 2 },
    );
  });
  test("print as one writes them", () => {
    const n = sizeVar("N");
    expect(printSize(subSizes(n, sizeConst(1)))).toBe("N - 1");
    expect(printSize(addSizes(sizeConst(1), mulSizes(sizeConst(2), n)))).toBe("2*N + 1");
  });
});

describe("the printer", () => {
  test("keeps the tree by brackets", () => {
    const [a, b, c] = ["a", "b", "c"].map(site);
    expect(printExpr(call("sub", a, call("sub", b, c)))).toBe("a - (b - c)");
    expect(printExpr(call("sub", call("sub", a, b), c))).toBe("a - b - c");
    expect(printExpr(call("mul", call("add", a, b), c))).toBe("(a + b) * c");
    expect(printExpr(call("pow", call("neg", a), b))).toBe("(-a) ^ b");
    expect(printExpr(call("neg", call("add", a, b)))).toBe("-(a + b)");
    expect(printExpr(call("pow", num(-1), b))).toBe("(-1) ^ b");
  });
  test("shows types and supports", () => {
    expect(printType({ scalar: "real", dims: [sizeVar("N"), sizeConst(2)] })).toBe("real[N, 2]");
    expect(printSupport({ kind: "interval", lower: num(0) })).toBe("above(0)");
    expect(printSupport({ kind: "interval" })).toBe("real");
  });
});

describe("walks", () => {
  const binder = { name: "i", from: num(0), to: site("n"), size: sizeVar("n"), span };
  const index: Expr = { kind: "var", name: "i", role: "index", span, type: int };
  const sum: Expr = {
    kind: "reduce",
    op: "sum",
    binders: [binder],
    body: call("mul", index, site("x")),
    span,
    type: real,
  };
  test("binders and lets of blocks are not free", () => {
    expect([...freeVariables(sum)].sort()).toEqual(["n", "x"]);
    const block: Expr = {
      kind: "block",
      lets: [{ name: "u", value: sum }],
      result: call("add", { ...site("u"), kind: "var", name: "u", role: "local" }, site("y")),
      span,
      type: real,
    };
    expect([...freeVariables(block)].sort()).toEqual(["n", "x", "y"]);
  });
  test("randomness is found inside", () => {
    expect(dependsOnRandom(sum, new Set(["x"]))).toBe(true);
    expect(dependsOnRandom(sum, new Set(["z"]))).toBe(false);
  });
  test("mapExpr replaces parents first", () => {
    const mapped = mapExpr(sum, (e) => (e.kind === "var" && e.name === "x" ? num(2) : undefined));
    expect(printExpr(mapped)).toBe("sum(for i in 0..n: i * 2)");
  });
});

describe("the verifier", () => {
  const normal = (mu: Expr) =>
    ({
      kind: "named",
      name: "Normal",
      args: { mu, sigma: num(1) },
      event: real,
      support: { kind: "real" },
      span,
    }) as const;
  const good: Model = {
    name: "m",
    span,
    inputs: [],
    boundSizes: [],
    opaqueSizes: {},
    variables: [
      {
        name: "x",
        role: "site",
        span,
        type: real,
        eventRank: 0,
        support: { kind: "real" },
        random: true,
      },
    ],
    body: [{ kind: "site", span, name: "x", indices: [], dist: normal(num(0)), restricted: false }],
  };
  test("passes what is right", () => {
    expect(verifyModel(good)).toBe(good);
  });
  test.each<[string, Model]>([
    ["no site z", { ...good, body: [...good.body, { kind: "factor", span, value: site("z") }] }],
    [
      "y has no statement",
      { ...good, variables: [...good.variables, { ...good.variables[0], name: "y" }] },
    ],
    ["two variables of one name", { ...good, variables: [...good.variables, ...good.variables] }],
    [
      "i is not in scope",
      {
        ...good,
        body: [
          ...good.body,
          {
            kind: "factor",
            span,
            value: { kind: "var", name: "i", role: "index", span, type: int },
          },
        ],
      },
    ],
    [
      "u is bound twice",
      {
        ...good,
        body: [
          ...good.body,
          { kind: "local", span, name: "u", value: num(1) },
          { kind: "local", span, name: "u", value: num(2) },
        ],
      },
    ],
    [
      "size N is not known",
      {
        ...good,
        variables: [{ ...good.variables[0], type: { scalar: "real", dims: [sizeVar("N")] } }],
      },
    ],
  ])("reports: %s", (message, model) => {
    expect(() => verifyModel(model)).toThrow(message);
  });
});
