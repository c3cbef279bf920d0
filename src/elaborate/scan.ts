/**
 * `let z = scan(f, z0, xs, a, …)`: z[t] = f(z[t − 1], xs[t], a, …) for the rows of `xs`, beginning with
 * z0 before the first, written as a recurrence before names are looked at. New names hold a blank, so
 * that none of the model's can meet them.
 */
import type * as ast from "../syntax/ast.js";
import type { Cx } from "./context.js";
import { rewriteStatements } from "./rewrite.js";
import type { Scope } from "./scope.js";
import { binds, substituted } from "./transforms.js";
import { writer } from "./writer.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** True of `scan(…)`, where no name of the text stands for something else. */
export function isScan(e: ast.Expr, scope: Scope): e is CallAst {
  if (e.kind !== "call" || e.callee.kind !== "name" || e.callee.name !== "scan") return false;
  return scope.lookup("scan") === undefined && !scope.env.fns.has("scan");
}

/** The body with each `let z = scan(…)` as a recurrence; reports those that cannot be written so. */
export function withoutScans(cx: Cx, body: ast.Block, scope: Scope): ast.Block {
  return rewriteStatements(body, (s) => {
    if (s.kind !== "let" || !isScan(s.value, scope)) return [s];
    const made = recurrence(cx, s, s.value);
    if (made !== undefined) return made;
    // What is wrong has been told of; uses of the name are silent.
    const { text, span } = s.target.name;
    scope.set(text, { kind: "broken", span });
    return [];
  });
}

function recurrence(cx: Cx, s: ast.LetStmt, call: CallAst): ast.Stmt[] | undefined {
  const [f, start, xs, ...more] = call.args;
  if (xs === undefined || call.args.some((a) => a.name !== undefined)) {
    return cx.reporter.report("scan_usage", call.span, {});
  }
  const w = writer(call.span);
  const { text } = s.target.name;
  const path = { ...s.target, name: { ...s.target.name, text: `${text} path` } };
  const into = (index: ast.Expr, value: ast.Expr): ast.Stmt => {
    const target = { ...path, indices: [...path.indices, index] };
    return { kind: "let", span: call.span, target, value };
  };
  const count = w.call("size", xs.value, w.number(0));
  const t = w.name(`${text} t`);
  const before = w.element(path, w.minus(t, w.number(1)));
  const x = w.at(xs.value, w.minus(t, w.number(1)));
  const next = stepped(cx, f.value, [before, x, ...more.map((a) => a.value)]);
  if (next === undefined) return undefined;
  const n = `${text} n`;
  const after = w.element(path, w.plus(w.name(n), w.number(1)));
  return [
    into(w.number(0), w.call("real", start.value)),
    w.loop(`${text} t`, w.number(1), w.plus(count, w.number(1)), [into(t, next)]),
    { ...s, value: w.comprehension(n, count, after) },
  ];
}

/** f(state, x, a, …), with the body of a lambda written out. */
function stepped(cx: Cx, f: ast.Expr, values: readonly ast.Expr[]): ast.Expr | undefined {
  const w = writer(f.span);
  if (f.kind === "name" || f.kind === "member" || f.kind === "index") {
    return { kind: "call", span: f.span, callee: f, args: values.map(w.arg) };
  }
  if (f.kind !== "lambda" || f.params.length !== values.length) {
    return cx.reporter.report("scan_usage", f.span, {});
  }
  let body: unknown = f.body;
  // Values may hold the names of the text: parameters are renamed before they are filled in.
  for (const [k, p] of f.params.entries()) {
    if (binds(f.body, p.text)) {
      return cx.reporter.report("transformed_shadow", p.span, { name: p.text });
    }
    body = substituted(body, p.text, w.name(`argument ${k}`));
  }
  values.forEach((value, k) => {
    body = substituted(body, `argument ${k}`, value);
  });
  return body as ast.Expr;
}
