/** The syntax stage as one function: text → AST and diagnostics. */
import { tildeParser } from "../../grammar/parser.js";
import { layoutTokens } from "../../grammar/layout.js";
import type { FileCstNode } from "../../grammar/generated/cst.js";
import { type Diagnostic, DiagnosticSink } from "../base/diagnostic.js";
import type { Source } from "../base/span.js";
import type { SourceFile } from "./ast.js";
import { lowerFile } from "./lower-declarations.js";
import { tokenSpan } from "./lower-context.js";
import { tokenizeSource } from "./tokenize.js";

export interface ParseResult {
  /** What could be read; complete exactly when `diagnostics` holds no error. */
  readonly ast: SourceFile;
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses one source. Never throws; every mistake becomes a diagnostic. */
export function parseSource(source: Source): ParseResult {
  const sink = new DiagnosticSink();
  const { tokens, comments } = tokenizeSource(source, sink);
  const parser = tildeParser();
  parser.input = layoutTokens(tokens);
  const cst = parser.file() as FileCstNode;
  for (const e of parser.errors) {
    const at = Number.isNaN(e.token.startOffset)
      ? { source, start: source.text.length, end: source.text.length }
      : tokenSpan({ source }, e.token);
    sink.report("unexpected", at, { found: `\`${e.token.image}\``, wanted: "check the spelling" });
  }
  const span = { source, start: 0, end: source.text.length };
  if (parser.errors.length > 0) {
    return { ast: { kind: "file", span, imports: [], decls: [] }, diagnostics: sink.all };
  }
  const parts = lowerFile({ source, sink, comments }, cst);
  return { ast: { kind: "file", span, ...parts }, diagnostics: sink.all };
}
