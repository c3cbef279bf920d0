/** Groups the grammar's flat row `a + b * -c ^ d` by the binding strengths of `operators.ts`. */
import { binaryOperators, type OperatorRule, prefixStrength } from "../../grammar/operators.js";
import { joinSpans, type Span } from "../base/span.js";
import type { BinaryOp, Expr, UnaryOp } from "./ast.js";

const comparisonStrength = binaryOperators["<"].strength;

const rules: { readonly [op in BinaryOp]: OperatorRule } = binaryOperators;

/** One operand with the prefix operators before it, outermost first. */
export interface RowOperand {
  readonly prefixes: readonly { readonly op: UnaryOp; readonly span: Span }[];
  readonly operand: Expr;
}

/** One comparison of a chain `a < b < c`. */
export interface ComparisonPart {
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
}

/**
 * `operands` has one element more than `operators`. Comparisons do not chain: `a < b < c` is told
 * to `onChain`, once a chain, with the comparisons that are meant.
 */
export function groupOperations(
  operands: readonly RowOperand[],
  operators: readonly BinaryOp[],
  onChain: (chain: Expr, parts: readonly ComparisonPart[]) => void,
): Expr {
  let next = 0;

  /** The longest expression from here on whose operators bind at least as tight as `weakest`. */
  function group(weakest: number): Expr {
    let left = prefixed(operands[next], 0);
    const compared: ComparisonPart[] = [];
    while (next < operators.length) {
      const op = operators[next];
      const rule = rules[op];
      if (rule.strength < weakest) break;
      next++;
      const right = group(rule.rightAssociative ? rule.strength : rule.strength + 1);
      if (rule.strength === comparisonStrength) {
        compared.push({ op, left: compared.at(-1)?.right ?? left, right });
      } else if (compared.length > 0) report(left, compared);
      left = { kind: "binary", span: joinSpans(left.span, right.span), op, left, right };
    }
    report(left, compared);
    return left;
  }

  function report(chain: Expr, compared: ComparisonPart[]): void {
    if (compared.length > 1) onChain(chain, compared);
    compared.length = 0;
  }

  /** The operand under its prefixes from `first` on; a prefix takes in the `^` that follows. */
  function prefixed(row: RowOperand, first: number): Expr {
    if (first === row.prefixes.length) return row.operand;
    const { op, span } = row.prefixes[first];
    let operand = prefixed(row, first + 1);
    while (next < operators.length && rules[operators[next]].strength > prefixStrength) {
      const power = operators[next];
      const rule = rules[power];
      next++;
      const right = group(rule.rightAssociative ? rule.strength : rule.strength + 1);
      const joined = joinSpans(operand.span, right.span);
      operand = { kind: "binary", span: joined, op: power, left: operand, right };
    }
    return { kind: "unary", span: joinSpans(span, operand.span), op, operand };
  }

  return group(0);
}
