/** Mistakes in statements: what newcomers bring from Stan, BUGS, Python and JavaScript. */
import * as t from "../../grammar/tokens.js";
import { nearestNames } from "../base/nearest.js";
import { declarationWords, type Failure, isWordAt, type Rule, statementWords } from "./failure.js";
import { tokenEnd } from "./lower-context.js";

/** Words that begin a definition elsewhere. */
const variableWords: ReadonlySet<string> = new Set(["var", "const", "val", "auto", "def", "set"]);

export const explainStatement: Rule = (f, sink) => {
  if (declarationWords.includes(f.image(0)) && f.surrounding === "block") {
    if (f.at > 0) return false;
    sink.report("declaration_inside", f.span(0), { word: f.image(0) });
    return true;
  }
  if (f.surrounding === "dist") return explainMember(f, sink);
  switch (f.type(0)) {
    case t.For:
      return explainFor(f, sink);
    case t.If:
      return explainIf(f, sink);
    case t.Else:
      return explainElse(f, sink);
    case t.Let:
    case t.Param:
      return explainLet(f, sink);
    case t.Identifier:
      return explainTarget(f, sink);
    default:
      return explainLeftSide(f, sink);
  }
};

const explainMember: Rule = (f, sink) => {
  if (f.at > 0 && f.type(0) === t.Identifier && f.type(f.at) !== t.Tilde) return false;
  sink.report("dist_member", f.foundSpan, {});
  return true;
};

const explainFor: Rule = (f, sink) => {
  if (f.type(1) === t.LParen) {
    const inside = f.find(t.In, 0) < 0 ? inParentheses(f) : undefined;
    sink.report("for_parentheses", f.range(0, 2), inside ?? { name: "i", from: "0", to: "n" });
    return true;
  }
  const first = lastBinder(f);
  if (f.isKeyword(first)) {
    sink.report("reserved_word", f.span(first), { word: f.image(first) });
    return true;
  }
  const name = f.type(first) === t.Identifier ? f.image(first) : "i";
  if (f.type(f.at) === t.Colon && f.expected.has("DotDot")) {
    const from = first + 2;
    const comma = f.find(t.Comma, f.at);
    const end = comma < 0 ? f.tokens.length : comma;
    const range = { from: f.text(from, f.at), to: f.text(f.at + 1, end) || "n" };
    sink.report("colon_range", f.range(from, end), fromZero(range));
    return true;
  }
  if (f.at <= first + 1 || f.expected.has("DotDot")) {
    sink.report("for_without_range", f.foundSpan, { name });
    return true;
  }
  return missingBraces(f, sink, "for");
};

/** Where the binder that holds the error begins: after `for` or a comma. */
function lastBinder(f: Failure): number {
  let start = 1;
  for (;;) {
    const comma = f.find(t.Comma, start);
    if (comma < 0 || comma >= f.at) return start;
    start = comma + 1;
  }
}

/** The parts of `(i in 1:N)` and `(i in 0..N)`. */
function inParentheses(f: Failure): { name: string; from: string; to: string } | undefined {
  const end = f.afterBracket(1) - 1;
  if (f.type(2) !== t.Identifier || f.type(3) !== t.In) return undefined;
  for (let i = 4; i < end; i++) {
    if (f.type(i) === t.Colon || f.type(i) === t.DotDot) {
      const range = { from: f.text(4, i), to: f.text(i + 1, end) };
      const fixed = f.type(i) === t.Colon ? fromZero(range) : range;
      return { name: f.image(2), from: fixed.from, to: fixed.to };
    }
  }
  return undefined;
}

/** `1:N` counts from one and takes in its end; `0..N` runs as often. */
function fromZero(range: { from: string; to: string }): { from: string; to: string } {
  return range.from === "1" ? { from: "0", to: range.to } : range;
}

const explainIf: Rule = (f, sink) => {
  if (f.type(f.at) === t.Equal) {
    sink.report("equals_for_comparison", f.foundSpan, {});
    return true;
  }
  return missingBraces(f, sink, "if");
};

const explainElse: Rule = (f, sink) => {
  if (f.at === 0) {
    sink.report("dangling_else", f.span(0), {});
    return true;
  }
  return missingBraces(f, sink, "else");
};

const missingBraces: Rule3 = (f, sink, word) => {
  if (!f.expected.has("LBrace") || f.rules.at(-1) !== "block") return false;
  sink.report("missing_braces", f.foundSpan, { word });
  return true;
};
type Rule3 = (f: Failure, sink: Parameters<Rule>[1], word: string) => boolean;

const explainLet: Rule = (f, sink) => {
  const word = f.image(0);
  if (f.at === 1) {
    if (f.isKeyword(1)) sink.report("reserved_word", f.span(1), { word: f.image(1) });
    else sink.report("name_after_word", f.endsEarly ? f.span(0) : f.foundSpan, { word });
    return true;
  }
  if (f.rules.at(-1) === "target" || isAfterTarget(f)) {
    const target = f.text(1, f.at);
    const type = f.type(f.at);
    if (type === t.Tilde) {
      sink.report("let_draw", f.foundSpan, { word, target });
      return true;
    }
    if (type === t.EqualEqual || isArrow(f, f.at)) {
      const end = type === t.EqualEqual ? f.at + 1 : f.at + 2;
      sink.report("let_needs_equal", f.range(f.at, end), { word, target });
      return true;
    }
    if (type === t.LBracket) {
      sink.report("indices_apart", f.range(1, f.at), { name: f.image(1) });
      return true;
    }
    if (type === t.Identifier) {
      const params = { type: f.image(f.at - 1), name: f.image(f.at) };
      sink.report("let_type_before", f.range(f.at - 1, f.at + 1), { word, ...params });
      return true;
    }
    if (f.endsEarly && word === "let") {
      sink.report("let_without_value", f.range(0, f.at), { target });
      return true;
    }
  }
  return false;
};

function isAfterTarget(f: Failure): boolean {
  const rule = f.rules.at(-1);
  return rule === "letStatement" || rule === "paramStatement" || rule === "statement";
}

/** BUGS's and R's `<-`: the two characters side by side. */
function isArrow(f: Failure, i: number): boolean {
  if (f.type(i) !== t.Less || f.type(i + 1) !== t.Minus) return false;
  return tokenEnd(f.tokens[i]) === f.tokens[i + 1].startOffset;
}

const explainTarget: Rule = (f, sink) => {
  const word = f.image(0);
  const target = f.text(0, f.at);
  const type = f.type(f.at);
  const tilde = f.find(t.Tilde);
  if (tilde >= 0 && tilde < f.at) {
    if (f.at > tilde + 1 || !f.endsEarly) return false;
    sink.report("missing_distribution", f.span(tilde), { target: f.text(0, tilde) });
    return true;
  }
  if (isWordAt(f, 1) || f.type(1) === t.NumberLiteral) return explainTwoWords(f, sink);
  // `vector[N] y`, `real<lower=0> s`
  const named = typeBeforeName(f);
  if (named > 0) {
    const params = { found: f.text(0, named + 1), name: f.image(named), type: inputType(f, named) };
    sink.report("type_before_name", f.range(0, named + 1), params);
    return true;
  }
  if (isArrow(f, f.at)) {
    sink.report("arrow_assignment", f.range(f.at, f.at + 2), { target });
    return true;
  }
  if (type === t.Equal) {
    sink.report("missing_let", f.range(0, f.at), { target });
    return true;
  }
  if (type === t.EqualEqual) {
    sink.report("equation_as_definition", f.foundSpan, { target });
    return true;
  }
  if (type === t.LBracket && f.type(f.at - 1) === t.RBracket) {
    sink.report("indices_apart", f.range(0, f.at), { name: word });
    return true;
  }
  if (f.find(t.Colon) === 1 && f.at > 2 && f.rules.includes("sampleStatement")) {
    if (f.expected.has("Tilde") && f.endsEarly) {
      sink.report("type_without_draw", f.foundSpan, { target: word });
      return true;
    }
    return false;
  }
  if (tilde > f.at) {
    sink.report("not_a_target", f.range(0, tilde), {});
    return true;
  }
  if (f.rules.at(-1) === "target" || f.rules.at(-1) === "sampleStatement") {
    sink.report("bare_expression", f.range(0, f.tokens.length), {});
    return true;
  }
  return false;
};

/** `int N`, `var x = 3`, `lett x = 3`. */
const explainTwoWords: Rule = (f, sink) => {
  const word = f.image(0);
  const near = nearestNames(word, statementWords);
  if (variableWords.has(word)) {
    sink.report("variable_word", f.span(0), { word, name: f.image(1) });
  } else if (near.length > 0 && word !== "int") {
    sink.report("unknown_statement_word", f.span(0), { word, near });
  } else if (f.type(1) === t.Identifier && f.tokens.length === 2) {
    const params = { found: f.text(0, 2), name: f.image(1), type: inputType(f, 1) };
    sink.report("type_before_name", f.range(0, 2), params);
  } else {
    sink.report("unknown_statement_word", f.span(0), { word, near });
  }
  return true;
};

/** Stan's type `vector[N]` or `real<lower=0>` before the name at `end`, as Tilde writes it. */
function inputType(f: Failure, end: number): string {
  const sizes = f.type(end - 1) === t.RBracket ? f.text(f.find(t.LBracket), end) : "";
  const word = f.image(0);
  if (f.find(t.Less) === 1 && f.text(2, 5) === "lower=0" && word !== "int") {
    return `${f.type(5) === t.Greater ? "nonnegative" : "unit"}${sizes}`;
  }
  const arrays = ["vector", "row_vector", "matrix", "array", "float", "double"];
  return `${arrays.includes(word) ? "real" : word}${sizes}`;
}

/** The position of the name in `type[sizes] name` or `type<…> name`, or −1. */
function typeBeforeName(f: Failure): number {
  let i = 1;
  if (f.type(1) === t.Less) {
    const end = f.find(t.Greater, 2);
    if (end < 0) return -1;
    i = end + 1;
  }
  const name = f.type(i) === t.LBracket ? f.afterBracket(i) : i;
  return name > 1 && f.type(name) === t.Identifier ? name : -1;
}

/** A statement that begins with a number, a bracket or an operator. */
const explainLeftSide: Rule = (f, sink) => {
  if (f.at !== 0) return false;
  const word = f.image(0);
  if (f.isKeyword(0) && (f.type(1) === t.Tilde || f.type(1) === t.Equal)) {
    sink.report("reserved_word", f.span(0), { word });
    return true;
  }
  const tilde = f.find(t.Tilde);
  if (tilde > 0) {
    sink.report("not_a_target", f.range(0, tilde), {});
    return true;
  }
  if (tilde === 0) {
    sink.report("draw_without_name", f.span(0), {});
    return true;
  }
  if (f.tokens.length === 0 || f.isKeyword(0)) return false;
  sink.report("bare_expression", f.range(0, f.tokens.length), {});
  return true;
};
