/** A failed parse, as the rules of `explain-*.ts` look at it. */
import type { IToken, TokenType } from "../../grammar/chevrotain.js";
import * as t from "../../grammar/tokens.js";
import type { DiagnosticSink } from "../base/diagnostic.js";
import type { Source, Span } from "../base/span.js";
import { spanAt, tokenEnd, tokenSpan } from "./lower-context.js";
import { isWord } from "./tokenize.js";

/** What surrounds a chunk: the top level, a block of statements, or the members of a `dist`. */
export type Surrounding = "file" | "block" | "dist";

/** The part of the token list that one error concerns. */
export interface Chunk {
  /** A statement, or the head of one that has a block: `[start, end)`. */
  readonly start: number;
  readonly end: number;
  readonly surrounding: Surrounding;
}

export interface ParseFailure {
  /** Position of the offending token; the list's length at the end of the text. */
  readonly at: number;
  /** Names of the token types that could have stood there. */
  readonly expected: readonly string[];
  /** The grammar's rules that were at work, innermost last. */
  readonly rules: readonly string[];
}

export interface FailedParse extends Chunk, ParseFailure {
  readonly source: Source;
  readonly tokens: readonly IToken[];
}

/** The failed statement, with what the rules ask of it. Positions count from its first token. */
export class Failure {
  readonly source: Source;
  /** The statement's tokens up to its end or its `{`. */
  readonly tokens: readonly IToken[];
  /** Position of the offending token in `tokens`; may be their number. */
  readonly at: number;
  readonly expected: ReadonlySet<string>;
  readonly rules: readonly string[];
  readonly surrounding: Chunk["surrounding"];
  /** The token that the parser stopped at, `undefined` at the end of the text. */
  readonly found: IToken | undefined;
  /** Where the statement continues with a block: its `{`. */
  readonly brace: IToken | undefined;
  readonly #previous: IToken | undefined;

  constructor(failed: FailedParse) {
    this.source = failed.source;
    this.tokens = failed.tokens.slice(failed.start, failed.end);
    this.at = failed.at - failed.start;
    this.expected = new Set(failed.expected);
    this.rules = failed.rules;
    this.surrounding = failed.surrounding;
    this.found = failed.tokens[failed.at];
    const next = failed.tokens[failed.end];
    this.brace = next?.tokenType === t.LBrace ? next : undefined;
    this.#previous = failed.tokens[failed.at - 1];
  }

  /** The last token before the error that the statement has, for "missing after it". */
  get beforeSpan(): Span {
    return this.#previous === undefined ? this.foundSpan : tokenSpan(this, this.#previous);
  }
  type(i: number): TokenType | undefined {
    return this.tokens[i]?.tokenType;
  }
  image(i: number): string {
    return this.tokens[i]?.image ?? "";
  }
  /** The source text of the tokens `[from, to)`. */
  text(from: number, to: number): string {
    if (to <= from || from >= this.tokens.length) return "";
    const last = this.tokens[Math.min(to, this.tokens.length) - 1];
    return this.source.text.slice(this.tokens[from].startOffset, tokenEnd(last));
  }
  span(i: number): Span {
    const token = this.tokens[i];
    return token === undefined ? this.foundSpan : tokenSpan(this, token);
  }
  /** The span of the tokens `[from, to)`. */
  range(from: number, to: number): Span {
    const last = this.tokens[Math.min(to, this.tokens.length) - 1];
    return spanAt(this, this.span(from).start, tokenEnd(last));
  }
  /** The offending token; at a line's or the text's end, the place after the token before. */
  get foundSpan(): Span {
    const visible = this.found !== undefined && this.found.tokenType !== t.LineEnd;
    if (visible) return tokenSpan(this, this.found);
    const end = this.#previous === undefined ? 0 : tokenEnd(this.#previous);
    return spanAt(this, end, end);
  }
  /** The first position of a token type outside brackets, or −1. */
  find(type: TokenType, from = 0): number {
    let depth = 0;
    for (let i = 0; i < this.tokens.length; i++) {
      const x = this.tokens[i].tokenType;
      if (x === t.RParen || x === t.RBracket) depth--;
      if (i >= from && depth === 0 && x === type) return i;
      if (x === t.LParen || x === t.LBracket || x === t.LambdaParen) depth++;
    }
    return -1;
  }
  /** The position just after the bracket that opens at `i`, or `i` where none does. */
  afterBracket(i: number): number {
    let depth = 0;
    for (let j = i; j < this.tokens.length; j++) {
      const x = this.tokens[j].tokenType;
      if (x === t.LParen || x === t.LBracket || x === t.LambdaParen) depth++;
      else if (x === t.RParen || x === t.RBracket) depth--;
      if (depth === 0) return depth === 0 && j === i ? i : j + 1;
    }
    return i;
  }
  /** The position of the bracket that closes at `i`. */
  openingOf(i: number): number {
    let depth = 0;
    for (let j = i; j >= 0; j--) {
      const x = this.tokens[j].tokenType;
      if (x === t.RParen || x === t.RBracket) depth++;
      else if (x === t.LParen || x === t.LBracket || x === t.LambdaParen) depth--;
      if (depth === 0) return j;
    }
    return i;
  }
  isKeyword(i: number): boolean {
    return this.type(i)?.CATEGORIES?.includes(t.Keyword) ?? false;
  }
  /** Whether the statement breaks off where something was still to come. */
  get endsEarly(): boolean {
    return this.at >= this.tokens.length;
  }
}

/** One kind of mistake: reports it and returns true, or returns false. */
export type Rule = (f: Failure, sink: DiagnosticSink) => boolean;

/** The words a statement can begin with, for "did you mean". */
export const statementWords = ["let", "param", "observe", "factor", "for", "if", "return"];
/** The words a declaration can begin with. */
export const declarationWords = ["model", "guide", "fn", "module", "objective", "dist", "import"];

/** Whether the token at `i` is spelled like a name. */
export function isWordAt(f: Failure, i: number): boolean {
  const token = f.tokens[i];
  return token !== undefined && isWord(token);
}
