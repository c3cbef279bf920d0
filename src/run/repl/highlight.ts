/** Colours of an entry, by the lexer's own tokens. */
import type { IToken } from "../../../grammar/chevrotain.js";
import { tildeLexer } from "../../../grammar/lexer.js";
import * as t from "../../../grammar/tokens.js";
import { distributions } from "../../distributions/index.js";
import { builtinAliases, builtinRules } from "../../elaborate/builtins.js";
import { combinatorNames } from "../../elaborate/names.js";
import { isCommand } from "./entry.js";
import { commandNames, isSessionFunction } from "./names.js";

export type Paint = "keyword" | "number" | "string" | "comment" | "dist" | "function" | "mistake";

/** A stretch of the text with its colour; what lies between has none. */
export interface Painted {
  readonly start: number;
  readonly end: number;
  readonly paint: Paint;
}

const classes: { readonly [K in t.TokenClass]?: Paint } = {
  declaration: "keyword",
  control: "keyword",
  constant: "number",
  number: "number",
  string: "string",
  comment: "comment",
  documentation: "comment",
  mistake: "mistake",
};
const paintOf = new Map(t.tokenTable.map((entry) => [entry.type, classes[entry.class]]));

/** The coloured stretches of an entry, in order. */
export function highlight(text: string): Painted[] {
  const out: Painted[] = [];
  let start = 0;
  if (isCommand(text)) {
    const head = /^\s*:(\S*)/.exec(text);
    start = head?.[0].length ?? 0;
    const known = commandNames.some((n) => n.startsWith(head?.[1] ?? ""));
    out.push({
      start: start - (head?.[1].length ?? 0) - 1,
      end: start,
      paint: known ? "keyword" : "mistake",
    });
  }
  const { tokens, groups } = tildeLexer().tokenize(text.slice(start));
  const all = [...tokens, ...(groups.comments ?? [])].sort((a, b) => a.startOffset - b.startOffset);
  all.forEach((token, k) => {
    const paint = paintOfToken(token, all[k - 1], all[k + 1]);
    const at = start + token.startOffset;
    if (paint !== undefined) out.push({ start: at, end: at + token.image.length, paint });
  });
  return out;
}

function paintOfToken(
  token: IToken,
  previous: IToken | undefined,
  next: IToken | undefined,
): Paint | undefined {
  const plain = paintOf.get(token.tokenType);
  if (token.tokenType !== t.Identifier) return plain;
  const { image } = token;
  if (previous?.tokenType === t.Dot || next?.tokenType === t.Colon) return undefined;
  const isCombinator = (combinatorNames as readonly string[]).includes(image);
  if (isCombinator || Object.hasOwn(distributions, image)) return "dist";
  const isCall = next?.tokenType === t.LParen;
  const isKnown =
    Object.hasOwn(builtinRules, image) ||
    Object.hasOwn(builtinAliases, image) ||
    isSessionFunction(image);
  return isCall && isKnown ? "function" : undefined;
}
