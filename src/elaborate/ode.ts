/**
 * `let z = ode(f, z0, t0, ts, a, …, steps: M)`, the solution of z′ = f(t, z, a, …) from z(t0) = z0 at
 * the times `ts`, written as a recurrence before names are looked at: M steps of the classical method
 * of Runge and Kutta between times next to each other (Hairer, Nørsett and Wanner, "Solving Ordinary
 * Differential Equations I", section II.1, table 1.2). A path of twice as many steps tells its error
 * (Richardson extrapolation, section II.4, equation 4.4); nothing computes that one before a run is
 * over. Gradients are those of the steps themselves. New names hold a blank, so that none of the
 * model's can meet them.
 */
import type { Span } from "../base/span.js";
import { errorOf } from "../model/auxiliary.js";
import type * as ast from "../syntax/ast.js";
import type { Cx } from "./context.js";
import { rewriteStatements } from "./rewrite.js";
import type { Scope } from "./scope.js";
import { writer } from "./writer.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** Steps between times where the text has none. */
const STEPS = 10;
/** The error is the difference times this, over this less 1: 2⁴ for a method of order 4. */
const RICHARDSON = 16;

/** True of `ode(…)`, where no name of the text stands for something else. */
export function isOde(e: ast.Expr, scope: Scope): e is CallAst {
  if (e.kind !== "call" || e.callee.kind !== "name" || e.callee.name !== "ode") return false;
  return scope.lookup("ode") === undefined && !scope.env.fns.has("ode");
}

/** The body with each `let z = ode(…)` as a recurrence; reports those that cannot be written so. */
export function withoutOdes(cx: Cx, body: ast.Block, scope: Scope): ast.Block {
  return rewriteStatements(body, (s) => {
    if (s.kind !== "let" || !isOde(s.value, scope)) return [s];
    const made = solved(cx, s, s.value);
    if (made !== undefined) return made;
    // What is wrong has been told of; uses of the name are silent.
    const { text, span } = s.target.name;
    scope.set(text, { kind: "broken", span });
    return [];
  });
}

interface Problem {
  readonly f: ast.Expr;
  readonly start: ast.Expr;
  readonly t0: ast.Expr;
  readonly times: ast.Expr;
  readonly more: readonly ast.Arg[];
  readonly steps: ast.Expr;
}

function problemOf(cx: Cx, call: CallAst): Problem | undefined {
  const w = writer(call.span);
  const plain = call.args.filter((a) => a.name === undefined);
  const named = call.args.filter((a) => a.name !== undefined);
  const [f, start, t0, times, ...more] = plain;
  const strange = named.find((a) => a.name?.text !== "steps");
  if (times === undefined || strange !== undefined || named.length > 1) {
    return cx.reporter.report("ode_usage", (strange ?? call).span, {});
  }
  if (f.value.kind !== "name" && f.value.kind !== "member" && f.value.kind !== "index") {
    return cx.reporter.report("ode_function", f.span, {});
  }
  const steps = named[0]?.value ?? w.number(STEPS);
  if (steps.kind === "number" && !(steps.isInt && steps.value >= 1)) {
    return cx.reporter.report("ode_steps", steps.span, {});
  }
  return { f: f.value, start: start.value, t0: t0.value, times: times.value, more, steps };
}

function solved(cx: Cx, s: ast.LetStmt, call: CallAst): ast.Stmt[] | undefined {
  const p = problemOf(cx, call);
  if (p === undefined) return undefined;
  const { text } = s.target.name;
  const w = writer(call.span);
  const path = { ...s.target, name: { ...s.target.name, text: `${text} path` } };
  const atTimes = (of: ast.Target, steps: ast.Expr): ast.Expr => {
    const n = `${text} n`;
    const row = w.element(of, w.times(w.plus(w.name(n), w.number(1)), steps));
    return w.comprehension(n, w.call("size", p.times, w.number(0)), row);
  };
  const twice = w.times(w.number(2), p.steps);
  const fine = { ...path, name: { ...path.name, text: `${text} fine path` } };
  const error = { ...path, name: { ...path.name, text: errorOf(text) } };
  const gap = w.minus(atTimes(path, p.steps), atTimes(fine, twice));
  const value = w.over(w.times(w.number(RICHARDSON), gap), w.number(RICHARDSON - 1));
  return [
    ...pathOf(p, path, p.steps, call.span),
    { ...s, value: atTimes(path, p.steps) },
    ...pathOf(p, fine, twice, call.span),
    { kind: "let", span: s.span, target: error, value },
  ];
}

/** `path[0] = z0` and the loop that gives the others, `steps` for each of the times. */
function pathOf(p: Problem, path: ast.Target, steps: ast.Expr, span: Span): ast.Stmt[] {
  const w = writer(span);
  const { text } = path.name;
  const local = (name: string): string => `${text} ${name}`;
  const read = (name: string): ast.Expr => w.name(local(name));
  const define = (name: string, value: ast.Expr): ast.Stmt => w.define(local(name), value);
  const into = (index: ast.Expr, value: ast.Expr): ast.Stmt => {
    return { kind: "let", span, target: { ...path, indices: [...path.indices, index] }, value };
  };
  const before = w.minus(read("s"), w.number(1));
  const slope = (t: ast.Expr, z: ast.Expr): ast.Expr => {
    return { kind: "call", span, callee: p.f, args: [w.arg(t), w.arg(z), ...p.more] };
  };
  const [t, z, h] = [read("t"), read("z"), read("h")];
  const half = w.over(h, w.number(2));
  const moved = (by: ast.Expr, k: string): ast.Expr => w.plus(z, w.times(by, read(k)));
  const middle = w.plus(t, half);
  const mean = ["k1", "k2", "k2", "k3", "k3", "k4"].map(read).reduce(w.plus);
  const first = w.less(w.number(0), read("n"));
  const last = w.at(p.times, w.minus(read("n"), w.number(1)));
  const body: ast.Stmt[] = [
    define("n", w.call("idiv", before, steps)),
    define("from", w.choose(first, last, p.t0)),
    define("h", w.over(w.minus(w.at(p.times, read("n")), read("from")), steps)),
    define("t", w.plus(read("from"), w.times(w.mod(before, steps), h))),
    define("z", w.element(path, before)),
    define("k1", slope(t, z)),
    define("k2", slope(middle, moved(half, "k1"))),
    define("k3", slope(middle, moved(half, "k2"))),
    define("k4", slope(w.plus(t, h), moved(h, "k3"))),
    into(read("s"), w.plus(z, w.times(w.over(h, w.number(6)), mean))),
  ];
  const count = w.plus(w.times(w.call("size", p.times, w.number(0)), steps), w.number(1));
  return [into(w.number(0), w.call("real", p.start)), w.loop(local("s"), w.number(1), count, body)];
}
