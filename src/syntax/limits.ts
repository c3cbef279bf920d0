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
/**
 * Levels at which the grammar recurses: open brackets, and the `if` expressions, `else if`, lambdas
 * and further binders of a `for` around a place. The parser overflows Node's default stack (984 KB) at about 190 calls
 * within calls, its costliest level.
 */
export const maxNesting = 100;
/** Operations on one path from the root of a statement to a leaf. */
export const maxChain = 1000;
/** Errors reported for one file. */
export const maxErrors = 50;
/** Effort spent on finding further errors, in tokens copied. */
export const maxWork = 30_000_000;

const ends: ReadonlySet<TokenType> = new Set([t.Comma, t.Tilde, t.Equal]);

/** What stands in one open bracket so far. */
interface Level {
  chain: number;
  words: number;
  /** Loops that the binders before this block nest. */
  readonly loops: number;
  readonly isBlock: boolean;
}

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
  /** Operations and recursing words so far in each open bracket; their sums bound the depth. */
  const levels: Level[] = [{ chain: 0, words: 0, loops: 0, isBlock: true }];
  let chain = 0;
  let words = 0;
  let loops = 0;
  /** Binders of the last `for` statement's head so far. */
  let binders = 0;
  let previous: TokenType = t.Semicolon;
  for (const token of tokens) {
    const type = token.tokenType;
    const top = levels[levels.length - 1];
    if (isOpening(type)) {
      const isBlock = type === t.LBrace;
      const inner = isBlock ? Math.max(0, binders - 1) : 0;
      if (isBlock) binders = 0;
      loops += inner;
      levels.push({ chain: 0, words: 0, loops: inner, isBlock });
    } else if (isClosing(type)) {
      levels.pop();
      loops -= top.loops;
      chain += 1 - top.chain;
      words -= top.words;
      levels[levels.length - 1].chain++;
    } else if (ends.has(type) || isSeparator(type)) {
      chain -= top.chain;
      words -= top.words;
      top.chain = 0;
      top.words = 0;
    } else if (type === t.FatArrow || (type === t.If && !beginsStatement(previous))) {
      top.words++;
      words++;
    } else if (isOperation(type)) {
      top.chain++;
      chain++;
    }
    if (top.isBlock && type === t.For) binders = 0;
    else if (top.isBlock && type === t.In) binders++;
    if (levels.length - 1 + words + loops > maxNesting) {
      sink.report("nested_too_deeply", tokenSpan({ source }, token), { limit: maxNesting });
      return false;
    }
    if (chain > maxChain) {
      sink.report("expression_too_long", tokenSpan({ source }, token), { limit: maxChain });
      return false;
    }
    previous = type;
  }
  return true;
}

/** Whether the token after this one begins a statement: an `if` there opens a block. */
function beginsStatement(previous: TokenType): boolean {
  return isSeparator(previous) || previous === t.LBrace || previous === t.RBrace;
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
    type === t.Dot || type === t.Bang || (type.CATEGORIES?.includes(t.BinaryOperator) ?? false)
  );
}
