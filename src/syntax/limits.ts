/**
 * Bounds on size and depth, checked before anything recurses over the text, so that no input can
 * exhaust the stack: neither the parser's, nor that of later passes over the tree.
 */
import type { IToken, TokenType } from "../../grammar/chevrotain.js";
import * as t from "../../grammar/tokens.js";
import type { DiagnosticSink } from "../base/diagnostic.js";
import type { Source } from "../base/span.js";
import { tokenSpan } from "./lower-context.js";

/** Characters of one file. */
export const maxFileSize = 4 * 1024 * 1024;
/** Brackets open at once. */
export const maxBracketDepth = 200;
/** Operations on one path from the root of a statement to a leaf. */
export const maxChain = 1000;
/** Errors reported for one file. */
export const maxErrors = 50;

/** Words and arrows through which the grammar itself recurses: `if … else if …`, `x => y => …`. */
const heavy: ReadonlySet<TokenType> = new Set([t.If, t.FatArrow]);
const heavyWeight = maxChain / maxBracketDepth;
const ends: ReadonlySet<TokenType> = new Set([t.Comma, t.Tilde, t.Equal]);

export function checkFileSize(source: Source, sink: DiagnosticSink): boolean {
  if (source.text.length <= maxFileSize) return true;
  const params = { size: source.text.length, limit: maxFileSize };
  sink.report("file_too_large", { source, start: 0, end: 0 }, params);
  return false;
}

/** Whether the tokens, brackets balanced and laid out, stay within the bounds; else one report. */
export function checkDepth(
  source: Source,
  tokens: readonly IToken[],
  sink: DiagnosticSink,
): boolean {
  /** Operations so far in each open bracket; their sum bounds the depth of the tree. */
  const levels: number[] = [0];
  let total = 0;
  for (const token of tokens) {
    const type = token.tokenType;
    const top = levels.length - 1;
    if (isOpening(type)) {
      levels.push(0);
      if (levels.length > maxBracketDepth + 1) {
        const span = tokenSpan({ source }, token);
        sink.report("nested_too_deeply", span, { limit: maxBracketDepth });
        return false;
      }
    } else if (isClosing(type)) {
      total -= levels.pop() ?? 0;
      levels[levels.length - 1]++;
      total++;
    } else if (ends.has(type) || isSeparator(type)) {
      total -= levels[top];
      levels[top] = 0;
    } else if (isOperation(type)) {
      const weight = heavy.has(type) ? heavyWeight : 1;
      levels[top] += weight;
      total += weight;
    }
    if (total > maxChain) {
      sink.report("expression_too_long", tokenSpan({ source }, token), { limit: maxChain });
      return false;
    }
  }
  return true;
}

function isOpening(type: TokenType): boolean {
  return type === t.LParen || type === t.LambdaParen || type === t.LBracket || type === t.LBrace;
}
function isClosing(type: TokenType): boolean {
  return type === t.RParen || type === t.RBracket || type === t.RBrace;
}
function isSeparator(type: TokenType): boolean {
  return type === t.LineEnd || type === t.Semicolon;
}
function isOperation(type: TokenType): boolean {
  return (
    type === t.Dot ||
    type === t.Bang ||
    heavy.has(type) ||
    (type.CATEGORIES?.includes(t.BinaryOperator) ?? false)
  );
}
