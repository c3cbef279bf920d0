/**
 * Parsing on after an error. The brackets balance and line ends are known, so the statement that
 * holds the error is known too: it is explained, cut out, and the rest is parsed again. Statements
 * of a broken block head (`for (i in 1:N) { … }`) stay, so that their own errors are found; a broken
 * declaration head is replaced by an empty one for the same reason. So every parse tree that leaves
 * this file is complete, and one mistake is one report.
 */
import type { IToken, TokenType } from "../../grammar/chevrotain.js";
import type { ExpectedTokens } from "../../grammar/expected-tokens.js";
import type { FileCstNode } from "../../grammar/generated/cst.js";
import { tildeParser } from "../../grammar/parser.js";
import * as t from "../../grammar/tokens.js";
import type { DiagnosticSink } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import type { Source } from "../base/span.js";
import { explain } from "./explain.js";
import type { Chunk, ParseFailure } from "./failure.js";
import { maxErrors, maxWork } from "./limits.js";
import { tokenEnd, tokenSpan } from "./lower-context.js";

/** Parses tokens whose brackets balance. `reported` holds the offsets of earlier diagnostics. */
export function parseTokens(
  source: Source,
  tokens: readonly IToken[],
  sink: DiagnosticSink,
  reported: readonly number[],
): FileCstNode {
  const whole = tryParse(tokens);
  if ("cst" in whole) return whole.cst;
  const sorted = [...reported].sort((a, b) => a - b);
  const healed: IToken[] = [];
  let attempts = 0;
  let work = 0;
  /** An `if` without braces was cut: its `else` says nothing new. */
  let elseIsKnown = false;
  for (const segment of segments(tokens)) {
    let rest: readonly IToken[] = segment;
    for (;;) {
      const result = tryParse(rest);
      if ("cst" in result) break;
      // Reading a token costs about ten times what copying it does.
      work += 10 * result.at + rest.length;
      attempts++;
      if (attempts > maxErrors || work > maxWork) {
        const stop = rest[Math.min(result.at, rest.length - 1)];
        sink.report("too_many_errors", tokenSpan({ source }, stop), {});
        return reparse(healed);
      }
      const chunk = findChunk(rest, result.at);
      const isKnown = elseIsKnown && rest[result.at]?.tokenType === t.Else;
      if (!isKnown && !containsReported(rest, chunk, sorted)) {
        explain({ source, tokens: rest, ...result, ...chunk }, sink);
      }
      const opensBlock = rest[chunk.end]?.tokenType === t.LBrace;
      elseIsKnown = rest[chunk.start]?.tokenType === t.If && !opensBlock;
      rest = cutOut(rest, chunk);
    }
    healed.push(...rest);
  }
  return reparse(healed);
}

function reparse(healed: readonly IToken[]): FileCstNode {
  const result = tryParse(healed);
  return "cst" in result ? result.cst : internalError("parts parse but their whole does not");
}

function tryParse(tokens: readonly IToken[]): { cst: FileCstNode } | ParseFailure {
  const parser = tildeParser();
  parser.input = [...tokens];
  // The rule's name fixes the node's type; the generated types say the same.
  const cst = parser.file() as FileCstNode;
  const error = parser.errors.at(0);
  if (error === undefined) return { cst };
  const at = tokens.indexOf(error.token);
  const { expected } = JSON.parse(error.message) as ExpectedTokens;
  return { at: at < 0 ? tokens.length : at, expected, rules: error.context.ruleStack };
}

/** Top-level pieces: each ends at a separator outside all brackets, or after a `}` there. */
function* segments(tokens: readonly IToken[]): Generator<readonly IToken[]> {
  let start = 0;
  let depth = 0;
  for (let i = 0; i < tokens.length; i++) {
    const type = tokens[i].tokenType;
    if (opens(type)) depth++;
    else if (closes(type)) depth--;
    if (depth === 0 && (isSeparator(type) || type === t.RBrace)) {
      yield tokens.slice(start, i + 1);
      start = i + 1;
    }
  }
  if (start < tokens.length) yield tokens.slice(start);
}

/** The statement (or head) around the token at `at`. */
export function findChunk(tokens: readonly IToken[], at: number): Chunk {
  /** Starts of the statement in each open brace, and the brace's own position. */
  const blocks: { start: number; dist: boolean }[] = [{ start: 0, dist: false }];
  let parens = 0;
  for (let i = 0; i < at; i++) {
    const type = tokens[i].tokenType;
    const block = blocks[blocks.length - 1];
    if (type === t.LBrace) {
      const dist = blocks.length === 1 && tokens[block.start].tokenType === t.Dist;
      blocks.push({ start: i + 1, dist });
    } else if (type === t.RBrace) {
      blocks.pop();
      blocks[blocks.length - 1].start = i + 1;
    } else if (opens(type)) parens++;
    else if (closes(type)) parens--;
    else if (parens === 0 && isSeparator(type)) block.start = i + 1;
  }
  const { start, dist } = blocks[blocks.length - 1];
  const surrounding = blocks.length === 1 ? "file" : dist ? "dist" : "block";
  let end = at;
  for (; end < tokens.length; end++) {
    const type = tokens[end].tokenType;
    if (type === t.LBrace || type === t.RBrace) break;
    if (opens(type)) parens++;
    else if (closes(type)) parens--;
    else if (parens <= 0 && isSeparator(type)) break;
  }
  return { start, end, surrounding };
}

function containsReported(
  tokens: readonly IToken[],
  chunk: Chunk,
  sorted: readonly number[],
): boolean {
  if (chunk.start >= tokens.length) return sorted.length > 0;
  const from = tokens[chunk.start].startOffset;
  const to = tokenEnd(tokens[Math.min(Math.max(chunk.end, chunk.start + 1), tokens.length) - 1]);
  return sorted.some((offset) => offset >= from && offset <= to);
}

/** The tokens without the chunk; see the top of this file for what stays. */
function cutOut(tokens: readonly IToken[], chunk: Chunk): readonly IToken[] {
  const { start, end, surrounding } = chunk;
  const hasBlock = end < tokens.length && tokens[end].tokenType === t.LBrace;
  if (!hasBlock) return cut(tokens, start, Math.max(end, start + 1));
  const close = matchingBrace(tokens, end);
  if (surrounding !== "block") {
    const head = surrounding === "file" ? emptyHead(tokens[start]) : undefined;
    // A head that was empty already cannot be the error; then the whole declaration goes.
    const isNew = head !== undefined && end - start !== head.length;
    return isNew
      ? [...tokens.slice(0, start), ...head, ...tokens.slice(end)]
      : cut(tokens, start, close + 1);
  }
  const keep = !tokens.slice(start, end).some((token) => isDefinition(token.tokenType));
  const drop = new Set<number>();
  const dropBlock = (open: number, to: number) => {
    for (let i = open; !keep && i < to; i++) drop.add(i);
  };
  dropBlock(end, close);
  for (let i = start; i <= end; i++) drop.add(i);
  const ended = new Set([close]);
  // The branches of an `if` whose head is gone stay as plain statements.
  let next = close + 1;
  while (next < tokens.length && tokens[next].tokenType === t.Else) {
    drop.add(next);
    if (tokens[next + 1]?.tokenType !== t.LBrace) break;
    drop.add(next + 1);
    const last = matchingBrace(tokens, next + 1);
    ended.add(last);
    dropBlock(next + 1, last);
    next = last + 1;
  }
  return tokens.flatMap((token, i) =>
    drop.has(i) ? [] : [ended.has(i) ? separatorAt(token) : token],
  );
}

/** Leaves a separator in the place of what is cut, so that the neighbours stay apart. */
function cut(tokens: readonly IToken[], start: number, end: number): readonly IToken[] {
  const at = tokens[Math.min(start, tokens.length - 1)];
  return [...tokens.slice(0, start), separatorAt(at), ...tokens.slice(end)];
}

function matchingBrace(tokens: readonly IToken[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i].tokenType === t.LBrace) depth++;
    else if (tokens[i].tokenType === t.RBrace && --depth === 0) return i;
  }
  return internalError("braces do not balance");
}

/** `model _()` in the place of a broken head, or `undefined` where no declaration begins. */
function emptyHead(first: IToken): readonly IToken[] | undefined {
  const token = (type: TokenType, image: string): IToken => ({
    image,
    startOffset: first.startOffset,
    endOffset: first.endOffset,
    tokenType: type,
    tokenTypeIdx: type.tokenTypeIdx ?? 0,
  });
  const name = token(t.Identifier, "_");
  const head = [first, name, token(t.LParen, "("), token(t.RParen, ")")];
  switch (first.tokenType) {
    case t.Model:
    case t.Objective:
    case t.Module:
    case t.Fn:
      return head;
    case t.Guide:
      return [...head, token(t.For, "for"), name];
    case t.Dist:
      return [...head, token(t.On, "on"), name];
    default:
      return undefined;
  }
}

/** What shows that a brace after it is meant as part of a value, as in `let a = if c { 1 }`. */
function isDefinition(type: TokenType): boolean {
  return type === t.Let || type === t.Tilde || type === t.Param || type === t.Return;
}

function separatorAt(token: IToken): IToken {
  const tokenTypeIdx = t.Semicolon.tokenTypeIdx ?? 0;
  return { ...token, image: ";", tokenType: t.Semicolon, tokenTypeIdx };
}
function isSeparator(type: TokenType): boolean {
  return type === t.LineEnd || type === t.Semicolon;
}
function opens(type: TokenType): boolean {
  return type === t.LParen || type === t.LambdaParen || type === t.LBracket || type === t.LBrace;
}
function closes(type: TokenType): boolean {
  return type === t.RParen || type === t.RBracket || type === t.RBrace;
}
