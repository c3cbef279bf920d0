/** The unbounded plate `for k in 0.. { }` and the labels that point into it. */
import type { Binder, DistExpr, Expr } from "../../model/ir.js";
import { int } from "../../model/ir.js";
import { sizeVar } from "../../model/size.js";
import type * as ast from "../../syntax/ast.js";
import type { Cx } from "../context.js";
import { quote } from "../context.js";
import { checkDomain } from "../domains.js";
import type { Scope } from "../scope.js";
import { argumentsOf } from "./processes.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** Finds the plate, so that labels above it know its size; reports a second or nested one. */
export function declarePlate(cx: Cx, body: ast.Block): void {
  const visit = (block: ast.Block, outer: "a loop" | "an `if`" | undefined): void => {
    for (const s of block.statements) {
      if (s.kind === "if") {
        visit(s.then, outer ?? "an `if`");
        if (s.else !== undefined) visit(s.else, outer ?? "an `if`");
      }
      if (s.kind !== "for") continue;
      if (s.to === undefined) declare(cx, s, outer);
      visit(s.body, outer ?? "a loop");
    }
  };
  visit(body, undefined);
}

function declare(cx: Cx, s: ast.ForStmt, outer: string | undefined): void {
  if (outer !== undefined) {
    cx.reporter.report("unbounded_nested", s.variable.span, { what: outer });
    return;
  }
  const first = cx.model.unbounded;
  if (first !== undefined) {
    cx.reporter.report("unbounded_twice", s.variable.span, {}, [
      { span: first.plate.variable.span, text: "the first one is here" },
    ]);
    return;
  }
  cx.model.unbounded = { size: `${s.variable.text}..`, plate: s };
}

/** The binder of an unbounded loop; undefined after an error. */
export function openUnbounded(cx: Cx, s: ast.ForStmt): Binder | undefined {
  const { span } = s.variable;
  const known = cx.model.unbounded;
  if (known?.plate !== s) return undefined;
  if (s.from.kind !== "number" || s.from.value !== 0) {
    return cx.reporter.report("unbounded_start", s.from.span, { text: quote(s.from.span) });
  }
  const from: Expr = { kind: "const", value: 0, span: s.from.span, type: int };
  const to: Expr = { kind: "var", role: "input", name: known.size, span, type: int };
  const name = cx.model.freshName(s.variable.text);
  const binder: Binder = { name, from, to, size: sizeVar(known.size), span };
  cx.model.binders.set(name, binder);
  cx.model.intervals.set(name, { lo: 0, hi: Number.POSITIVE_INFINITY });
  return binder;
}

/** `CRP(alpha)`: an int below the size of the unbounded plate. */
export function crpDist(cx: Cx, e: CallAst, scope: Scope): DistExpr | undefined {
  const args = argumentsOf(e, ["alpha"]);
  if (args === undefined) {
    for (const a of e.args) cx.expr(a.value, scope);
    const usage = "z[i] ~ CRP(alpha)";
    return cx.reporter.report("process_arguments", e.span, { dist: "CRP", usage });
  }
  const alpha = cx.expr(args[0], scope);
  const plate = cx.model.unbounded;
  if (plate === undefined) {
    return cx.reporter.report("labels_without_plate", e.span, {});
  }
  if (alpha === undefined) return undefined;
  if (alpha.type.dims.length > 0) {
    const reason = "is an array";
    return cx.reporter.report("concentration_varies", alpha.span, {
      text: quote(alpha.span),
      reason,
    });
  }
  if (!checkDomain(cx, "CRP", { name: "alpha", rank: 0, domain: "positive" }, alpha)) {
    return undefined;
  }
  const { span } = e;
  const size: Expr = { kind: "var", role: "input", name: plate.size, span, type: int };
  const support = { kind: "category", size } as const;
  return { kind: "named", name: "CRP", args: { alpha }, event: int, support, span };
}

/** `StickBreaking` and `DirichletProcess` anywhere but in a draw of their own at the top level. */
export function misplacedProcess(cx: Cx, e: CallAst, scope: Scope): undefined {
  for (const a of e.args) cx.reporter.quietly(() => cx.expr(a.value, scope));
  const dist = e.callee.kind === "name" ? e.callee.name : quote(e.callee.span);
  return cx.reporter.report("labels_place", e.span, { dist });
}
