/** Reading what is typed: where an entry ends, what it consists of. */
import { describe, expect, test } from "vitest";
import { isIncomplete, parseEntry } from "../../../src/run/repl/entry.js";

describe("an entry goes on", () => {
  test.each([
    "model m() {",
    "model m()",
    "model m(N: int,",
    "x = [1,",
    "x = [1,\n2",
    "x =",
    "1 +",
    "a &&",
    "if a then",
    "if a then 1",
    "if a then 1 else",
    "fn f(x)",
    "fn f(x) -> real",
    "x ~",
    "x:",
    "fit.",
    "for i in 0..3",
    "for i in 0..3 {\n x[i] ~ Normal(0, 1)",
    "let",
    "import",
    "/* a comment",
    "/// documentation",
    "model m() {\n  x ~ Normal(0, 1)\n",
    "y = 1; x = (",
  ])("%j", (text) => {
    expect(isIncomplete(text)).toBe(true);
  });
});

describe("an entry is whole, right or wrong", () => {
  test.each([
    "",
    "  ",
    "// a comment",
    "1",
    "x",
    "x = 3",
    "x = 3;",
    "model m() { }",
    "model m() {\n  x ~ Normal(0, 1)\n}\n",
    "model m() { }; x = 1",
    "fn f(x) = x",
    "fn f(x) {\n return x\n}",
    "x ~ Normal(0, 1)",
    "for i in 0..3 { }",
    "if a then 1 else 2",
    "[1, 2][0]",
    "fit.theta[0]",
    "f(a: 1)",
    ":help",
    ":type (",
    // Wrong, and no line that follows would help.
    "x = )",
    "1 2",
    "f(x))",
    '"open',
    "x = [1)",
    "model 3() { }",
    "y x; if a",
  ])("%j", (text) => {
    expect(isIncomplete(text)).toBe(false);
  });
});

describe("an entry's items", () => {
  const kinds = (text: string): string[] => {
    const { items } = parseEntry({ path: "<1>", text });
    return items.map((i) => (i.kind === "statement" ? i.stmt.kind : i.kind));
  };
  test.each([
    ["x", ["expression"]],
    ["x == 3", ["expression"]],
    ["x = 3", ["definition"]],
    ["let x = 3", ["definition"]],
    ["x[0] = 3", ["let"]],
    ["let x: real = 3", ["let"]],
    ["x ~ Normal(0, 1)", ["sample"]],
    ["x: positive ~ Normal(0, 1)", ["sample"]],
    ["for i in 0..3 { let x[i] = i }", ["for"]],
    ["if a > 1 { let b = 1 } else { let b = 2 }", ["if"]],
    ["if a then b else c", ["expression"]],
    ["model m() { }\nfn f(x) = x\nf(1)", ["declarations", "declarations", "expression"]],
    ["a = 1; b = 2\nc", ["definition", "definition", "expression"]],
    ["model = 3", ["definition"]],
    ["dist ~ Normal(0, 1)", ["sample"]],
    ["// nothing", []],
  ])("%j", (text, wanted) => {
    expect(kinds(text)).toEqual(wanted);
  });

  test("stand where they were typed", () => {
    const text = "a = 1\n  b = a + c";
    const { items } = parseEntry({ path: "<1>", text });
    const [, second] = items;
    expect(text.slice(second.span.start, second.span.end)).toBe("b = a + c");
    if (second.kind !== "definition") throw new Error(second.kind);
    expect(text.slice(second.value.span.start, second.value.span.end)).toBe("a + c");
  });

  test("a mistake is told once, in its place", () => {
    for (const text of ["x = 3 4", "y = [1, 2", "x ~ ~ 1", "f(1 2)", "x = 1 +* 2"]) {
      const { diagnostics } = parseEntry({ path: "<1>", text });
      const errors = diagnostics.filter((d) => d.severity === "error");
      expect(errors.length, text).toBe(1);
      expect(errors[0].span?.start, text).toBeGreaterThan(0);
    }
  });
});
