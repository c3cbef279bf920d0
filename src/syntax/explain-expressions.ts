/** Mistakes inside expressions, wherever the expression stands. */
import * as t from "../../grammar/tokens.js";
import { type Failure, isWordAt, type Rule } from "./failure.js";

export const explainExpression: Rule = (f, sink) => {
  const type = f.found?.tokenType;
  const rule = f.rules.at(-1);
  if (wantsOperand(f)) {
    if (f.isKeyword(f.at)) {
      if (type === t.For) sink.report("for_in_expression", f.foundSpan, {});
      else sink.report("reserved_word", f.foundSpan, { word: f.image(f.at) });
      return true;
    }
    if (type === t.Colon || (type === t.DotDot && f.at > 0)) return explainRange(f, sink);
    const after = f.image(f.at - 1);
    if (type === t.LBrace) {
      sink.report("braces_in_expression", f.foundSpan, {});
      return true;
    }
    if (after === "") return false;
    if (type === undefined || endsOperand(f)) {
      sink.report("missing_value", f.beforeSpan, { after });
      return true;
    }
    if (isOperator(f)) {
      sink.report("operator_without_left", f.foundSpan, { operator: f.image(f.at) });
      return true;
    }
    return false;
  }
  if (type === t.Else) {
    sink.report("dangling_else", f.foundSpan, {});
    return true;
  }
  if (rule === "sampleStatement" || rule === "target") return explainSecondStatement(f, sink);
  if (type === t.Colon || type === t.DotDot) return explainRange(f, sink);
  if (f.rules.includes("ifExpression") && (rule === "ifExpression" || f.expected.has("Then"))) {
    sink.report("conditional_words", f.foundSpan, {});
    return true;
  }
  if (type === t.Equal) {
    const named = rule === "callSuffix" || rule === "argument";
    if (named && f.type(f.at - 1) === t.Identifier) {
      sink.report("named_with_equals", f.foundSpan, { name: f.image(f.at - 1) });
    } else sink.report("equals_for_comparison", f.foundSpan, {});
    return true;
  }
  if (type === t.For) {
    sink.report("for_in_expression", f.foundSpan, {});
    return true;
  }
  if (type === t.Comma && f.type(f.at - 1) === t.Comma) {
    sink.report("missing_value", f.beforeSpan, { after: "," });
    return true;
  }
  if (type === t.Comma && rule === "primary") {
    sink.report("tuple", f.foundSpan, {});
    return true;
  }
  if (type === t.ThinArrow) {
    sink.report("thin_arrow", f.foundSpan, {});
    return true;
  }
  if (type === t.Bang || type === t.Tilde) return explainStrayOperator(f, sink);
  if (rule === "comprehension" && f.expected.has("Colon")) {
    sink.report("missing_colon", f.foundSpan, {});
    return true;
  }
  const inList = rule === "callSuffix" || rule === "array" || rule === "indexSuffix";
  if ((inList || f.expected.has("RParen")) && startsOperand(f)) {
    sink.report("missing_comma", f.foundSpan, { found: f.image(f.at) });
    return true;
  }
  if (f.at > 0 && !f.endsEarly && startsOperand(f) && f.surrounding === "block") {
    sink.report("two_values", f.foundSpan, { found: f.image(f.at) });
    return true;
  }
  if (rule === "memberSuffix" || rule === "propertyName") {
    sink.report("missing_member", f.beforeSpan, {});
    return true;
  }
  return false;
};

/** `let a = b c`: the parser took `c` for a new statement and missed its `~`. */
const explainSecondStatement: Rule = (f, sink) => {
  const bracketed = f.type(f.at - 1) === t.RBracket;
  const start = bracketed ? f.openingOf(f.at - 1) - 1 : f.at - 1;
  if (start <= 0) return false;
  sink.report("two_values", f.span(start), { found: f.image(start) });
  return true;
};

/** `x[1:3]`, `sum(1:N)`, `let r = 0..N`. */
const explainRange: Rule = (f, sink) => {
  if (f.rules.includes("indexSuffix") && f.type(f.at) === t.Colon) {
    sink.report("colon_slice", f.foundSpan, {});
    return true;
  }
  if (f.rules.includes("comprehension")) {
    const rule = f.rules.at(-1);
    if (rule === "binder" || f.expected.has("DotDot")) {
      sink.report("colon_range_in_comprehension", f.foundSpan, {});
      return true;
    }
  }
  if (f.type(f.at) === t.Colon && !isWordAt(f, f.at - 1) && f.type(f.at - 1) === t.NumberLiteral) {
    const range = { from: f.image(f.at - 1), to: isWordAt(f, f.at + 1) ? f.image(f.at + 1) : "n" };
    sink.report("colon_range", f.foundSpan, range.from === "1" ? { ...range, from: "0" } : range);
    return true;
  }
  if (f.type(f.at) === t.DotDot) {
    sink.report("range_as_value", f.foundSpan, {});
    return true;
  }
  return false;
};

const explainStrayOperator: Rule = (f, sink) => {
  if (f.type(f.at) === t.Tilde) {
    sink.report("second_tilde", f.foundSpan, {});
    return true;
  }
  return false;
};

function wantsOperand(f: Failure): boolean {
  return f.expected.has("NumberLiteral") && f.expected.has("Identifier");
}

/** Whether the offending token can only follow a finished expression. */
function endsOperand(f: Failure): boolean {
  const type = f.found?.tokenType;
  return (
    type === t.LineEnd ||
    type === t.Semicolon ||
    type === t.RBrace ||
    type === t.RParen ||
    type === t.RBracket ||
    type === t.Comma
  );
}

function isOperator(f: Failure): boolean {
  return f.found?.tokenType.CATEGORIES?.includes(t.BinaryOperator) ?? false;
}

function startsOperand(f: Failure): boolean {
  const type = f.found?.tokenType;
  return (
    type === t.Identifier ||
    type === t.NumberLiteral ||
    type === t.StringLiteral ||
    type === t.LParen ||
    type === t.LBracket ||
    type === t.True ||
    type === t.False ||
    type === t.Inf
  );
}
