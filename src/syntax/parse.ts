/** The syntax stage as one function: text → AST and diagnostics. */
import { layoutTokens } from "../../grammar/layout.js";
import { type Diagnostic, DiagnosticSink, diagnostic } from "../base/diagnostic.js";
import type { Source } from "../base/span.js";
import type { SourceFile } from "./ast.js";
import { balanceBrackets } from "./brackets.js";
import { checkDepth, checkFileSize, maxErrors } from "./limits.js";
import { lowerFile } from "./lower-declarations.js";
import { parseTokens } from "./recover.js";
import { tokenizeSource } from "./tokenize.js";

export interface ParseResult {
  /** What could be read; complete exactly when `diagnostics` holds no error. */
  readonly ast: SourceFile;
  /** In the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Parses one source. Never throws: every mistake becomes a diagnostic, several in one run, none
 * caused by another. A file beyond the bounds of `limits.ts` gives one diagnostic and an empty tree.
 */
export function parseSource(source: Source): ParseResult {
  const sink = new DiagnosticSink();
  const empty: SourceFile = {
    kind: "file",
    span: { source, start: 0, end: source.text.length },
    imports: [],
    decls: [],
  };
  if (!checkFileSize(source, sink)) return { ast: empty, diagnostics: sink.all };
  const lexed = tokenizeSource(source, sink);
  const reported = [...lexed.reported];
  const balanced = balanceBrackets(source, lexed.tokens, sink, reported);
  const tokens = balanced === undefined ? undefined : layoutTokens(balanced);
  if (tokens === undefined || !checkDepth(source, tokens, sink))
    return { ast: empty, diagnostics: limited(inOrder(sink.all)) };
  const cst = parseTokens(source, tokens, sink, reported);
  const parts = lowerFile({ source, sink, comments: lexed.comments }, cst);
  return { ast: { ...empty, ...parts }, diagnostics: limited(inOrder(sink.all)) };
}

function limited(diagnostics: Diagnostic[]): Diagnostic[] {
  const rest = diagnostics.find((d, i) => i >= maxErrors && d.code !== "too_many_errors");
  if (rest === undefined) return diagnostics;
  return [...diagnostics.slice(0, maxErrors), diagnostic("too_many_errors", rest.span, {})];
}

function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...diagnostics].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
}
