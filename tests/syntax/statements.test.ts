import { describe, expect, it } from "vitest";
import { codes, dump, dumpStatements, parseGood, programs, statements } from "./helpers.js";

describe("statements", () => {
  it.each([
    ["x ~ Normal(0, 1)"],
    ["x[i, j] ~ D()"],
    ["x: ordered[K] ~ Normal(0, 10)"],
    ["x: between(0, 1)[N] ~ D() using gumbel(0.5)"],
    ["observe f(x) ~ D()"],
    ["let m = 3"],
    ["let m[i]: real = 3"],
    ["param w"],
    ["param w: real[D] = Normal(0, 1)"],
    ["param S[k]: cov[D]"],
    ["factor (-x)"],
    ["return 3"],
  ])("%s prints as itself", (text) => expect(dumpStatements(text)).toEqual([text]));

  it("reads bounded and unbounded `for`", () => {
    const [bounded, unbounded] = statements("for i in a..b { }\nfor k in 0.. { x[k] ~ D() }");
    expect(bounded).toMatchObject({ kind: "for", variable: { text: "i" }, to: { name: "b" } });
    expect(unbounded).toMatchObject({ kind: "for", from: { value: 0 }, to: undefined });
  });

  it("turns `else if` into a block of one `if`", () => {
    const [statement] = statements("if a { } else if b { } else { factor 1 }");
    expect(statement).toMatchObject({
      kind: "if",
      condition: { name: "a" },
      else: {
        kind: "block",
        statements: [
          { kind: "if", condition: { name: "b" }, else: { statements: [{ kind: "factor" }] } },
        ],
      },
    });
  });
});

describe("line ends", () => {
  it.each([
    ["after an operator", "let a = 1 +\n 2", "let a = (1 + 2)"],
    ["before an operator, `-` too", "let a = 1\n - 2\n + 3", "let a = ((1 - 2) + 3)"],
    ["in brackets", "let a = f(\n1,\n\n2\n)", "let a = f(1, 2)"],
    ["after `~` and before it", "x\n ~\n D()", "x ~ D()"],
    ["before a dot", "let a = D\n  .mean", "let a = D.mean"],
    ["around `then` and `else`", "let a = if b\nthen c\nelse d", "let a = (if b then c else d)"],
    ["before `using`", "x ~ D()\n  using reparam", "x ~ D() using reparam"],
    ["before the `~` of `observe`", "observe\n x ~ D()", "observe x ~ D()"],
    ["after the `:` of a type", "param x:\n real = 3", "param x: real = 3"],
  ])("continue a statement %s", (_, text, printed) =>
    expect(dumpStatements(text)).toEqual([printed]),
  );

  it.each([
    ["a line end", "a ~ D()\nb ~ D()"],
    ["`;`", "a ~ D(); b ~ D()"],
    ["both, repeated, with comments", "a ~ D();; // c\n\n /* d */ ; b ~ D();"],
    ["a carriage return", "a ~ D()\r\nb ~ D()\r"],
  ])("%s ends a statement", (_, text) =>
    expect(dumpStatements(text)).toEqual(["a ~ D()", "b ~ D()"]),
  );

  it("a line that begins with a bracket does not continue the one above", () => {
    expect(codes("model m() {\nlet a = f\n(x) ~ D()\n}")).toEqual(["not_a_target"]);
  });

  it("`else` and `{` may stand on a line of their own", () => {
    expect(dumpStatements("if a\n{\n}\n// why\nelse\n{\n factor 1 }")).toEqual([
      "if a",
      "else",
      "  factor 1",
    ]);
  });

  it("nothing is needed after a block", () => {
    expect(statements("for i in 0..1 { } for i in 0..2 { } x ~ D()")).toHaveLength(3);
  });

  it("a keyword after a dot is a name and ends a statement", () => {
    expect(dumpStatements("let a = x.in\nb ~ D()")).toHaveLength(2);
  });
});

describe("declarations", () => {
  it("reads every form", () => {
    const forms = programs().find((p) => p.name === "forms.ppl");
    expect(dump(forms?.text ?? "")).toMatchSnapshot();
  });

  it("reads several binders of a `for` as loops in one another", () => {
    const nested = dumpStatements("for i in 0..I { for j in i..J { x[i, j] ~ D() } }");
    expect(dumpStatements("for i in 0..I, j in i..J { x[i, j] ~ D() }")).toEqual(nested);
    const [outer] = statements("for i in 0..I, j in i.. { x[i, j] ~ D() }");
    const inner = outer.kind === "for" ? outer.body.statements[0] : outer;
    const text = inner.span.source.text.slice(inner.span.start, inner.span.end);
    expect(text).toBe("j in i.. { x[i, j] ~ D() }");
  });

  it("keeps doc comments of declarations and of functions in modules", () => {
    const file = parseGood(
      "/// far\n\n/// one\n///two\nmodel m() { }\n// no\nmodule d() {\n/// call\nfn call(x) = x\n}",
    );
    const module_ = file.decls[1];
    expect(file.decls.map((d) => d.doc)).toEqual(["one\ntwo", undefined]);
    expect(module_.kind === "module" && module_.fns[0].doc).toBe("call");
  });

  it("reads an empty file, a byte-order mark, and a file of comments", () => {
    for (const text of ["", "\n\n", "\ufeff// x", "/* a */ /// b"]) {
      expect(parseGood(text)).toMatchObject({ imports: [], decls: [] });
    }
  });

  it("`on` stays free as a name", () => {
    expect(dumpStatements("on ~ D(on: on)")).toEqual(["on ~ D(on: on)"]);
  });
});

describe("programs", () => {
  it.each(programs())("$name parses without a diagnostic", ({ text }) => {
    expect(parseGood(text).decls.length).toBeGreaterThan(4);
  });
});
