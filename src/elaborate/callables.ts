/** What can be called: functions, modules' instances, functions given as arguments. */
import { constantSize } from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { builtinAliases, builtinRules } from "./builtins.js";
import type { Cx } from "./context.js";
import type { Entry, FnRef, Instance, ModuleRef, Scope } from "./scope.js";
import { toSize } from "./sizes.js";

/** The user's function that a callee names: its own name, `file.f`, or a local name that holds one. */
export function resolveFn(cx: Cx, callee: ast.Expr, scope: Scope): FnRef | "ambiguous" | undefined {
  const local = localFn(cx, callee, scope);
  if (local !== undefined) return local;
  if (callee.kind === "name") {
    const imports = scope.env.ambiguous.get(callee.name);
    if (imports !== undefined) {
      cx.reporter.report("ambiguous_function", callee.span, { name: callee.name, imports });
      return "ambiguous";
    }
    return scope.env.fns.get(callee.name);
  }
  if (callee.kind !== "member" || callee.target.kind !== "name") return undefined;
  if (scope.lookup(callee.target.name) !== undefined) return undefined;
  const env = scope.env.modules.get(callee.target.name);
  return env?.fns.get(callee.name.text);
}

/** The module that a call makes an instance of. */
export function resolveModule(callee: ast.Expr, scope: Scope): ModuleRef | undefined {
  if (callee.kind === "name") {
    return scope.lookup(callee.name) === undefined ? scope.env.layers.get(callee.name) : undefined;
  }
  if (callee.kind !== "member" || callee.target.kind !== "name") return undefined;
  if (scope.lookup(callee.target.name) !== undefined) return undefined;
  return scope.env.modules.get(callee.target.name)?.layers.get(callee.name.text);
}

/** True where the text makes an instance of a module. */
export function isModuleSyntax(
  e: ast.Expr,
  scope: Scope,
): e is Extract<ast.Expr, { kind: "call" }> {
  return e.kind === "call" && resolveModule(e.callee, scope) !== undefined;
}

/** A function of an instance by its name; `call` is the one that `decode(x)` means. */
export function instanceFn(instance: Instance, name: string): FnRef | undefined {
  const { module, path, scope } = instance;
  const decl = module.decl.fns.find((f) => f.name.text === name);
  if (decl === undefined) return undefined;
  const label = name === "call" ? path : `${path}.${name}`;
  return { decl, env: module.env, scope, label };
}

function localFn(cx: Cx, callee: ast.Expr, scope: Scope): FnRef | undefined {
  const entry = entryOf(cx, callee, scope);
  if (entry?.kind === "instance") return instanceFn(entry.instance, "call");
  if (entry?.kind === "function") return typeof entry.fn === "string" ? undefined : entry.fn;
  if (callee.kind !== "member") return undefined;
  const target = entryOf(cx, callee.target, scope);
  return target?.kind === "instance" ? instanceFn(target.instance, callee.name.text) : undefined;
}

/** What `x`, `layers[0]` or `decode.w` stands for, where a name in scope holds it. */
export function entryOf(cx: Cx, e: ast.Expr, scope: Scope): Entry | undefined {
  if (e.kind === "name") return scope.lookup(e.name);
  if (e.kind === "index") {
    const family = entryOf(cx, e.target, scope);
    if (family?.kind !== "family" || e.indices.length !== 1) return undefined;
    const [index] = e.indices;
    if (index.kind !== "at") return undefined;
    const at = staticInt(cx, index.value, scope);
    return at === undefined ? undefined : family.elements.get(at);
  }
  if (e.kind !== "member") return undefined;
  const target = entryOf(cx, e.target, scope);
  return target?.kind === "instance" ? target.instance.scope.own(e.name.text) : undefined;
}

/** A function as an argument: a function's or instance's name, or a lambda. */
export function functionValue(cx: Cx, e: ast.Expr, scope: Scope): Entry | undefined {
  const { span } = e;
  if (e.kind === "lambda") {
    const params = e.params.map((name) => ({ span: name.span, name }));
    const name = { text: "lambda", span };
    const decl: ast.FnDecl = { kind: "fn", span, name, params, body: e.body };
    return { kind: "function", span, fn: { decl, env: scope.env, scope } };
  }
  const entry = entryOf(cx, e, scope);
  if (entry?.kind === "instance" || entry?.kind === "function") return entry;
  if (entry !== undefined || (e.kind !== "name" && e.kind !== "member")) return undefined;
  const fn = cx.reporter.quietly(() => resolveFn(cx, e, scope));
  if (fn !== undefined && fn !== "ambiguous") return { kind: "function", span, fn };
  if (e.kind !== "name") return undefined;
  const { name } = e;
  const isBuiltin = Object.hasOwn(builtinRules, name) || Object.hasOwn(builtinAliases, name);
  return isBuiltin ? { kind: "function", span, fn: name } : undefined;
}

/** The value of an int that is a number in the text, sizes of array literals included. */
export function staticInt(cx: Cx, e: ast.Expr, scope: Scope): number | undefined {
  const value = cx.expr(e, scope);
  if (value === undefined || value.type.scalar !== "int" || value.type.dims.length > 0) {
    return undefined;
  }
  return constantSize(toSize(value, cx.model));
}
