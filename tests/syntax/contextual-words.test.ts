/** Words that begin declarations are free as names where no declaration can begin. */
import { describe, expect, test } from "vitest";
import { parseSource } from "../../src/syntax/parse.js";

const codes = (text: string) => parseSource({ path: "t.ppl", text }).diagnostics.map((d) => d.code);

describe("declaration words as names", () => {
  test.each([
    "model m(dist: real[3], guide: int) { module ~ Normal(mean(dist), 1) }",
    "model m() {\n  dist ~ Normal(0, 1)\n  let model = dist + 1\n  y ~ Normal(model, 1)\n}",
    "model m(N: int) {\n  for i in 0..N {\n    dist[i] ~ Normal(0, 1)\n  }\n}",
    "model m(import: real) { x ~ Normal(import, 1); observe import ~ Normal(x, 1) }",
    "fn f(objective: real) = objective^2",
  ])("%s", (text) => expect(codes(text)).toEqual([]));

  test("a declaration after a line end or a brace is still one", () => {
    const text =
      "model a() { x ~ Normal(0, 1) } model b() { x ~ Normal(0, 1) }\nguide g() for a { }";
    const { ast, diagnostics } = parseSource({ path: "t.ppl", text });
    expect(diagnostics).toEqual([]);
    expect(ast.decls.map((d) => d.kind)).toEqual(["model", "model", "guide"]);
  });

  test("a declaration that lacks its name is told as such", () => {
    expect(codes("model (N: int) { x ~ Normal(0, 1) }")).toEqual(["missing_name"]);
  });
});
