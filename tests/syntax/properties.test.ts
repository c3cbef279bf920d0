import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderDiagnostics } from "../../src/base/render.js";
import { astEquals } from "../../src/syntax/ast-equals.js";
import { formatSource } from "../../src/syntax/format.js";
import { parseSource } from "../../src/syntax/parse.js";
import { printExpr } from "../../src/syntax/print-ast.js";
import { mutated, program, tokenSoup } from "./arbitrary.js";
import { dumpExpr, parseGood, programs, statements } from "./helpers.js";

const source = (text: string) => ({ path: "p.ppl", text });

/** Formats text that must parse. */
function format(text: string): string {
  const result = formatSource(source(text));
  if (!("text" in result)) throw new Error(renderDiagnostics(result.diagnostics));
  return result.text;
}

function checkFormat(text: string): void {
  const once = format(text);
  expect(astEquals(parseGood(text), parseGood(once))).toBe(true);
  expect(format(once)).toBe(once);
  const count = (t: string) => t.match(/\/\/ \w|\/\*/g)?.length ?? 0;
  expect(count(once)).toBe(count(text));
  expect(once).not.toMatch(/[ \t]\n/);
}

describe("formatting", () => {
  it.each(programs())("keeps the meaning of $name and is idempotent", ({ text }) => {
    checkFormat(text);
  });

  it("keeps meaning and comments of random programs and is idempotent", () => {
    fc.assert(fc.property(program, checkFormat), { seed: 1, numRuns: 120 });
  });
});

describe("parsing", () => {
  it("random right programs give no diagnostic", () => {
    fc.assert(
      fc.property(program, (text) => {
        parseGood(text);
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  it("printed expressions parse back to equal trees", () => {
    fc.assert(
      fc.property(program, (text) => {
        for (const decl of parseGood(text).decls) {
          if (decl.kind !== "fn" || decl.body.kind === "block") continue;
          const [again] = statements(`let a = ${printExpr(decl.body)}`);
          expect(again.kind === "let" && astEquals(again.value, decl.body)).toBe(true);
        }
      }),
      { seed: 3, numRuns: 100 },
    );
    expect(dumpExpr("1")).toBe("1");
  });

  /** Every diagnostic must lie in the text and render; a broken text must have one. */
  function checkAny(text: string): void {
    const { diagnostics } = parseSource(source(text));
    for (const d of diagnostics) {
      expect(d.span).toBeDefined();
      expect(d.span!.start).toBeLessThanOrEqual(d.span!.end);
      expect(d.span!.end).toBeLessThanOrEqual(text.length);
    }
    renderDiagnostics(diagnostics);
    if (diagnostics.length === 0) checkFormat(text);
  }

  it("token soup never throws, and parses only if it formats to the same tree", () => {
    fc.assert(fc.property(tokenSoup, checkAny), { seed: 4, numRuns: 600 });
  });

  it("mutated programs never throw", () => {
    fc.assert(fc.property(mutated, checkAny), { seed: 5, numRuns: 300 });
  });

  it("arbitrary text never throws", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        parseSource(source(text));
      }),
      { seed: 6, numRuns: 150 },
    );
  });
});
