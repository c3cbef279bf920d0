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
