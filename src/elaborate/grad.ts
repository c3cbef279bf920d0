/** `grad(f)(x)`: the gradient of a function of one argument at a value of it. */
import { type Expr, real } from "../model/ir.js";
import { printType } from "../model/print.js";
import type * as ast from "../syntax/ast.js";
import { functionValue } from "./callables.js";
import { type Cx, quote } from "./context.js";
import { convert, defineLocal } from "./functions.js";
import type { Scope } from "./scope.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** True of `grad(…)`, where no name of the text stands for something else. */
export function isGrad(e: CallAst, scope: Scope): boolean {
  const { callee } = e;
  if (callee.kind !== "name" || callee.name !== "grad") return false;
  return scope.lookup("grad") === undefined && !scope.env.fns.has("grad");
}

/** The names that hold function and argument while the body is elaborated: no identifiers. */
const [FN, ARG] = ["grad f", "grad x"];

/** @param of the call `grad(f)` inside `e` */
export function gradExpr(cx: Cx, e: CallAst, of: CallAst, scope: Scope): Expr | undefined {
  const usage = () => cx.reporter.report("grad_usage", e.span, {});
  const [given, ...more] = of.args;
  const [x, ...others] = e.args;
  if (given === undefined || x === undefined || more.length + others.length > 0) return usage();
  if (given.name !== undefined || x.name !== undefined) return usage();
  const fn = functionValue(cx, given.value, scope);
  const found = cx.expr(x.value, scope);
  if (fn === undefined) {
    const { span } = given.value;
    return cx.reporter.report("grad_function", span, { text: quote(span) });
  }
  const point = found && convert(cx, found, "real", found.span);
  if (point === undefined) return undefined;
  if (point.type.scalar !== "real") {
    const params = { text: quote(point.span), actual: printType(point.type) };
    return cx.reporter.report("grad_point", point.span, params);
  }
  const isLambda = given.value.kind === "lambda";
  const base = isLambda && given.value.kind === "lambda" ? given.value.params[0]?.text : undefined;
  const variable = cx.model.freshName(base ?? "u");
  defineLocal(cx, variable, point);
  const inner = scope.child();
  inner.set(FN, fn);
  inner.set(ARG, { kind: "local", span: x.span, name: variable, type: point.type });
  const name = (text: string): ast.Expr => ({ kind: "name", span: given.value.span, name: text });
  const args: ast.Arg[] = [{ span: x.span, value: { kind: "name", span: x.span, name: ARG } }];
  const call: ast.Expr = { kind: "call", span: given.value.span, callee: name(FN), args };
  const body = cx.expr(call, inner);
  if (body === undefined) return undefined;
  if (body.type.dims.length > 0 || body.type.scalar === "bool") {
    const params = { text: quote(given.value.span), actual: printType(body.type) };
    return cx.reporter.report("grad_value", given.value.span, params);
  }
  const value = convert(cx, body, "real", body.span);
  if (value === undefined) return undefined;
  const type = { scalar: real.scalar, dims: point.type.dims };
  return { kind: "grad", variable, point, body: value, span: e.span, type };
}
