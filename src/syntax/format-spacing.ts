/** Which neighbours a formatted line keeps apart. */
import type { IToken, TokenType } from "../../grammar/chevrotain.js";
import * as t from "../../grammar/tokens.js";

/** Nothing stands before or after these. */
const tight: ReadonlySet<TokenType> = new Set([t.Dot, t.DotDot, t.Caret]);
const noSpaceAfter: ReadonlySet<TokenType> = new Set([t.LParen, t.LambdaParen, t.LBracket]);
const noSpaceBefore: ReadonlySet<TokenType> = new Set([
  t.RParen,
  t.RBracket,
  t.Comma,
  t.Semicolon,
  t.Colon,
]);

/** A printed token with what the spacing of its right neighbour depends on. */
export interface Printed {
  readonly token: IToken;
  /** It stands for a name: an identifier, or a keyword after `.` or before `:`. */
  readonly isName: boolean;
  /** It is a `-` or `!` before its operand. */
  readonly isPrefix: boolean;
}

/** Describes `token`, given what was printed before it and what follows in the text. */
export function describe(
  token: IToken,
  previous: Printed | undefined,
  next: IToken | undefined,
): Printed {
  const type = token.tokenType;
  const isKeyword = type.CATEGORIES?.includes(t.Keyword) ?? false;
  const asProperty = previous?.token.tokenType === t.Dot || next?.tokenType === t.Colon;
  const isValue = type === t.Inf || type === t.True || type === t.False;
  const isName = !isKeyword ? type === t.Identifier || type === t.On : asProperty || isValue;
  const isPrefix = type === t.Bang || (type === t.Minus && !endsOperand(previous));
  return { token, isName, isPrefix };
}

/** Whether an operand can end with this token, so that a `-` after it subtracts. */
export function endsOperand(p: Printed | undefined): boolean {
  if (p === undefined) return false;
  const type = p.token.tokenType;
  return (
    p.isName ||
    type === t.NumberLiteral ||
    type === t.StringLiteral ||
    type === t.RParen ||
    type === t.RBracket
  );
}

/** Whether a space stands between two neighbours on one line. */
export function spaceBetween(a: Printed, b: Printed): boolean {
  const left = a.token.tokenType;
  const right = b.token.tokenType;
  if (a.isPrefix || noSpaceAfter.has(left) || noSpaceBefore.has(right)) return false;
  // `1 .mean`: without the space the dot would belong to the number.
  if (right === t.Dot) return left === t.NumberLiteral;
  if (right === t.LBrace || left === t.RBrace || left === t.Comma) return true;
  // `for k in 0.. {` is above; `x[..n]` and `a..b` are tight, like `D.mean` and `x^2`.
  if (tight.has(left) || tight.has(right)) return false;
  if (right === t.LParen || right === t.LBracket) return !endsOperand(a);
  return true;
}
