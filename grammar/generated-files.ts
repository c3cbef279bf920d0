/** All files under `generated/`, as text by name. A test compares them with what is committed. */
import { cstTypes } from "./cst-types.js";
import { diagrams } from "./diagrams.js";
import { ebnf } from "./ebnf.js";
import { textMateGrammar } from "./textmate.js";

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["cst.ts", cstTypes()],
    ["tilde.ebnf", ebnf()],
    ["diagrams.html", diagrams()],
    ["tilde.tmLanguage.json", textMateGrammar()],
  ]);
}
