/**
 * What is typed at the prompt: declarations, definitions, statements and expressions, parsed by the
 * language's own parser. Statements stand in a model there, so the tokens of one get those of an
 * empty model around them: the text itself stays as it was typed, and so do all places in it.
 */
import type { IToken, TokenType } from "../../../grammar/chevrotain.js";
import { layoutTokens } from "../../../grammar/layout.js";
import { tildeParser } from "../../../grammar/parser.js";
import * as t from "../../../grammar/tokens.js";
import { type Diagnostic, DiagnosticSink } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Source, Span } from "../../base/span.js";
import type * as ast from "../../syntax/ast.js";
import { balanceBrackets } from "../../syntax/brackets.js";
import { checkDepth, checkFileSize } from "../../syntax/limits.js";
import { tokenEnd } from "../../syntax/lower-context.js";
import { lowerFile } from "../../syntax/lower-declarations.js";
import { parseTokens } from "../../syntax/recover.js";
import { tokenizeSource } from "../../syntax/tokenize.js";

/** One piece of an entry. `silent`: a `;` behind it asks for no display. */
export type Item = { readonly span: Span; readonly silent: boolean } & (
  | {
      readonly kind: "declarations";
      readonly imports: readonly ast.ImportDecl[];
      readonly decls: readonly ast.Decl[];
    }
  /** `name = e`, with or without `let`. */
  | { readonly kind: "definition"; readonly name: ast.Name; readonly value: ast.Expr }
  /** Draws, loops and definitions of elements. */
  | { readonly kind: "statement"; readonly stmt: ast.Stmt }
  | { readonly kind: "expression"; readonly value: ast.Expr }
);

export interface ParsedEntry {
  readonly items: readonly Item[];
  /** In the order of the text; where one is an error, nothing of the entry should run. */
  readonly diagnostics: readonly Diagnostic[];
}

const declarationStarts: ReadonlySet<TokenType> = new Set([
  t.Model,
  t.Guide,
  t.Fn,
  t.Module,
  t.Objective,
  t.Dist,
  t.Import,
]);
const statementStarts: ReadonlySet<TokenType> = new Set([
  t.Let,
  t.Param,
  t.Observe,
  t.Factor,
  t.For,
  t.Return,
]);
/** The name of the model around statements, and of the value of an expression: no identifier. */
export const WRAPPER = "(session)";

interface Segment {
  readonly tokens: readonly IToken[];
  readonly kind: "declarations" | "statement" | "expression";
  readonly silent: boolean;
}

/** Parses what was typed. Never throws. */
export function parseEntry(source: Source): ParsedEntry {
  const sink = new DiagnosticSink();
  const nothing = (): ParsedEntry => ({ items: [], diagnostics: sink.all });
  if (!checkFileSize(source, sink)) return nothing();
  const lexed = tokenizeSource(source, sink);
  const reported = [...lexed.reported];
  const balanced = balanceBrackets(source, lexed.tokens, sink, reported);
  const tokens = balanced === undefined ? undefined : layoutTokens(balanced);
  if (tokens === undefined || !checkDepth(source, tokens, sink)) return nothing();
  const items: Item[] = [];
  const cx = { source, sink, comments: lexed.comments };
  for (const segment of segmentsOf(tokens, source.text)) {
    const file = lowerFile(cx, parseTokens(source, wrapped(segment), sink, reported));
    items.push(...itemsOf(segment, file, source));
  }
  const start = (d: Diagnostic): number => d.span?.start ?? 0;
  return { items, diagnostics: [...sink.all].sort((a, b) => start(a) - start(b)) };
}

/**
 * Whether more lines must follow before the text means something: an open bracket or comment, a
 * last token that cannot end a statement, or a place where the grammar wants more.
 */
export function isIncomplete(text: string): boolean {
  const source: Source = { path: "", text };
  const sink = new DiagnosticSink();
  if (isCommand(text) || !checkFileSize(source, sink)) return false;
  const lexed = tokenizeSource(source, sink);
  if (sink.all.some((d) => d.code === "open_comment")) return true;
  const depth = openBrackets(lexed.tokens);
  if (depth !== 0) return depth === "open";
  const tokens = layoutTokens(lexed.tokens);
  const last = tokens.at(-1);
  // A comment of documentation belongs to a declaration that is still to come.
  if (last === undefined) {
    return lexed.comments.some((c) => c.tokenType === t.DocComment);
  }
  if (!keepsLineEnd(lexed.tokens, last)) return true;
  const segments = [...segmentsOf(tokens, text)];
  return segments.every((segment, k) => {
    const input = wrapped(segment);
    const parser = tildeParser();
    parser.input = input;
    parser.file();
    const error = parser.errors.at(0);
    const isLast = k === segments.length - 1;
    if (error === undefined) return !isLast;
    if (!isLast) return false;
    // The end of the text, or the brace that was put there.
    const at = input.indexOf(error.token);
    const end = segment.kind === "declarations" ? input.length : input.length - 1;
    return at < 0 || at >= end;
  });
}

/** Whether a text is a command, `:help`. */
export function isCommand(text: string): boolean {
  return /^\s*:/.test(text);
}

/** `open`: brackets are open and none is wrong; `wrong`: one closes what it does not open. */
function openBrackets(tokens: readonly IToken[]): "open" | "wrong" | 0 {
  const open: TokenType[] = [];
  const opener = new Map<TokenType, TokenType>([
    [t.RParen, t.LParen],
    [t.RBracket, t.LBracket],
    [t.RBrace, t.LBrace],
  ]);
  for (const { tokenType: type } of tokens) {
    if (type === t.LParen || type === t.LBracket || type === t.LBrace) open.push(type);
    const wanted = opener.get(type);
    if (wanted !== undefined && open.pop() !== wanted) return "wrong";
  }
  return open.length > 0 ? "open" : 0;
}

/** Whether a line end after the tokens would end the statement, whatever name came next. */
function keepsLineEnd(tokens: readonly IToken[], last: IToken): boolean {
  const end = tokenEnd(last);
  const laid = layoutTokens([
    ...tokens.filter((x, i) => x.tokenType !== t.LineEnd || i < tokens.length - 1),
    tokenAt(end, t.LineEnd, "\n"),
    tokenAt(end, t.Identifier, "x"),
    tokenAt(end, t.Identifier, "x"),
  ]);
  const before = laid.at(-3)?.tokenType;
  return before === t.LineEnd || before === t.Semicolon;
}

/** The pieces between separators outside all brackets; declarations side by side are one piece. */
function* segmentsOf(tokens: readonly IToken[], text: string): Generator<Segment> {
  let start = 0;
  let depth = 0;
  for (let i = 0; i <= tokens.length; i++) {
    const type = tokens[i]?.tokenType;
    if (type === t.LParen || type === t.LambdaParen) depth++;
    else if (type === t.LBracket || type === t.LBrace) depth++;
    else if (type === t.RParen || type === t.RBracket || type === t.RBrace) depth--;
    const ends = type === undefined || (depth <= 0 && (type === t.LineEnd || type === t.Semicolon));
    if (!ends) continue;
    if (i > start) {
      const piece = tokens.slice(start, i);
      // A `;` before another statement only keeps the two apart.
      const next = tokens[i + 1]?.tokenType;
      const isLast = next === undefined || next === t.LineEnd || laterLine(text, tokens, i);
      yield { tokens: piece, kind: kindOf(piece), silent: type === t.Semicolon && isLast };
    }
    start = i + 1;
  }
}

/** Whether the token after the one at `i` stands on another line; such line ends are laid out. */
function laterLine(text: string, tokens: readonly IToken[], i: number): boolean {
  return text.slice(tokenEnd(tokens[i]), tokens[i + 1].startOffset).includes("\n");
}

function kindOf(tokens: readonly IToken[]): Segment["kind"] {
  const first = tokens[0].tokenType;
  if (declarationStarts.has(first)) return "declarations";
  if (statementStarts.has(first)) return "statement";
  const outside = outsideBrackets(tokens);
  if (first === t.If) return outside.includes(t.Then) ? "expression" : "statement";
  return outside.includes(t.Tilde) || outside.includes(t.Equal) ? "statement" : "expression";
}

function outsideBrackets(tokens: readonly IToken[]): TokenType[] {
  let depth = 0;
  return tokens.flatMap(({ tokenType: type }) => {
    if (type === t.RParen || type === t.RBracket || type === t.RBrace) depth--;
    const outside = depth === 0;
    if (type === t.LParen || type === t.LambdaParen) depth++;
    if (type === t.LBracket || type === t.LBrace) depth++;
    return outside ? [type] : [];
  });
}

/** The segment as a file: declarations as they are, others inside an empty model. */
function wrapped({ tokens, kind }: Segment): IToken[] {
  if (kind === "declarations") return [...tokens];
  const start = tokens[0].startOffset;
  const end = tokenEnd(tokens[tokens.length - 1]);
  const head: readonly (readonly [TokenType, string])[] = [
    [t.Model, "model"],
    [t.Identifier, WRAPPER],
    [t.LParen, "("],
    [t.RParen, ")"],
    [t.LBrace, "{"],
  ];
  const binding: readonly (readonly [TokenType, string])[] =
    kind === "expression"
      ? [
          [t.Let, "let"],
          [t.Identifier, WRAPPER],
          [t.Equal, "="],
        ]
      : needsLet(tokens)
        ? [[t.Let, "let"]]
        : [];
  return [
    ...[...head, ...binding].map(([type, image]) => tokenAt(start, type, image)),
    ...tokens,
    tokenAt(end, t.RBrace, "}"),
  ];
}

/** `x = 3` and `x[0] = 3`: a definition without its word. */
function needsLet(tokens: readonly IToken[]): boolean {
  const outside = outsideBrackets(tokens);
  const isTarget = outside[0] === t.Identifier;
  return isTarget && outside.includes(t.Equal) && !outside.includes(t.Tilde);
}

/** A token that stands for nothing in the text. */
function tokenAt(offset: number, type: TokenType, image: string): IToken {
  return {
    image,
    startOffset: offset,
    endOffset: offset - 1,
    tokenType: type,
    tokenTypeIdx: type.tokenTypeIdx ?? 0,
  };
}

function itemsOf(
  { tokens, kind, silent }: Segment,
  { imports, decls }: Pick<ast.SourceFile, "imports" | "decls">,
  source: Source,
): Item[] {
  const end = tokenEnd(tokens[tokens.length - 1]);
  const base = { span: { source, start: tokens[0].startOffset, end }, silent };
  if (kind === "declarations") return [{ kind, imports, decls, ...base }];
  // After an error the model, or its statement, is missing.
  const [model] = decls;
  if (model?.kind !== "model") return [];
  return model.body.statements.map((stmt): Item => {
    if (kind === "expression") {
      if (stmt.kind !== "let") return internalError(`an expression became ${stmt.kind}`);
      return { kind, value: stmt.value, ...base };
    }
    const isPlain = stmt.kind === "let" && stmt.type === undefined;
    if (isPlain && stmt.target.indices.length === 0) {
      return { kind: "definition", name: stmt.target.name, value: stmt.value, ...base };
    }
    return { kind, stmt, ...base };
  });
}
