/**
 * Text → tokens. Mistakes of spelling (a `'` string, `**`, `.5`, an unfinished comment) are reported
 * here and the token that was meant takes their place, so that the parser sees only the language's
 * own tokens and says nothing more about them.
 */
import type { IToken, TokenType } from "../../grammar/chevrotain.js";
import { tildeLexer } from "../../grammar/lexer.js";
import * as t from "../../grammar/tokens.js";
import type { DiagnosticSink } from "../base/diagnostic.js";
import type { Source } from "../base/span.js";
import { releaseWords } from "./contextual-words.js";
import { spanAt, tokenEnd, tokenSpan } from "./lower-context.js";
import { readString, writeString } from "./string-literal.js";

export interface TokenizedSource {
  /** Line ends included; comments not. */
  readonly tokens: readonly IToken[];
  readonly comments: readonly IToken[];
  /** Offsets of reported mistakes: a parse error in the same statement would only repeat them. */
  readonly reported: readonly number[];
}

/** Splits text into tokens; every spelling mistake becomes a diagnostic in `sink`. Never throws. */
export function tokenizeSource(source: Source, sink: DiagnosticSink): TokenizedSource {
  const lexed = tildeLexer().tokenize(source.text);
  const repair = new Repair(source, sink);
  let error = 0;
  for (const token of lexed.tokens) {
    // The lexer's cheapest mode gives starts only; syntax nodes take their ends from this.
    token.endOffset = token.startOffset + token.image.length - 1;
    for (; error < lexed.errors.length && lexed.errors[error].offset < token.startOffset; error++) {
      repair.unknownCharacters(lexed.errors[error].offset, lexed.errors[error].length);
    }
    repair.add(token);
    if (token.tokenType === t.OpenComment) {
      const comments = lexed.groups.comments.filter((c) => c.startOffset < token.startOffset);
      return { tokens: releaseWords(repair.tokens), comments, reported: repair.reported };
    }
  }
  for (; error < lexed.errors.length; error++) {
    repair.unknownCharacters(lexed.errors[error].offset, lexed.errors[error].length);
  }
  const { comments } = lexed.groups;
  return { tokens: releaseWords(repair.tokens), comments, reported: repair.reported };
}

/** A token of another type at the place of `token`. */
export function replaceToken(token: IToken, tokenType: TokenType, image = token.image): IToken {
  return { ...token, tokenType, tokenTypeIdx: tokenType.tokenTypeIdx ?? 0, image };
}

/** Characters that look like an operator, as word processors and Unicode keyboards produce them. */
const lookalikes = new Map<string, { type: TokenType; text: string }>([
  ["≤", { type: t.LessEqual, text: "<=" }],
  ["≥", { type: t.GreaterEqual, text: ">=" }],
  ["≠", { type: t.NotEqual, text: "!=" }],
  ["×", { type: t.Star, text: "*" }],
  ["·", { type: t.Star, text: "*" }],
  ["÷", { type: t.Slash, text: "/" }],
  ["−", { type: t.Minus, text: "-" }],
  ["–", { type: t.Minus, text: "-" }],
  ["∼", { type: t.Tilde, text: "~" }],
  ["∧", { type: t.AndAnd, text: "&&" }],
  ["∨", { type: t.OrOr, text: "||" }],
  ["¬", { type: t.Bang, text: "!" }],
  ["…", { type: t.DotDot, text: ".." }],
  ["∞", { type: t.Inf, text: "inf" }],
]);

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Spellings of other languages that have one meaning here. */
const spellings = new Map<TokenType, { type: TokenType; text: string; why?: string }>([
  [t.TripleEqual, { type: t.EqualEqual, text: "==" }],
  [t.NotDoubleEqual, { type: t.NotEqual, text: "!=" }],
  [t.StarStar, { type: t.Caret, text: "^" }],
  [t.SingleAnd, { type: t.AndAnd, text: "&&" }],
  [t.SingleOr, { type: t.OrOr, text: "||" }],
]);

class Repair {
  readonly tokens: IToken[] = [];
  readonly reported: number[] = [];
  readonly #source: Source;
  readonly #sink: DiagnosticSink;

  constructor(source: Source, sink: DiagnosticSink) {
    this.#source = source;
    this.#sink = sink;
  }

  add(token: IToken): void {
    const type = token.tokenType;
    const span = tokenSpan({ source: this.#source }, token);
    const previous = this.tokens.at(-1);
    const adjacent = previous !== undefined && tokenEnd(previous) === token.startOffset;
    if (adjacent && previous.tokenType === t.NumberLiteral && isWord(token)) {
      const params = { number: previous.image, word: token.image };
      this.#sink.report("number_suffix", spanAt(span, previous.startOffset, span.end), params);
      this.reported.push(token.startOffset);
      return;
    }
    const spelling = spellings.get(type);
    if (spelling !== undefined) {
      this.#sink.report("wrong_spelling", span, { found: token.image, meant: spelling.text });
      this.#push(replaceToken(token, spelling.type, spelling.text));
      return;
    }
    switch (type) {
      case t.NumberLiteral:
        this.#checkNumber(token);
        this.tokens.push(token);
        return;
      case t.StringLiteral:
        this.#checkEscapes(token);
        this.tokens.push(token);
        return;
      case t.OpenComment:
        this.#sink.report("open_comment", span, {});
        this.reported.push(token.startOffset);
        return;
      case t.OpenString:
        this.#sink.report("open_string", span, {});
        this.#push(
          replaceToken(token, t.StringLiteral, writeString(readString(token.image).value)),
        );
        return;
      case t.SingleQuoted:
      case t.SingleQuote: {
        if (adjacent && (isWord(previous) || closesBracket(previous))) {
          this.#sink.report("transpose_quote", spanAt(span, span.start, span.start + 1), {});
          this.reported.push(token.startOffset);
          return;
        }
        const value = token.image.replace(/^'|'$/g, "");
        if (type === t.SingleQuote) this.#sink.report("lone_quote", span, {});
        else this.#sink.report("single_quoted_string", span, { meant: writeString(value) });
        this.#push(replaceToken(token, t.StringLiteral, writeString(value)));
        return;
      }
      case t.HashComment:
        this.#sink.report("hash_comment", spanAt(span, span.start, span.start + 1), {});
        this.reported.push(token.startOffset);
        return;
      case t.LeadingDotNumber: {
        const meant = `0${token.image}`;
        this.#sink.report("bare_dot_number", span, { found: token.image, meant });
        this.#push(replaceToken(token, t.NumberLiteral, meant));
        return;
      }
      case t.TrailingDotNumber: {
        const meant = token.image.replace(".", ".0");
        this.#sink.report("bare_dot_number", span, { found: token.image, meant });
        this.#push(replaceToken(token, t.NumberLiteral, meant));
        return;
      }
      case t.ColonEqual:
        this.#sink.report("wrong_spelling", span, { found: ":=", meant: "=" });
        this.#push(replaceToken(token, t.Equal, "="));
        return;
      case t.CompoundAssign:
        this.#sink.report("compound_assignment", span, { operator: token.image });
        this.#push(replaceToken(token, t.Equal, "="));
        return;
      case t.DotOperator:
        this.#dotOperator(token);
        return;
      default:
        this.tokens.push(token);
    }
  }

  /** Characters no token begins with. */
  unknownCharacters(offset: number, length: number): void {
    let at = offset;
    for (const character of this.#source.text.slice(offset, offset + length)) {
      const span = { source: this.#source, start: at, end: at + character.length };
      at = span.end;
      const like = lookalikes.get(character);
      const power = superscripts.indexOf(character);
      const other = character === "?" ? "if c then a else b" : undefined;
      const meant = like?.text ?? (power >= 0 ? `^${power}` : other);
      this.#sink.report("unknown_character", span, { character, meant });
      this.reported.push(span.start);
      if (like !== undefined) this.tokens.push(this.#tokenAt(span, like.type, like.text));
    }
  }

  #push(token: IToken): void {
    this.tokens.push(token);
    this.reported.push(token.startOffset);
  }

  #tokenAt(span: { start: number; end: number }, type: TokenType, image: string): IToken {
    return {
      image,
      startOffset: span.start,
      endOffset: span.end - 1,
      tokenType: type,
      tokenTypeIdx: type.tokenTypeIdx ?? 0,
    };
  }

  #dotOperator(token: IToken): void {
    const text = token.image.slice(1);
    const type = text === "*" ? t.Star : text === "/" ? t.Slash : t.Caret;
    const span = tokenSpan({ source: this.#source }, token);
    this.#sink.report("dot_operator", span, { found: token.image, meant: text });
    this.#push(replaceToken(token, type, text));
  }

  #checkNumber(token: IToken): void {
    const value = Number(token.image);
    const isInt = /^\d+$/.test(token.image);
    if (value <= Number.MAX_SAFE_INTEGER || (!isInt && Number.isFinite(value))) return;
    const span = tokenSpan({ source: this.#source }, token);
    if (isInt) this.#sink.report("integer_too_large", span, { number: token.image });
    else this.#sink.report("number_too_large", span, { number: token.image });
    this.reported.push(token.startOffset);
  }

  #checkEscapes(token: IToken): void {
    for (const { offset, text } of readString(token.image).unknown) {
      const start = token.startOffset + offset;
      const span = { source: this.#source, start, end: start + text.length };
      this.#sink.report("unknown_escape", span, { escape: text });
      this.reported.push(start);
    }
  }
}

/** Whether a token is spelled like a name: an identifier or a keyword. */
export function isWord(token: IToken): boolean {
  return t.matchIdentifier(token.image, 0) === token.image;
}

function closesBracket(token: IToken): boolean {
  return token.tokenType === t.RParen || token.tokenType === t.RBracket;
}
