/** Mistakes at the top level of a file: heads of declarations, and what does not belong there. */
import * as t from "../../grammar/tokens.js";
import { nearestNames } from "../base/nearest.js";
import { declarationWords, type Failure, isWordAt, type Rule, statementWords } from "./failure.js";

const stanBlocks: ReadonlySet<string> = new Set([
  "data",
  "parameters",
  "transformed",
  "generated",
  "functions",
]);

export const explainDeclaration: Rule = (f, sink) => {
  const word = f.image(0);
  if (!declarationWords.includes(word)) return explainForeign(f, sink);
  if (word === "import") {
    if (f.at !== 1) return false;
    sink.report("import_path", f.foundSpan, {});
    return true;
  }
  if (f.type(1) !== t.Identifier) {
    if (word === "model" && f.tokens.length === 1) sink.report("stan_block", f.span(0), { word });
    else if (f.isKeyword(1)) sink.report("reserved_word", f.span(1), { word: f.image(1) });
    else sink.report("missing_name", f.span(0), { word });
    return true;
  }
  if (f.at === 2 && f.expected.has("LParen")) {
    sink.report("missing_parameters", f.span(1), { word, name: f.image(1) });
    return true;
  }
  if (f.at < f.afterBracket(2)) return explainParameter(f, sink);
  if (f.expected.has("For")) {
    sink.report("guide_without_model", f.range(0, 2), { name: f.image(1) });
    return true;
  }
  if (f.expected.has("On")) {
    sink.report("dist_without_support", f.range(0, 2), { name: f.image(1) });
    return true;
  }
  if (f.expected.has("LBrace") && f.rules.at(-1) !== "expression") {
    if (f.type(f.at) === t.ThinArrow) sink.report("no_result_type", f.foundSpan, { word });
    else if (f.type(f.at) === t.For) sink.report("only_guides_have_models", f.foundSpan, { word });
    else sink.report("missing_body", f.foundSpan, { word, name: f.image(1) });
    return true;
  }
  return false;
};

/** `model m(int N)`, `model m(in: int)`, `model m(1)`. */
const explainParameter: Rule = (f, sink) => {
  if (f.rules.at(-1) !== "parameters" && f.rules.at(-1) !== "parameter") return false;
  const previous = f.at - 1;
  if (f.isKeyword(f.at)) {
    sink.report("reserved_word", f.foundSpan, { word: f.image(f.at) });
    return true;
  }
  const separated = f.type(previous) !== t.Comma && f.type(previous) !== t.LParen;
  if (!separated) return false;
  // `real[N] y`: the parser stops at the `[`, after what it took for the input's name.
  const nameAt = f.type(f.at) === t.LBracket ? f.afterBracket(f.at) : f.at;
  if (f.type(nameAt) !== t.Identifier || f.type(previous) !== t.Identifier) return false;
  const type = f.text(previous, nameAt);
  sink.report("type_before_input", f.range(previous, nameAt + 1), { type, name: f.image(nameAt) });
  return true;
};

/** A file begins or goes on with something that is no declaration. */
const explainForeign: Rule = (f, sink) => {
  const word = f.image(0);
  if (!isWordAt(f, 0)) return false;
  const opensBlock = f.brace !== undefined;
  if (stanBlocks.has(word) && opensBlock && f.tokens.length <= 2) {
    sink.report("stan_block", f.range(0, f.tokens.length), { word: f.text(0, f.tokens.length) });
    return true;
  }
  const near = nearestNames(word, declarationWords);
  const looksLikeHead = f.type(1) === t.Identifier && f.type(2) === t.LParen;
  if (looksLikeHead || (opensBlock && near.length > 0)) {
    const foreign = ["function", "def", "func", "fun", "define"].includes(word);
    const class_ = ["class", "program", "struct"].includes(word);
    const candidates = foreign ? ["fn"] : class_ ? ["model"] : near;
    sink.report("unknown_declaration", f.span(0), { word, near: candidates });
    return true;
  }
  if (isStatement(f)) {
    sink.report("statement_outside", f.range(0, Math.max(1, f.tokens.length)), {});
    return true;
  }
  sink.report("unknown_declaration", f.span(0), { word, near });
  return true;
};

function isStatement(f: Failure): boolean {
  if (statementWords.includes(f.image(0))) return true;
  return [t.Tilde, t.Equal, t.Less, t.Colon].some((type) => f.find(type) > 0);
}
