/**
 * Words that begin declarations are names everywhere else: a data set may well have a column `dist`
 * or `model`, and its user cannot rename it.
 */
import type { IToken, TokenType } from "../../grammar/chevrotain.js";
import * as t from "../../grammar/tokens.js";

const declarationWords: ReadonlySet<TokenType> = new Set([
  t.Model,
  t.Guide,
  t.Module,
  t.Objective,
  t.Dist,
  t.Import,
]);
/** What may stand before the first word of a declaration. */
const before: ReadonlySet<TokenType> = new Set([t.LineEnd, t.Semicolon, t.RBrace]);
/** After these, a word at the start of a line is what a statement defines: `dist ~ …`. */
const afterName: ReadonlySet<TokenType> = new Set([t.Tilde, t.Equal, t.LBracket, t.Colon, t.Dot]);

/** The tokens with declaration words as names wherever no declaration can begin. */
export function releaseWords(tokens: readonly IToken[]): readonly IToken[] {
  if (!tokens.some((token) => declarationWords.has(token.tokenType))) return tokens;
  return tokens.map((token, i) => {
    if (!declarationWords.has(token.tokenType)) return token;
    const isFirst = i === 0 || before.has(tokens[i - 1].tokenType);
    const next = tokens[i + 1]?.tokenType;
    const begins = isFirst && !(next !== undefined && afterName.has(next));
    if (begins) return token;
    return { ...token, tokenType: t.Identifier, tokenTypeIdx: t.Identifier.tokenTypeIdx ?? 0 };
  });
}
