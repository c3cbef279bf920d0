/**
 * From the lexer's tokens to the parser's: which line ends end a statement, and which `(` opens a
 * lambda's parameters. The rules, as the language guide tells them:
 *
 * A line end finishes a statement, except
 * 1. inside `( )` and `[ ]`;
 * 2. after something that cannot finish a statement: an operator, a comma, `=`, `~`, `:`, an opening
 *    bracket, or a word such as `let`, `in`, `then`, `else`, `return`;
 * 3. before something that cannot begin one: an operator (`-` too, since no statement begins with
 *    a sign), `~`, `=`, `.`, `,`, `{`, a closing bracket, or `then`, `else`, `using`.
 *
 * No program that is right otherwise is changed by the last rule, which serves the error messages:
 * 4. a line that begins with `let`, `for`, `model` … or with `name ~` always begins a statement.
 *
 * So a long expression may break after an operator or before it, `else` may stand below its `}`,
 * and a line that begins with `(` or `[` never continues the line above.
 */
import type { IToken, TokenType } from "./chevrotain.js";
import * as t from "./tokens.js";

const cannotEnd: ReadonlySet<TokenType> = new Set([
  ...t.allTokens.filter((x) => x.CATEGORIES?.includes(t.BinaryOperator)),
  t.Bang,
  t.Tilde,
  t.Equal,
  t.DotDot,
  t.Dot,
  t.Comma,
  t.Colon,
  t.FatArrow,
  t.ThinArrow,
  t.LBrace,
  t.LParen,
  t.LBracket,
  t.Model,
  t.Guide,
  t.Fn,
  t.Module,
  t.Objective,
  t.Dist,
  t.Import,
  t.Let,
  t.Param,
  t.Observe,
  t.Factor,
  t.For,
  t.In,
  t.If,
  t.Then,
  t.Else,
  t.Return,
  t.Using,
]);

const cannotBegin: ReadonlySet<TokenType> = new Set([
  ...t.allTokens.filter((x) => x.CATEGORIES?.includes(t.BinaryOperator)),
  t.Tilde,
  t.Equal,
  t.DotDot,
  t.Dot,
  t.Comma,
  t.Colon,
  t.FatArrow,
  t.ThinArrow,
  t.LBrace,
  t.RBrace,
  t.RParen,
  t.RBracket,
  t.In,
  t.Then,
  t.Else,
  t.Using,
]);

/**
 * Drops the line ends that do not finish a statement, and re-types the `(` of `(x, y) => e`.
 * A keyword after `.` or before `:` is a name there and neither forbids nor forces a line end.
 */
export function layoutTokens(tokens: readonly IToken[]): IToken[] {
  const out: IToken[] = [];
  /** Positions in `out` of the open brackets. */
  const open: number[] = [];
  let pendingLineEnd: IToken | undefined;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const type = token.tokenType;
    if (type === t.LineEnd) {
      pendingLineEnd ??= token;
      continue;
    }
    if (pendingLineEnd !== undefined) {
      if (endsStatement(out, open, tokens, i)) out.push(pendingLineEnd);
      pendingLineEnd = undefined;
    }
    if (type === t.FatArrow) markLambda(out);
    if (type === t.LParen || type === t.LBracket || type === t.LBrace) open.push(out.length);
    else if (type === t.RParen || type === t.RBracket || type === t.RBrace) open.pop();
    out.push(token);
  }
  return out;
}

/** Words that only a new statement or declaration begins with. */
const alwaysBegin: ReadonlySet<TokenType> = new Set([
  t.Let,
  t.Param,
  t.Observe,
  t.Factor,
  t.Return,
  t.For,
  t.Model,
  t.Guide,
  t.Fn,
  t.Module,
  t.Objective,
  t.Dist,
  t.Import,
]);

function endsStatement(
  out: readonly IToken[],
  open: readonly number[],
  tokens: readonly IToken[],
  at: number,
): boolean {
  const next = tokens[at];
  const previous = out.at(-1);
  if (previous === undefined || previous.tokenType === t.Semicolon) return false;
  const innermost = open.length > 0 ? out[open[open.length - 1]].tokenType : t.LBrace;
  if (innermost !== t.LBrace) return false;
  if (cannotBegin.has(next.tokenType)) return false;
  if (!cannotEnd.has(previous.tokenType) || out.at(-2)?.tokenType === t.Dot) return true;
  if (alwaysBegin.has(next.tokenType)) return true;
  const mayTakeDraw = previous.tokenType === t.Observe || previous.tokenType === t.Colon;
  return !mayTakeDraw && beginsDraw(tokens, at);
}

/** Whether `x ~` or `x[…] ~` stands at `at`. */
function beginsDraw(tokens: readonly IToken[], at: number): boolean {
  if (tokens[at].tokenType !== t.Identifier) return false;
  let i = at + 1;
  if (tokens[i]?.tokenType === t.LBracket) {
    for (let depth = 0; i < tokens.length; i++) {
      if (tokens[i].tokenType === t.LBracket) depth++;
      else if (tokens[i].tokenType === t.RBracket && --depth === 0) break;
      else if (tokens[i].tokenType === t.LineEnd) return false;
    }
    i++;
  }
  return tokens[i]?.tokenType === t.Tilde;
}

/** Re-types the `(` that matches the `)` just before a `=>`. */
function markLambda(out: IToken[]): void {
  if (out.at(-1)?.tokenType !== t.RParen) return;
  let depth = 0;
  for (let i = out.length - 1; i >= 0; i--) {
    const type = out[i].tokenType;
    if (type === t.RParen) depth++;
    else if (type === t.LParen || type === t.LambdaParen) depth--;
    if (depth === 0) {
      const { tokenTypeIdx } = t.LambdaParen;
      if (tokenTypeIdx === undefined) return;
      out[i] = { ...out[i], tokenType: t.LambdaParen, tokenTypeIdx };
      return;
    }
  }
}
