import { describe, expect, it } from "vitest";
import { printExpr } from "../../src/syntax/print-ast.js";
import { dumpExpr, statements } from "./helpers.js";

describe("precedence", () => {
  it.each([
    ["-x^2", "(-(x ^ 2))"],
    ["2^-1", "(2 ^ (-1))"],
    ["2^-x^2", "(2 ^ (-(x ^ 2)))"],
    ["a^b^c", "(a ^ (b ^ c))"],
    ["-a^b^c * d", "((-(a ^ (b ^ c))) * d)"],
    ["-a @ b", "((-a) @ b)"],
    ["a * b @ c", "(a * (b @ c))"],
    ["a @ b * c", "((a @ b) * c)"],
    ["a - b - c", "((a - b) - c)"],
    ["a / b * c % d", "(((a / b) * c) % d)"],
    ["a + b * c - d", "((a + (b * c)) - d)"],
    ["a - -b", "(a - (-b))"],
    ["--a", "(-(-a))"],
    ["!a == b", "((!a) == b)"],
    ["a < b && c >= d || e != f", "(((a < b) && (c >= d)) || (e != f))"],
    ["a || b && c", "(a || (b && c))"],
    ["-f(x)[0].y", "(-f(x)[0].y)"],
    ["if a || b then c + 1 else d", "(if (a || b) then (c + 1) else d)"],
    ["if a then b else if c then d else e", "(if a then b else (if c then d else e))"],
    ["x => y => x + y", "((x) => ((y) => (x + y)))"],
    ["(a + b) * c", "((a + b) * c)"],
  ])("%s groups as %s", (text, grouped) => expect(dumpExpr(text)).toBe(grouped));
});

describe("forms of expressions", () => {
  it.each([
    ["3"],
    ["0.5"],
    ["inf"],
    ["true"],
    ['"a\\n\\"b\\\\"'],
    ["[]"],
    ["[1, [2, 3]]"],
    ["f()"],
    ["Bernoulli(logits: eta)"],
    ["Flat(0, lower: 0, in: 3, model: 4)"],
    ["grad(((u) => f(u, W)))(x)"],
    ["D.log_prob(x)"],
    ["D.in.model.mean"],
    ["nn.mlp([d, 400, D], nn.relu)"],
    ["x[i, j]"],
    ["x[a..b]"],
    ["x[..n, k.., .., 0]"],
    ["alpha[group][2]"],
    ["[for i in 0..N: e]"],
    ["[for i in 0..N, j in i..M: e[i, j]]"],
    ["sum(for i in 0..N: x[i])"],
    ["(() => 3)"],
    ["((x, y) => x)"],
  ])("%s prints as itself", (text) => expect(dumpExpr(text)).toBe(text));

  it("reads numbers: integers have neither dot nor exponent", () => {
    const values = ["3", "3.0", "1e3", "1.5E-3"].map((text) => {
      const [statement] = statements(`let a = ${text}`);
      if (statement.kind !== "let" || statement.value.kind !== "number") throw new Error(text);
      return [statement.value.value, statement.value.isInt];
    });
    expect(values).toEqual([
      [3, true],
      [3, false],
      [1000, false],
      [0.0015, false],
    ]);
  });

  it("reads escapes and code points in strings", () => {
    const [statement] = statements('let a = "\\u{1F600}\\t\\u{e9}"');
    expect(statement.kind === "let" && statement.value).toMatchObject({ value: "😀\té" });
  });

  it("reads `0..N` as a range, not as `0.`", () => {
    expect(statements("for i in 0..3 { }")[0]).toMatchObject({
      from: { value: 0, isInt: true },
      to: { value: 3 },
    });
  });

  it("allows a trailing comma in calls and arrays", () => {
    expect(dumpExpr("f(1, [2, 3,],)")).toBe("f(1, [2, 3])");
  });

  it("reads letters of any script as names, and composes them", () => {
    expect(dumpExpr("μ + σ_1 + 名前 + x́")).toBe("(((μ + σ_1) + 名前) + x́)");
    expect(dumpExpr("e\u0301")).toBe("\u00e9");
  });

  it("gives every node the span of its text, parentheses included", () => {
    const text = "model m() {\nlet a = (b + c) * -d[0]\n}";
    const [statement] = statements("let a = (b + c) * -d[0]");
    if (statement.kind !== "let" || statement.value.kind !== "binary") throw new Error("shape");
    const spans = [statement.value, statement.value.left, statement.value.right].map((e) =>
      text.slice(e.span.start, e.span.end),
    );
    expect(spans).toEqual(["(b + c) * -d[0]", "(b + c)", "-d[0]"]);
    expect(printExpr(statement.value)).toBe("((b + c) * (-d[0]))");
  });
});
