/** Highlighting for editors: `generated/tilde.tmLanguage.json`, derived from the token table. */
import { type TokenClass, tokenTable } from "./tokens.js";

const scopes: { readonly [c in TokenClass]?: string } = {
  declaration: "keyword.declaration.tilde",
  control: "keyword.control.tilde",
  constant: "constant.language.tilde",
  operator: "keyword.operator.tilde",
  punctuation: "punctuation.tilde",
};

/** The text of the file. */
export function textMateGrammar(): string {
  const words = (["declaration", "control", "constant"] as const).map((c) => ({
    name: scopes[c],
    // A word after a dot is a property, whatever it says.
    match: `(?<!\\.)\\b(?:${textsOf(c).join("|")})\\b`,
  }));
  const symbols = (["operator", "punctuation"] as const).map((c) => ({
    name: scopes[c],
    match: textsOf(c).map(escapePattern).join("|"),
  }));
  const grammar = {
    name: "Tilde",
    scopeName: "source.tilde",
    fileTypes: ["ppl"],
    patterns: [
      { name: "comment.line.documentation.tilde", match: "///(?!/).*$" },
      { name: "comment.line.double-slash.tilde", match: "//.*$" },
      { name: "comment.block.tilde", begin: "/\\*", end: "\\*/" },
      {
        name: "string.quoted.double.tilde",
        begin: '"',
        end: '"|$',
        patterns: [{ name: "constant.character.escape.tilde", match: "\\\\(?:u\\{[^}]*\\}|.)" }],
      },
      {
        match: "\\b(model|guide|fn|module|objective|dist)\\s+([\\p{L}_][\\p{L}\\p{M}\\p{Nd}_]*)",
        captures: {
          1: { name: scopes.declaration },
          2: { name: "entity.name.function.tilde" },
        },
      },
      ...words,
      {
        name: "constant.numeric.tilde",
        match: "\\b[0-9]+(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?",
      },
      { name: "support.function.tilde", match: "[\\p{L}_][\\p{L}\\p{M}\\p{Nd}_]*(?=\\s*\\()" },
      { name: "variable.other.tilde", match: "[\\p{L}_][\\p{L}\\p{M}\\p{Nd}_]*" },
      ...symbols,
    ],
  };
  return `${JSON.stringify(grammar, null, 2)}\n`;
}

/** Fixed texts of a class, longest first, so that `==` is not shown as two `=`. */
function textsOf(c: TokenClass): string[] {
  return tokenTable
    .flatMap((e) => (e.class === c && e.text !== undefined ? [e.text] : []))
    .sort((a, b) => b.length - a.length);
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
