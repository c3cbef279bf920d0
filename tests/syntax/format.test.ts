import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatSource } from "../../src/syntax/format.js";

function format(text: string): string {
  const result = formatSource({ path: "p.ppl", text });
  if (!("text" in result)) throw new Error(result.diagnostics[0].message);
  return result.text;
}
const body = (text: string) =>
  format(`model m() {\n${text}\n}`)
    .split("\n")
    .slice(1, -2)
    .map((line) => line.slice(2))
    .join("\n");

describe("formatSource", () => {
  it.each([
    [
      "spaces around operators",
      "let a=1+2*-x^2@ b",
      "let a = 1 + 2 * -x ^ 2 @ b".replace(" ^ ", "^"),
    ],
    ["none inside brackets", "x [ i ,j ]~N( 0 ,sigma : 1 )", "x[i, j] ~ N(0, sigma: 1)"],
    ["none around dots", "let a = D . mean ( x [ 1 .. n ,.. ] )", "let a = D.mean(x[1..n, ..])"],
    ["signs and differences", "let a = - 1 - - 2 - ( - 3 )", "let a = -1 - -2 - (-3)"],
    ["keywords as names", "let a = D . if ( in : 3 )", "let a = D.if(in: 3)"],
    ["lambdas", "let a = f( ( x,y )=>x+y,z=>z )", "let a = f((x, y) => x + y, z => z)"],
    ["conditions", "let a=if(b)then(c)else[d]", "let a = if (b) then (c) else [d]"],
    ["trailing commas go", "let a = f(1, [2,],)", "let a = f(1, [2])"],
    ["`;` joins, one at a time", "a ~ D() ;;b ~ D();", "a ~ D(); b ~ D()"],
    ["one-line blocks stay", "for i in 0..N{a ~ D()}", "for i in 0..N { a ~ D() }"],
    ["empty blocks", "for i in 0 .. N {\n}", "for i in 0..N {}"],
    ["trailing comments", "a ~ D()   //  b", "a ~ D() //  b"],
    ["inner comments", "a ~ D(1/* b */,2)", "a ~ D(1 /* b */, 2)"],
  ])("%s", (_, text, formatted) => expect(body(text)).toBe(formatted));

  it("opens blocks that stood on several lines", () => {
    expect(body("if a { b ~ D()\n} else { c ~ D() }")).toBe(
      "if a {\n  b ~ D()\n} else {\n  c ~ D()\n}",
    );
  });

  it("keeps own-line comments and single blank lines", () => {
    expect(body("// a\n\n\n\n/* b */\nx ~ D()\n\n// c")).toBe("// a\n\n/* b */\nx ~ D()\n\n// c");
  });

  it("puts the items of a long call on lines of their own", () => {
    const long = "a_rather_long_argument_name + another_long_one";
    expect(body(`let a = f(${long}, [${long}], ${long})`)).toBe(
      `let a = f(\n  ${long},\n  [${long}],\n  ${long}\n)`,
    );
  });

  it("breaks a long sum before an operator", () => {
    const lines = body(`let a = ${Array(12).fill("a_long_name").join(" + ")}`).split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^ {4}\+ a_long_name/);
    expect(lines.every((line) => line.length <= 98)).toBe(true);
  });

  const heads = "for index_one in 0..number_of_ones, index_two in 0..number_of_twos";
  it.each([
    [
      "after `=` first",
      "fn f(K: real[N, N], between: real[N, M], y: real[N]) -> real[M, N + M, N * M] = solve(K, y) @ between",
      "fn f(K: real[N, N], between: real[N, M], y: real[N]) -> real[M, N + M, N * M] =\n  solve(K, y) @ between",
    ],
    [
      "arguments before types",
      "fn a_function(x: real[N], u: real[M], amplitude: positive, scale: positive, other: real) -> real[N, M] = x",
      "fn a_function(\n  x: real[N],\n  u: real[M],\n  amplitude: positive,\n  scale: positive,\n  other: real\n) -> real[N, M] = x",
    ],
    [
      "comprehensions after their binders",
      "fn f(x: real[N]) = [for i in 0..N, j in 0..N: amplitude^2 * exp(-0.5 * ((x[i] - x[j]) / scale)^2) + noise[i] * noise[j]]",
      "fn f(x: real[N]) = [for i in 0..N, j in 0..N:\n  amplitude^2 * exp(-0.5 * ((x[i] - x[j]) / scale)^2) + noise[i] * noise[j]]",
    ],
    [
      "a sole bracket in a call with it",
      "fn f(x: real[N]) = softmax([for i in 0..N: amplitude^2 * exp(-0.5 * ((x[i] - y[i]) / scale)^2) + noise[i] * noise[i]])",
      "fn f(x: real[N]) = softmax([for i in 0..N:\n  amplitude^2 * exp(-0.5 * ((x[i] - y[i]) / scale)^2) + noise[i] * noise[i]])",
    ],
    [
      "choices at their branches",
      "fn f(x) = if x > a_long_name_of_a_bound then the_value_above_the_bound * x else the_value_below_the_bound * x",
      "fn f(x) =\n  if x > a_long_name_of_a_bound then the_value_above_the_bound * x\n  else the_value_below_the_bound * x",
    ],
    [
      "products only where they bind weakest",
      "fn f(x) = a_long_factor(x, y, z) * another_long_factor(x, y, z) * a_third_factor(x, y, z) * the_last_one(x, y)",
      "fn f(x) = a_long_factor(x, y, z) * another_long_factor(x, y, z) * a_third_factor(x, y, z)\n    * the_last_one(x, y)",
    ],
    [
      "binders between them",
      `model m() { ${heads}, index_three in 0..number_of_threes { x ~ D()\n} }`,
      `model m() {\n  ${heads},\n      index_three in 0..number_of_threes {\n    x ~ D()\n  }\n}`,
    ],
    [
      "long lists of numbers into full lines",
      `fn f() = [${Array(30).fill("-1.5").join(", ")}]`,
      `fn f() = [\n  ${Array(16).fill("-1.5").join(", ")},\n  ${Array(14).fill("-1.5").join(", ")}\n]`,
    ],
  ])("breaks %s", (_, text, formatted) => {
    const first = format(text);
    expect(first).toBe(`${formatted}\n`);
    expect(first.split("\n").every((line) => line.length <= 100)).toBe(true);
    expect(format(first)).toBe(first);
  });

  it("leaves the standard library and the examples as they are", () => {
    const root = new URL("../../", import.meta.url);
    const library = readdirSync(new URL("stdlib/", root)).map((f) => `stdlib/${f}`);
    const examples = readdirSync(new URL("examples/", root)).map((f) => `examples/${f}/model.ppl`);
    const files = [...library, ...examples].filter(
      (f) => f.endsWith(".ppl") && existsSync(new URL(f, root)),
    );
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const text = readFileSync(new URL(file, root), "utf8");
      expect({ file, text: format(text) }).toEqual({ file, text });
    }
  });

  it("splits joined statements that do not fit", () => {
    const statement = "a_long_name_of_a_site ~ Normal(another_long_name, 1)";
    expect(body(`${statement}; ${statement}`)).toBe(`${statement}\n${statement}`);
  });

  it("keeps comments inside a call, each in its place", () => {
    const text = "let a = f(\n  // one\n  x, // two\n  y /* three */\n  // four\n)";
    expect(body(text)).toBe(text);
  });

  it("gives the diagnostics of a text that does not parse", () => {
    const result = formatSource({ path: "p.ppl", text: "model" });
    expect("diagnostics" in result && result.diagnostics).toHaveLength(1);
  });

  it("an empty file stays empty", () => expect(format("\n\n")).toBe(""));
});
