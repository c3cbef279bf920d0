/** CST → AST for blocks and statements. */
import type { CstNode, IToken } from "../../grammar/chevrotain.js";
import type {
  BlockCstNode,
  ForStatementCstNode,
  IfStatementCstNode,
  SampleStatementCstNode,
  StatementCstNode,
  TargetCstNode,
  TypeCstNode,
} from "../../grammar/generated/cst.js";
import { internalError } from "../base/internal.js";
import type { Block, ForStmt, IfStmt, SampleStmt, Stmt, Target, TypeExpr } from "./ast.js";
import { type LowerContext, lowerName, nodeSpan, nodeStart, spanAt } from "./lower-context.js";
import { lowerExpression, lowerType } from "./lower-expressions.js";

export function lowerBlock(cx: LowerContext, node: BlockCstNode): Block {
  const statements = node.children.statement ?? [];
  checkSeparated(cx, statements, node.children.Separator ?? []);
  return {
    kind: "block",
    span: nodeSpan(cx, node),
    statements: statements.map((s) => lowerStatement(cx, s)),
  };
}

/**
 * Reports neighbours that no separator keeps apart, as in `a ~ A() b ~ B()`. After a `}` none is
 * needed. The grammar lets them pass, so that this says what is missing.
 */
export function checkSeparated(
  cx: LowerContext,
  nodes: readonly CstNode[],
  separators: readonly IToken[],
): void {
  let s = 0;
  for (let i = 1; i < nodes.length; i++) {
    const end = nodeSpan(cx, nodes[i - 1]).end;
    const start = nodeStart(nodes[i]);
    while (s < separators.length && separators[s].startOffset < end) s++;
    const separated = s < separators.length && separators[s].startOffset < start;
    // A closed block needs none; nor does a line end that rule 2 or 3 of the layout took away.
    if (separated || cx.source.text[end - 1] === "}") continue;
    if (/[\n\r]/.test(cx.source.text.slice(end, start))) continue;
    const span = nodeSpan(cx, nodes[i]);
    const word = /^[^\s([{]*/u.exec(cx.source.text.slice(start, span.end))?.[0] ?? "";
    cx.sink.report("missing_separator", spanAt(cx, start, start + Math.max(1, word.length)), {});
  }
}

export function lowerStatement(cx: LowerContext, node: StatementCstNode): Stmt {
  const span = nodeSpan(cx, node);
  const c = node.children;
  if (c.sampleStatement !== undefined) return lowerSample(cx, c.sampleStatement[0]);
  if (c.forStatement !== undefined) return lowerFor(cx, c.forStatement[0]);
  if (c.ifStatement !== undefined) return lowerIf(cx, c.ifStatement[0]);
  if (c.letStatement !== undefined) {
    const { target, type, expression } = c.letStatement[0].children;
    return {
      kind: "let",
      span,
      target: lowerTarget(cx, target[0]),
      type: optionalType(cx, type),
      value: lowerExpression(cx, expression[0]),
    };
  }
  if (c.paramStatement !== undefined) {
    const { target, type, expression, next } = c.paramStatement[0].children;
    return {
      kind: "param",
      span,
      target: lowerTarget(cx, target[0]),
      type: optionalType(cx, type),
      init: expression === undefined ? undefined : lowerExpression(cx, expression[0]),
      ...(next && { next: lowerExpression(cx, next[0]) }),
    };
  }
  if (c.observeStatement !== undefined) {
    const { value, dist } = c.observeStatement[0].children;
    return {
      kind: "observe",
      span,
      value: lowerExpression(cx, value[0]),
      dist: lowerExpression(cx, dist[0]),
    };
  }
  if (c.factorStatement !== undefined) {
    const value = lowerExpression(cx, c.factorStatement[0].children.expression[0]);
    return { kind: "factor", span, value };
  }
  if (c.returnStatement !== undefined) {
    const [value, ...players] = c.returnStatement[0].children.expression.map((e) =>
      lowerExpression(cx, e),
    );
    return { kind: "return", span, value, ...(players.length > 0 && { players }) };
  }
  return internalError("statement without alternative");
}

function optionalType(cx: LowerContext, types: readonly TypeCstNode[] | undefined) {
  return types === undefined ? undefined : (lowerType(cx, types[0]) satisfies TypeExpr);
}

function lowerTarget(cx: LowerContext, node: TargetCstNode): Target {
  return {
    span: nodeSpan(cx, node),
    name: lowerName(cx, node.children.Identifier[0]),
    indices: (node.children.expression ?? []).map((e) => lowerExpression(cx, e)),
  };
}

function lowerSample(cx: LowerContext, node: SampleStatementCstNode): SampleStmt {
  const { target, type, dist, strategy } = node.children;
  return {
    kind: "sample",
    span: nodeSpan(cx, node),
    target: lowerTarget(cx, target[0]),
    type: optionalType(cx, type),
    dist: lowerExpression(cx, dist[0]),
    using: strategy === undefined ? undefined : lowerExpression(cx, strategy[0]),
  };
}

/** `for i in a..b, j in c..d { … }` becomes loops in one another, from the last binder back. */
function lowerFor(cx: LowerContext, node: ForStatementCstNode): ForStmt {
  const { loopBinder, block } = node.children;
  const whole = nodeSpan(cx, node);
  let body = lowerBlock(cx, block[0]);
  for (let i = loopBinder.length - 1; ; i--) {
    const { Identifier, from, to } = loopBinder[i].children;
    const loop: ForStmt = {
      kind: "for",
      span: i === 0 ? whole : spanAt(cx, nodeStart(loopBinder[i]), whole.end),
      variable: lowerName(cx, Identifier[0]),
      from: lowerExpression(cx, from[0]),
      to: to === undefined ? undefined : lowerExpression(cx, to[0]),
      body,
    };
    if (i === 0) return loop;
    body = { kind: "block", span: loop.span, statements: [loop] };
  }
}

/** `else if` becomes a block of one `if`, from the last branch back. */
function lowerIf(cx: LowerContext, node: IfStatementCstNode): IfStmt {
  const { If, expression, block, FinalElse } = node.children;
  const span = nodeSpan(cx, node);
  const last = FinalElse === undefined ? undefined : block[block.length - 1];
  let otherwise = last === undefined ? undefined : lowerBlock(cx, last);
  let statement: IfStmt | undefined;
  for (let i = expression.length - 1; i >= 0; i--) {
    statement = {
      kind: "if",
      span: spanAt(cx, If[i].startOffset, span.end),
      condition: lowerExpression(cx, expression[i]),
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the AST; never awaited
      then: lowerBlock(cx, block[i]),
      else: otherwise,
    };
    otherwise = { kind: "block", span: statement.span, statements: [statement] };
  }
  return statement ?? internalError("`if` without branch");
}
