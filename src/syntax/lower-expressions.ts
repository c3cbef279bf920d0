/** CST → AST for expressions and types. */
import type {
  ArgumentCstNode,
  ArrayCstNode,
  BinderCstNode,
  CallSuffixCstNode,
  ComprehensionCstNode,
  ExpressionCstNode,
  IndexCstNode,
  IndexSuffixCstNode,
  LambdaCstNode,
  MemberSuffixCstNode,
  OperandCstNode,
  OperationCstNode,
  PrimaryCstNode,
  PropertyNameCstNode,
  TypeCstNode,
} from "../../grammar/generated/cst.js";
import { internalError } from "../base/internal.js";
import { joinSpans, type Span } from "../base/span.js";
import type { Arg, BinaryOp, Binder, Expr, Index, Name, TypeExpr, UnaryOp } from "./ast.js";
import { inTextOrder, type LowerContext, lowerName, nodeSpan, tokenSpan } from "./lower-context.js";
import { groupOperations, type RowOperand } from "./lower-operations.js";
import { readString } from "./string-literal.js";

export function lowerExpression(cx: LowerContext, node: ExpressionCstNode): Expr {
  const { ifExpression, lambda, operation } = node.children;
  if (operation !== undefined) return lowerOperation(cx, operation[0]);
  if (lambda !== undefined) return lowerLambda(cx, lambda[0]);
  if (ifExpression === undefined) return internalError("expression without alternative");
  const { condition, then, otherwise } = ifExpression[0].children;
  return {
    kind: "if",
    span: nodeSpan(cx, node),
    condition: lowerExpression(cx, condition[0]),
    // biome-ignore lint/suspicious/noThenProperty: the branch's name in the AST; never awaited
    then: lowerExpression(cx, then[0]),
    else: lowerExpression(cx, otherwise[0]),
  };
}

export function lowerType(cx: LowerContext, node: TypeCstNode): TypeExpr {
  const { Identifier, arg, size } = node.children;
  return {
    span: nodeSpan(cx, node),
    name: lowerName(cx, Identifier[0]),
    args: (arg ?? []).map((e) => lowerExpression(cx, e)),
    sizes: (size ?? []).map((e) => lowerExpression(cx, e)),
  };
}

function lowerLambda(cx: LowerContext, node: LambdaCstNode): Expr {
  return {
    kind: "lambda",
    span: nodeSpan(cx, node),
    params: (node.children.Identifier ?? []).map((token) => lowerName(cx, token)),
    body: lowerExpression(cx, node.children.expression[0]),
  };
}

function lowerOperation(cx: LowerContext, node: OperationCstNode): Expr {
  const { operand, BinaryOperator } = node.children;
  // The images are those of `binaryOperators`: the token table gives no other this category.
  const operators = (BinaryOperator ?? []).map((token) => token.image as BinaryOp);
  return groupOperations(
    operand.map((o) => lowerOperand(cx, o)),
    operators,
    (chain, parts) => {
      const shown = (e: Expr) => shortText(cx, e.span);
      const meant = parts.map((p) => `${shown(p.left)} ${p.op} ${shown(p.right)}`).join(" && ");
      cx.sink.report("comparison_chain", chain.span, { meant });
    },
  );
}

/** Text on one line; what is long stands as `…`. */
function shortText(cx: LowerContext, span: Span): string {
  const text = cx.source.text.slice(span.start, span.end).replace(/\s+/g, " ");
  return text.length > 24 ? "…" : text;
}

function lowerOperand(cx: LowerContext, node: OperandCstNode): RowOperand {
  const { PrefixOperator, primary, callSuffix, indexSuffix, memberSuffix } = node.children;
  let operand = lowerPrimary(cx, primary[0]);
  for (const suffix of inTextOrder<CallSuffixCstNode | IndexSuffixCstNode | MemberSuffixCstNode>(
    callSuffix,
    indexSuffix,
    memberSuffix,
  )) {
    operand = lowerSuffix(cx, operand, suffix);
  }
  const prefixes = (PrefixOperator ?? []).map((token) => ({
    op: token.image as UnaryOp,
    span: tokenSpan(cx, token),
  }));
  return { prefixes, operand };
}

function lowerSuffix(
  cx: LowerContext,
  target: Expr,
  node: CallSuffixCstNode | IndexSuffixCstNode | MemberSuffixCstNode,
): Expr {
  const span = joinSpans(target.span, nodeSpan(cx, node));
  switch (node.name) {
    case "memberSuffix":
      return { kind: "member", span, target, name: property(cx, node.children.propertyName[0]) };
    case "indexSuffix": {
      const indices = node.children.index.map((i) => lowerIndex(cx, i));
      return { kind: "index", span, target, indices };
    }
    case "callSuffix": {
      const { comprehension, argument } = node.children;
      if (comprehension === undefined) {
        const args = (argument ?? []).map((a) => lowerArgument(cx, a));
        return { kind: "call", span, callee: target, args };
      }
      const parts = lowerComprehension(cx, comprehension[0]);
      if (target.kind !== "name") {
        cx.sink.report("reduction_callee", target.span, {});
        return target;
      }
      const op: Name = { text: target.name, span: target.span };
      return { kind: "reduce", span, op, ...parts };
    }
  }
}

function lowerArgument(cx: LowerContext, node: ArgumentCstNode): Arg {
  const { propertyName, expression } = node.children;
  return {
    span: nodeSpan(cx, node),
    name: propertyName === undefined ? undefined : property(cx, propertyName[0]),
    value: lowerExpression(cx, expression[0]),
  };
}

function property(cx: LowerContext, node: PropertyNameCstNode): Name {
  const { Identifier, Keyword } = node.children;
  const token = Identifier?.[0] ?? Keyword?.[0];
  return token === undefined ? internalError("property without name") : lowerName(cx, token);
}

function lowerIndex(cx: LowerContext, node: IndexCstNode): Index {
  const span = nodeSpan(cx, node);
  const { from, DotDot, to } = node.children;
  if (DotDot === undefined && from !== undefined) {
    return { kind: "at", span, value: lowerExpression(cx, from[0]) };
  }
  return {
    kind: "range",
    span,
    from: from === undefined ? undefined : lowerExpression(cx, from[0]),
    to: to === undefined ? undefined : lowerExpression(cx, to[0]),
  };
}

function lowerPrimary(cx: LowerContext, node: PrimaryCstNode): Expr {
  const span = nodeSpan(cx, node);
  const c = node.children;
  if (c.NumberLiteral !== undefined) {
    const { image } = c.NumberLiteral[0];
    return { kind: "number", span, value: Number(image), isInt: /^\d+$/.test(image) };
  }
  if (c.Identifier !== undefined) {
    return { kind: "name", span, name: lowerName(cx, c.Identifier[0]).text };
  }
  if (c.array !== undefined) return lowerArray(cx, c.array[0]);
  // Parentheses belong to the span of what they hold: errors then underline the whole of it.
  if (c.expression !== undefined) return { ...lowerExpression(cx, c.expression[0]), span };
  if (c.Inf !== undefined) return { kind: "number", span, value: Infinity, isInt: false };
  if (c.True !== undefined) return { kind: "bool", span, value: true };
  if (c.False !== undefined) return { kind: "bool", span, value: false };
  if (c.StringLiteral !== undefined) {
    return { kind: "string", span, value: readString(c.StringLiteral[0].image).value };
  }
  return internalError("primary without alternative");
}

function lowerArray(cx: LowerContext, node: ArrayCstNode): Expr {
  const span = nodeSpan(cx, node);
  const { comprehension, expression } = node.children;
  if (comprehension !== undefined) {
    return { kind: "comprehension", span, ...lowerComprehension(cx, comprehension[0]) };
  }
  return { kind: "array", span, items: (expression ?? []).map((e) => lowerExpression(cx, e)) };
}

function lowerComprehension(
  cx: LowerContext,
  node: ComprehensionCstNode,
): { binders: Binder[]; body: Expr } {
  return {
    binders: node.children.binder.map((b) => lowerBinder(cx, b)),
    body: lowerExpression(cx, node.children.expression[0]),
  };
}

function lowerBinder(cx: LowerContext, node: BinderCstNode): Binder {
  return {
    span: nodeSpan(cx, node),
    variable: lowerName(cx, node.children.Identifier[0]),
    from: lowerExpression(cx, node.children.from[0]),
    to: lowerExpression(cx, node.children.to[0]),
  };
}
