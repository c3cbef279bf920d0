/**
 * Makes brackets balance, so that everything after can trust them. What cannot stand inside `( )`
 * or `[ ]` (a `~`, a `}`, a `let` at the start of a line) shows that one was left open; a `}` that
 * stands further left than the line of its `{` shows which `{` was.
 */
import type { IToken, TokenType } from "../../grammar/chevrotain.js";
import * as t from "../../grammar/tokens.js";
import type { DiagnosticSink } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import type { Source } from "../base/span.js";
import { maxNesting } from "./limits.js";
import { tokenEnd, tokenSpan } from "./lower-context.js";
import { replaceToken } from "./tokenize.js";

interface Open {
  readonly token: IToken;
  /** Position in the output. */
  readonly at: number;
  /** Columns before the first token of the bracket's line. */
  readonly indent: number;
}

const closerOf = new Map<TokenType, TokenType>([
  [t.LParen, t.RParen],
  [t.LBracket, t.RBracket],
  [t.LBrace, t.RBrace],
]);
const closers: ReadonlySet<TokenType> = new Set(closerOf.values());

/** At the start of a line these begin a statement or declaration, whatever stands above. */
const statementWords: ReadonlySet<TokenType> = new Set([
  t.Let,
  t.Param,
  t.Observe,
  t.Factor,
  t.Return,
]);
const declarationWords: ReadonlySet<TokenType> = new Set([
  t.Model,
  t.Guide,
  t.Module,
  t.Objective,
  t.Dist,
  t.Import,
]);
const blockWords: ReadonlySet<TokenType> = new Set([t.For, t.If]);

/**
 * Returns the tokens with brackets balanced, and adds the offsets of what it reported to `reported`.
 * `undefined` where more brackets are open at once than `limits.ts` allows.
 */
export function balanceBrackets(
  source: Source,
  tokens: readonly IToken[],
  sink: DiagnosticSink,
  reported: number[],
): IToken[] | undefined {
  const out: IToken[] = [];
  const open: Open[] = [];
  /** Braces whose `}` stands further left than their own line: likely not the one meant. */
  const suspicious: Open[] = [];
  let lineAt = 0;

  const innermost = () => open.at(-1);
  const innermostType = () => innermost()?.token.tokenType ?? t.LBrace;

  /** Puts the missing closer of the innermost bracket at position `at` of the output. */
  const close = (position: number, report: boolean) => {
    const bracket = open.pop();
    if (bracket === undefined) return;
    let at = position;
    while (at > bracket.at + 1 && out[at - 1].tokenType === t.LineEnd) at--;
    const closer = closerOf.get(bracket.token.tokenType) ?? internalError("not a bracket");
    const previous = at > 0 ? out[at - 1] : bracket.token;
    const end = tokenEnd(previous);
    const text = closer.PATTERN;
    out.splice(at, 0, {
      image: typeof text === "string" ? text : "",
      startOffset: end,
      endOffset: end - 1,
      tokenType: closer,
      tokenTypeIdx: closer.tokenTypeIdx ?? 0,
    });
    reported.push(end);
    if (report) reportUnclosed(bracket.token);
  };
  const reportUnclosed = (token: IToken) => {
    const closer = closerOf.get(token.tokenType)?.PATTERN;
    const params = { open: token.image, close: typeof closer === "string" ? closer : "" };
    sink.report("unclosed_bracket", tokenSpan({ source }, token), params);
    reported.push(token.startOffset);
  };
  /** Closes all `(` and `[` above the innermost `{`; one report, at the outermost of them. */
  const closeToBrace = (at: number) => {
    while (innermostType() !== t.LBrace) {
      const last = open.at(-2)?.token.tokenType ?? t.LBrace;
      close(at, last === t.LBrace);
    }
  };
  /** The end of the line above where the bracket was opened there, else the end of the output. */
  const lineAboveOrHere = () => {
    const bracket = innermost();
    return bracket !== undefined && bracket.at < lineAt ? Math.max(lineAt - 1, 0) : out.length;
  };
  const closeAll = () => {
    closeToBrace(out.length);
    while (open.length > 0) {
      const bracket = open[open.length - 1];
      const index = suspicious.findIndex((s) => s.at > bracket.at);
      close(out.length, index < 0);
      if (index >= 0) reportUnclosed(suspicious.splice(index, 1)[0].token);
    }
    suspicious.length = 0;
  };

  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const type = token.tokenType;
    const first = i === 0 || tokens[i - 1].tokenType === t.LineEnd;
    if (first) lineAt = out.length;
    if (first && tokens[i + 1]?.tokenType !== t.Colon && open.length > 0) {
      if (statementWords.has(type) && innermostType() !== t.LBrace) closeToBrace(lineAboveOrHere());
      const isHead = declarationWords.has(type) && tokens[i + 1]?.tokenType === t.Identifier;
      if (isHead && indentOf(source.text, token.startOffset) <= open[0].indent) closeAll();
      lineAt = out.length;
    }
    if (innermostType() !== t.LBrace) {
      if (type === t.RBrace) closeToBrace(first ? lineAboveOrHere() : out.length);
      else if (type === t.Tilde) closeToBrace(lineAboveOrHere());
      else if (type === t.LBrace) {
        const startsBlock = lineAt < out.length && blockWords.has(out[lineAt].tokenType);
        closeToBrace(startsBlock ? lineAboveOrHere() : out.length);
      }
    }
    if (closerOf.has(type)) {
      const lineStart = out.length > lineAt ? out[lineAt] : token;
      if (open.length === maxNesting) {
        sink.report("nested_too_deeply", tokenSpan({ source }, token), { limit: maxNesting });
        return undefined;
      }
      open.push({ token, at: out.length, indent: indentOf(source.text, lineStart.startOffset) });
      out.push(token);
    } else if (closers.has(type)) {
      closeBy(token, first);
    } else out.push(token);
  }
  closeAll();
  return out;

  function closeBy(token: IToken, first: boolean): void {
    const bracket = innermost();
    const type = token.tokenType;
    const wanted = bracket === undefined ? undefined : closerOf.get(bracket.token.tokenType);
    if (bracket !== undefined && wanted === type) {
      if (type === t.RBrace && first && indentOf(source.text, token.startOffset) < bracket.indent) {
        suspicious.push(bracket);
      }
      open.pop();
      out.push(token);
      return;
    }
    const span = tokenSpan({ source }, token);
    if (bracket === undefined || bracket.token.tokenType === t.LBrace) {
      sink.report("unopened_bracket", span, { close: token.image });
      reported.push(token.startOffset);
      return;
    }
    const below = open.at(-2)?.token.tokenType ?? t.LBrace;
    if (closerOf.get(below) === type) {
      close(out.length, true);
      closeBy(token, first);
      return;
    }
    const closer = wanted ?? internalError("bracket without closer");
    const close_ = typeof closer.PATTERN === "string" ? closer.PATTERN : "";
    const params = { open: bracket.token.image, close: close_, found: token.image };
    sink.report("mismatched_bracket", span, params, [
      { span: tokenSpan({ source }, bracket.token), text: "opened here" },
    ]);
    reported.push(token.startOffset);
    open.pop();
    out.push(replaceToken(token, closer, close_));
  }
}

/** The number of characters between the start of the line and `offset`. */
function indentOf(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && text[start - 1] !== "\n" && text[start - 1] !== "\r") start--;
  return offset - start;
}
