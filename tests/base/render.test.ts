import { describe, expect, it } from "vitest";
import { type Diagnostic, diagnostic } from "../../src/base/diagnostic.js";
import { diagnosticToJson, renderDiagnostic, renderDiagnostics } from "../../src/base/render.js";

/** A diagnostic at the only occurrence of `part` in `text`. */
function at(text: string, part: string, offset = 0): Diagnostic {
  const start = text.indexOf(part) + offset;
  const span = { source: { path: "a.ppl", text }, start, end: start + part.length };
  return diagnostic("hash_comment", span, {});
}

/** The lines that show the source. */
function shown(d: Diagnostic): string[] {
  return renderDiagnostic(d)
    .split("\n")
    .filter((line) => line.includes(" |"));
}

describe("renderDiagnostic", () => {
  it("shows control characters of the source as one mark each, so that none reach a terminal", () => {
    const lines = shown(at("let a = \u001b[31m\u0007 <- 2\n", "<-"));
    expect(lines).toEqual(["  1 | let a = \ufffd[31m\ufffd <- 2", `    | ${" ".repeat(15)}^~`]);
  });

  it("cuts a message that names megabytes of text", () => {
    const d: Diagnostic = { ...at("b <- 2", "<-"), message: "x".repeat(3_000_000) };
    expect(renderDiagnostic(d).length).toBeLessThan(2000);
  });

  it("shows place, message, line, underline and help", () => {
    expect(renderDiagnostic(at("let a = 1\n  b <- 2\n", "<-"))).toBe(
      [
        "a.ppl:2:5: error: `#` does not begin a comment in Tilde",
        "  2 |   b <- 2",
        "    |     ^~",
        "  help: begin comments with `//`",
      ].join("\n"),
    );
  });

  it("copies tabs, so that the mark stays below its text", () => {
    expect(shown(at("\tx\t+ yy", "yy"))).toEqual([
      "  1 | \tx\t+ yy",
      "    |  \t   ^~".replace("|  \t   ", "| \t \t  "),
    ]);
  });

  it("counts wide characters as two columns and combining marks as none", () => {
    expect(shown(at("名前 + x", "x"))[1]).toBe("    |        ^");
    expect(shown(at("e\u0301 + x", "x"))[1]).toBe("    |     ^");
    expect(shown(at("😀 + yy", "yy"))[1]).toBe("    |      ^~");
    expect(shown(at("a 名前", "名前"))[1]).toBe("    |   ^~~~");
  });

  it("marks the end of the text, also of an empty one", () => {
    const end = (text: string) => {
      const span = { source: { path: "a.ppl", text }, start: text.length, end: text.length };
      return renderDiagnostic(diagnostic("open_comment", span, {}))
        .split("\n")
        .slice(0, 3);
    };
    expect(end("x ~")).toEqual([
      "a.ppl:1:4: error: this comment is never closed",
      "  1 | x ~",
      "    |    ^",
    ]);
    expect(end("x\n").slice(1)).toEqual(["  2 |", "    | ^"]);
    expect(end("").slice(1)).toEqual(["  1 |", "    | ^"]);
  });

  it("underlines each line of a span of several lines, without the indent", () => {
    expect(shown(at("a (b\n   c\n\td) e", "(b\n   c\n\td)"))).toEqual([
      "  1 | a (b",
      "    |   ^~",
      "  2 |    c",
      "    |    ~",
      "  3 | \td) e",
      "    | \t~~",
    ]);
  });

  it("leaves out what is beyond four lines", () => {
    const text = "(\n1\n2\n3\n4\n5\n)";
    const lines = shown(at(text, text));
    expect(lines).toHaveLength(9);
    expect(lines.at(-1)).toBe("    | …");
  });

  it("cuts a long line around the span", () => {
    const text = `${"a".repeat(500)} # ${"b".repeat(500)}`;
    const [line, marks] = shown(at(text, "#"));
    expect(line.length).toBeLessThan(180);
    expect(line[marks.indexOf("^")]).toBe("#");
    expect(line).toMatch(/\| …a+ # b+…$/);
  });

  it("reads all three kinds of line end", () => {
    expect(renderDiagnostic(at("a\rb\r\nc #", "#"))).toContain("a.ppl:3:3:");
  });

  it("shows a note with its own lines", () => {
    const text = "f(\n]";
    const source = { path: "a.ppl", text };
    const params = { open: "(", close: ")", found: "]" };
    const d = diagnostic("mismatched_bracket", { source, start: 3, end: 4 }, params, [
      { span: { source, start: 1, end: 2 }, text: "opened here" },
      { text: "no place" },
    ]);
    expect(renderDiagnostic(d).split("\n").slice(4)).toEqual([
      "  note: a.ppl:1:2: opened here",
      "  1 | f(",
      "    |  ^",
      "  note: no place",
    ]);
  });

  it("shows a diagnostic without a place", () => {
    expect(renderDiagnostic(diagnostic("hash_comment", undefined, {})).split("\n")[0]).toBe(
      "error: `#` does not begin a comment in Tilde",
    );
  });

  it("colours only on request", () => {
    const d = at("# x", "#");
    const plain = renderDiagnostic(d);
    const colored = renderDiagnostic(d, { color: true });
    expect(plain).not.toContain("\u001b");
    expect(colored).toContain("\u001b[1;31merror:");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape is what is stripped
    expect(colored.replace(/\u001b\[[\d;]*m/g, "")).toBe(plain);
  });
});

describe("renderDiagnostics", () => {
  it("sorts by position within a file and keeps equal places in order", () => {
    const text = "# a # b";
    const source = { path: "a.ppl", text };
    const place = { source, start: 0, end: 1 };
    const list = [at(text, "b"), diagnostic("open_comment", place, {}), at(text, "#")];
    const heads = renderDiagnostics(list)
      .split("\n\n")
      .map((d) => d.split("\n")[0]);
    expect(heads).toEqual([
      "a.ppl:1:1: error: this comment is never closed",
      "a.ppl:1:1: error: `#` does not begin a comment in Tilde",
      "a.ppl:1:7: error: `#` does not begin a comment in Tilde",
    ]);
  });
});

describe("diagnosticToJson", () => {
  it("gives file, lines and columns from 1, the end exclusive", () => {
    expect(diagnosticToJson(at("a\n b (c\n)", "(c\n)"))).toEqual({
      file: "a.ppl",
      line: 2,
      column: 4,
      endLine: 3,
      endColumn: 2,
      code: "hash_comment",
      severity: "error",
      message: "`#` does not begin a comment in Tilde",
      help: "begin comments with `//`",
      notes: [],
    });
  });

  it("leaves out what is unknown", () => {
    const d: Diagnostic = { code: "open_comment", severity: "error", message: "m", notes: [] };
    expect(diagnosticToJson(d)).toEqual({
      code: "open_comment",
      severity: "error",
      message: "m",
      notes: [],
    });
  });
});
