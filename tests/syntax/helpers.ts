import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { renderDiagnostics } from "../../src/base/render.js";
import type { SourceFile, Stmt } from "../../src/syntax/ast.js";
import { parseSource } from "../../src/syntax/parse.js";
import { printAst } from "../../src/syntax/print-ast.js";

/** Parses text that must be right; fails with the rendered diagnostics otherwise. */
export function parseGood(text: string): SourceFile {
  const { ast, diagnostics } = parseSource({ path: "test.ppl", text });
  expect(renderDiagnostics(diagnostics)).toBe("");
  return ast;
}

/** The dump of a right program. */
export function dump(text: string): string {
  return printAst(parseGood(text)).trimEnd();
}

/** The statements of a model whose body is `text`. */
export function statements(text: string): readonly Stmt[] {
  const [decl] = parseGood(`model m() {\n${text}\n}`).decls;
  if (decl.kind !== "model") throw new Error("not a model");
  return decl.body.statements;
}

/** The dump of statements, without the indent. */
export function dumpStatements(text: string): string[] {
  return dump(`model m() {\n${text}\n}`)
    .split("\n")
    .slice(1)
    .map((line) => line.slice(2));
}

/** The dump of one expression: every operation in parentheses. */
export function dumpExpr(text: string): string {
  return dumpStatements(`let a = ${text}`).join("\n").replace("let a = ", "");
}

/** Codes of the diagnostics of a text. */
export function codes(text: string): string[] {
  return parseSource({ path: "test.ppl", text }).diagnostics.map((d) => d.code);
}

/** The sample programs, by file name. */
export function programs(): { name: string; text: string }[] {
  const folder = join(import.meta.dirname, "programs");
  return readdirSync(folder).map((name) => ({
    name,
    text: readFileSync(join(folder, name), "utf8"),
  }));
}
