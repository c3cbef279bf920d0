/**
 * The token table. Order matters: the lexer takes the first pattern that matches, so longer
 * operators stand before their prefixes and keywords before identifiers.
 *
 * Three kinds of entry:
 * - the language's own tokens, which the parser's rules name;
 * - `layout` tokens (spaces, line ends, comments), which `layout.ts` turns into statement ends;
 * - `mistake` tokens: spellings of other languages and unfinished literals. No rule names them;
 *   `src/syntax/lexical.ts` reports each one and puts the meant token in its place.
 */
import { createToken, type ITokenConfig, Lexer, type TokenType } from "./chevrotain.js";

/** What a text editor shows a token as; the TextMate grammar is derived from it. */
export type TokenClass =
  | "declaration"
  | "control"
  | "constant"
  | "operator"
  | "punctuation"
  | "number"
  | "string"
  | "comment"
  | "documentation"
  | "identifier"
  | "layout"
  | "mistake";

export interface TokenEntry {
  readonly type: TokenType;
  readonly class: TokenClass;
  /** The fixed text of keywords, operators and punctuation. */
  readonly text?: string;
}

const entries: TokenEntry[] = [];

/**
 * Patterns tell the characters that a match may start with (`start_chars_hint`): chevrotain would
 * find them by parsing each pattern, a third of the time to a first syntax tree.
 */
function define(
  tokenClass: TokenClass,
  name: string,
  ...[pattern, options = {}]:
    | [text: string, options?: Partial<ITokenConfig>]
    | [pattern: RegExp, options: Partial<ITokenConfig> & { readonly start_chars_hint: string[] }]
): TokenType {
  const label = typeof pattern === "string" ? `\`${pattern}\`` : name;
  const type = createToken({ name, pattern, label, line_breaks: false, ...options });
  const text = typeof pattern === "string" ? pattern : undefined;
  entries.push({ type, class: tokenClass, text });
  return type;
}

// ---------------------------------------------------------------- categories (never lexed)
export const Keyword = createToken({ name: "Keyword", pattern: Lexer.NA, label: "a keyword" });
export const BinaryOperator = createToken({
  name: "BinaryOperator",
  pattern: Lexer.NA,
  label: "an operator",
});
export const PrefixOperator = createToken({
  name: "PrefixOperator",
  pattern: Lexer.NA,
  label: "`-` or `!`",
});
/** Ends a statement: `;`, or a line end that `layout.ts` kept. */
export const Separator = createToken({
  name: "Separator",
  pattern: Lexer.NA,
  label: "the end of the line",
});
/** The `(` of `(x, y) => e`, re-typed by `layout.ts`, so that one token of lookahead is enough. */
export const LambdaParen = createToken({
  name: "LambdaParen",
  pattern: Lexer.NA,
  label: "`(`",
});

// ---------------------------------------------------------------- identifiers
// Letters of any script and `_`, then also digits and combining marks. `²` is a number character
// in Unicode, not a letter, so it never continues a name.
const identifierPattern = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{M}\p{Nd}_]*/uy;

/** The identifier that starts at `offset` of `text`, or `undefined`. */
export function matchIdentifier(text: string, offset: number): string | undefined {
  identifierPattern.lastIndex = offset;
  return identifierPattern.exec(text)?.[0];
}

/** Where an identifier may start, for the lexer's table by first character (256 per bucket). */
function identifierStarts(): number[] {
  const starts: number[] = [];
  for (let c = 0; c < 256; c++) {
    if (matchIdentifier(String.fromCharCode(c), 0) !== undefined) starts.push(c);
  }
  for (let c = 256; c < 65536; c += 256) starts.push(c);
  return starts;
}

export const Identifier = createToken({
  name: "Identifier",
  pattern: (text, offset) => {
    identifierPattern.lastIndex = offset;
    return identifierPattern.exec(text);
  },
  start_chars_hint: identifierStarts(),
  line_breaks: false,
  label: "a name",
});

function word(tokenClass: TokenClass, text: string, categories: TokenType[]): TokenType {
  const type = createToken({
    name: text[0].toUpperCase() + text.slice(1),
    pattern: text,
    label: `\`${text}\``,
    longer_alt: Identifier,
    categories,
    line_breaks: false,
  });
  entries.push({ type, class: tokenClass, text });
  return type;
}
const declaration = (text: string) => word("declaration", text, [Keyword]);
const control = (text: string) => word("control", text, [Keyword]);
const constant = (text: string) => word("constant", text, [Keyword]);

// ---------------------------------------------------------------- layout and comments
export const BlankSpace = define("layout", "BlankSpace", /[ \t\f\v\u00a0\ufeff]+/, {
  start_chars_hint: [" ", "\t", "\f", "\v", "\u00a0", "\ufeff"],
  group: Lexer.SKIPPED,
});
export const LineEnd = define("layout", "LineEnd", /\r\n|\n|\r/, {
  start_chars_hint: ["\r", "\n"],
  label: "the end of the line",
  line_breaks: true,
  categories: [Separator],
});
export const DocComment = define("documentation", "DocComment", /\/\/\/(?!\/)[^\n\r]*/, {
  start_chars_hint: ["/"],
  group: "comments",
});
export const LineComment = define("comment", "LineComment", /\/\/[^\n\r]*/, {
  start_chars_hint: ["/"],
  group: "comments",
});
export const BlockComment = define("comment", "BlockComment", /\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\//, {
  start_chars_hint: ["/"],
  group: "comments",
  line_breaks: true,
});
export const OpenComment = define("mistake", "OpenComment", /\/\*/, { start_chars_hint: ["/"] });

// ---------------------------------------------------------------- keywords
export const Model = declaration("model");
export const Guide = declaration("guide");
export const Fn = declaration("fn");
export const Module = declaration("module");
export const Objective = declaration("objective");
export const Dist = declaration("dist");
export const Import = declaration("import");
export const Let = declaration("let");
export const Param = declaration("param");
export const Observe = control("observe");
export const Factor = control("factor");
export const For = control("for");
export const In = control("in");
export const If = control("if");
export const Then = control("then");
export const Else = control("else");
export const Return = control("return");
export const Using = control("using");
/** Stands only in a `dist` header, so it stays free as a name. */
export const On = word("control", "on", [Identifier]);
export const True = constant("true");
export const False = constant("false");
export const Inf = constant("inf");
entries.push({ type: Identifier, class: "identifier" });

// ---------------------------------------------------------------- literals
const digits = [..."0123456789"];
export const LeadingDotNumber = define(
  "mistake",
  "LeadingDotNumber",
  /\.\d+(?:[eE][+-]?\d+)?(?!\d)/,
  { start_chars_hint: ["."] },
);
export const TrailingDotNumber = define(
  "mistake",
  "TrailingDotNumber",
  /\d+\.(?:[eE][+-]?\d+)?(?![.\w*/^])/,
  { start_chars_hint: digits },
);
export const NumberLiteral = define("number", "NumberLiteral", /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/, {
  start_chars_hint: digits,
  label: "a number",
});
export const StringLiteral = define("string", "StringLiteral", /"(?:[^"\\\n\r]|\\[^\n\r])*"/, {
  start_chars_hint: ['"'],
  label: "a string",
});
export const OpenString = define("mistake", "OpenString", /"(?:[^"\\\n\r]|\\[^\n\r])*\\?/, {
  start_chars_hint: ['"'],
});
export const SingleQuoted = define("mistake", "SingleQuoted", /'[^'\n\r]*'/, {
  start_chars_hint: ["'"],
});
export const SingleQuote = define("mistake", "SingleQuote", /'/, { start_chars_hint: ["'"] });
export const HashComment = define("mistake", "HashComment", /#[^\n\r]*/, {
  start_chars_hint: ["#"],
});

// ---------------------------------------------------------------- operators and punctuation
const mistake = (name: string, text: string) => define("mistake", name, text);
export const TripleEqual = mistake("TripleEqual", "===");
export const NotDoubleEqual = mistake("NotDoubleEqual", "!==");
export const StarStar = mistake("StarStar", "**");
export const ColonEqual = mistake("ColonEqual", ":=");
export const CompoundAssign = define("mistake", "CompoundAssign", /[+*/%-]=(?!=)/, {
  start_chars_hint: ["+", "*", "/", "%", "-"],
});
export const DotOperator = define("mistake", "DotOperator", /\.[*/^]/, { start_chars_hint: ["."] });

const punctuation = (name: string, text: string) => define("punctuation", name, text);
export const FatArrow = define("operator", "FatArrow", "=>");
export const ThinArrow = define("operator", "ThinArrow", "->");
const binary = (name: string, text: string, also: TokenType[] = []) =>
  define("operator", name, text, { categories: [BinaryOperator, ...also] });
export const EqualEqual = binary("EqualEqual", "==");
export const NotEqual = binary("NotEqual", "!=");
export const LessEqual = binary("LessEqual", "<=");
export const GreaterEqual = binary("GreaterEqual", ">=");
export const AndAnd = binary("AndAnd", "&&");
export const OrOr = binary("OrOr", "||");
export const Less = binary("Less", "<");
export const Greater = binary("Greater", ">");
export const Plus = binary("Plus", "+");
export const Minus = binary("Minus", "-", [PrefixOperator]);
export const Star = binary("Star", "*");
export const Slash = binary("Slash", "/");
export const Percent = binary("Percent", "%");
export const At = binary("At", "@");
export const Caret = binary("Caret", "^");
export const Bang = define("operator", "Bang", "!", { categories: [PrefixOperator] });
export const Tilde = define("operator", "Tilde", "~");
export const Equal = define("operator", "Equal", "=");
export const SingleAnd = mistake("SingleAnd", "&");
export const SingleOr = mistake("SingleOr", "|");
export const DotDot = define("operator", "DotDot", "..");
export const Dot = punctuation("Dot", ".");
export const Comma = punctuation("Comma", ",");
export const Colon = punctuation("Colon", ":");
export const Semicolon = define("punctuation", "Semicolon", ";", { categories: [Separator] });
export const LParen = punctuation("LParen", "(");
export const RParen = punctuation("RParen", ")");
export const LBracket = punctuation("LBracket", "[");
export const RBracket = punctuation("RBracket", "]");
export const LBrace = punctuation("LBrace", "{");
export const RBrace = punctuation("RBrace", "}");

/** Every token that text can hold, in the lexer's order. */
export const tokenTable: readonly TokenEntry[] = entries;

/** Tokens and categories, for the parser. */
export const allTokens: readonly TokenType[] = [
  Keyword,
  BinaryOperator,
  PrefixOperator,
  Separator,
  LambdaParen,
  ...entries.map((e) => e.type),
];

/** The reserved words, in the table's order. */
export const reservedWords: readonly string[] = entries.flatMap((e) =>
  e.text !== undefined && e.type.CATEGORIES?.includes(Keyword) ? [e.text] : [],
);
