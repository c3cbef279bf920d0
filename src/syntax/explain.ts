/**
 * A parse error in plain words. Each rule knows one mistake; the first that recognises the failed
 * statement reports it, and the last one speaks for all others. Rules run only after the parser has
 * refused the text, so none can reject a valid program.
 */
import * as t from "../../grammar/tokens.js";
import type { DiagnosticSink } from "../base/diagnostic.js";
import { explainDeclaration } from "./explain-declarations.js";
import { explainExpression } from "./explain-expressions.js";
import { explainStatement } from "./explain-statements.js";
import { type FailedParse, Failure, type Rule } from "./failure.js";

/** Reports exactly one diagnostic for a failed parse. */
export function explain(failed: FailedParse, sink: DiagnosticSink): void {
  const f = new Failure(failed);
  const rules: readonly Rule[] = [
    f.surrounding === "file" ? explainDeclaration : explainStatement,
    explainExpression,
    explainAnything,
  ];
  rules.some((rule) => rule(f, sink));
}

const operandStarts = ["NumberLiteral", "Identifier", "LParen", "LBracket"];

/** Names the tokens that may stand at the point of the error. */
function explainAnything(f: Failure, sink: DiagnosticSink): boolean {
  const wanted = describeExpected(f);
  if (f.found === undefined) sink.report("unexpected_end", f.foundSpan, { wanted });
  else if (f.found.tokenType === t.LineEnd) sink.report("unfinished_line", f.foundSpan, { wanted });
  else sink.report("unexpected", f.foundSpan, { found: `\`${f.found.image}\``, wanted });
  return true;
}

function describeExpected(f: Failure): string {
  if (operandStarts.every((name) => f.expected.has(name))) return "an expression belongs here";
  const labels = [...f.expected]
    .filter((name) => name !== "EOF")
    .map((name) => labelOf.get(name) ?? name);
  if (labels.length === 0 || labels.length > 6) return "check the text around it";
  const last = labels.pop();
  return labels.length === 0
    ? `${last} belongs here`
    : `one of ${labels.join(", ")} or ${last} belongs here`;
}

const labelOf: ReadonlyMap<string, string> = new Map(
  t.allTokens.map((type) => [type.name, type.LABEL ?? type.name]),
);
