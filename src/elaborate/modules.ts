/**
 * Instances of modules: `let decode = nn.mlp([d, 400, D], nn.relu)` makes the module's params
 * variables of the model, named by the path to them (`decode.layers.0.w`), and `decode(x)` a call of
 * the module's `call`.
 */
import type { Span } from "../base/span.js";
import { supportInterval } from "../model/interval.js";
import type { Stmt } from "../model/ir.js";
import type * as ast from "../syntax/ast.js";
import { functionValue, isModuleSyntax, resolveModule, staticInt } from "./callables.js";
import { type Cx, quote } from "./context.js";
import { defineLocal, openArguments } from "./functions.js";
import type { Element, Entry, Instance, ModuleRef, Scope, VariableInfo } from "./scope.js";
import { addState, letOf, paramOf } from "./sites.js";
import { define, unrolled } from "./unroll.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** A statement of the model that makes an instance; what it adds to the model's body. */
export function instanceLet(
  cx: Cx,
  s: ast.LetStmt,
  scope: Scope,
  place: { readonly nested: boolean },
): Stmt[] {
  const { name, indices } = s.target;
  const out: Stmt[] = [];
  if (place.nested || indices.length > 0 || s.type !== undefined || s.value.kind !== "call") {
    cx.reporter.report("module_place", s.target.span, { name: quote(s.target.span) });
    if (indices.length === 0) scope.set(name.text, { kind: "broken", span: name.span });
    return out;
  }
  const entry = scope.lookup(name.text);
  const isOwn = entry?.kind === "pending" && entry.span === name.span;
  if (entry !== undefined && !isOwn) {
    cx.reporter.report("name_taken", name.span, { name: name.text, what: "module" }, [
      { span: entry.span, text: `\`${name.text}\` is first defined here` },
    ]);
    return out;
  }
  scope.set(name.text, instantiate(cx, s.value, name.text, scope, out, name.span));
  return out;
}

/** The instance that a call makes, or a broken entry after an error. */
function instantiate(
  cx: Cx,
  e: CallAst,
  path: string,
  scope: Scope,
  out: Stmt[],
  span: Span,
): Entry {
  const module = resolveModule(e.callee, scope);
  const broken: Entry = { kind: "broken", span };
  if (module === undefined) return broken;
  if (cx.instances.includes(module.decl)) {
    cx.reporter.report("recursive_function", e.span, { name: module.decl.name.text });
    return broken;
  }
  // A module made in the argument itself is named by the argument: `net.first`.
  const opened = openArguments(cx, module, e, scope, true, (a, param) =>
    isModuleSyntax(a, scope)
      ? instantiate(cx, a, `${path}.${param.name.text}`, scope, out, a.span)
      : functionValue(cx, a, scope),
  );
  if (opened === undefined) return broken;
  const instance: Instance = { module, path, scope: opened.scope };
  cx.instances.push(module.decl);
  const before = cx.reporter.errorCount;
  const note = { span: e.span, text: `in this \`${module.decl.name.text}\`` };
  cx.reporter.noting(note, () => body(cx, module, module.decl.body, instance, opened.scope, out));
  cx.instances.pop();
  return cx.reporter.errorCount > before ? broken : { kind: "instance", span, instance };
}

function body(
  cx: Cx,
  module: ModuleRef,
  block: ast.Block,
  instance: Instance,
  scope: Scope,
  out: Stmt[],
): void {
  for (const s of block.statements) {
    switch (s.kind) {
      case "param":
        paramOfModule(cx, s, instance, scope, out);
        break;
      case "let":
        letOfModule(cx, s, instance, scope, out);
        break;
      case "for":
        unrolled(cx, s, scope, (inner) => body(cx, module, s.body, instance, inner, out));
        break;
      default:
        cx.reporter.report("module_statement", s.span, { kind: s.kind });
    }
  }
  for (const s of block.statements) if (s.kind === "param") stateOfModule(cx, s, instance, scope);
}

function stateOfModule(cx: Cx, s: ast.ParamStmt, instance: Instance, scope: Scope): void {
  if (s.next === undefined) return;
  const name = pathOf(cx, instance, s.target, scope);
  const element = cx.model.variables.get(name)?.element;
  if (element !== undefined) addState(cx, s, name, element, scope);
}

/** `decode.w`, or `decode.w.0` for an element of a family. */
function pathOf(cx: Cx, instance: Instance, target: ast.Target, scope: Scope): string {
  const at = target.indices.map((i) => staticInt(cx, i, scope) ?? "?");
  return [instance.path, target.name.text, ...at].join(".");
}

function paramOfModule(
  cx: Cx,
  s: ast.ParamStmt,
  instance: Instance,
  scope: Scope,
  out: Stmt[],
): void {
  const made = paramOf(cx, s, scope);
  const { span } = s.target.name;
  if (made === undefined) {
    define(cx, s.target, { kind: "broken", span }, scope, instance.scope);
    return;
  }
  const name = pathOf(cx, instance, s.target, scope);
  const variable = moduleVariable(cx, name, "param", span, made.element);
  if (!define(cx, s.target, { kind: "variable", span, variable }, scope, instance.scope)) return;
  cx.model.variables.set(name, variable);
  const { init } = made;
  out.push({ kind: "param", span: s.span, name, indices: [], ...(init && { init }) });
}

function letOfModule(cx: Cx, s: ast.LetStmt, instance: Instance, scope: Scope, out: Stmt[]): void {
  const { span } = s.target.name;
  const made = moduleValue(cx, s, instance, scope, out);
  define(cx, s.target, made ?? { kind: "broken", span }, scope, instance.scope);
}

function moduleValue(
  cx: Cx,
  s: ast.LetStmt,
  instance: Instance,
  scope: Scope,
  out: Stmt[],
): Entry | undefined {
  const { span } = s.target.name;
  const path = pathOf(cx, instance, s.target, scope);
  if (isModuleSyntax(s.value, scope)) return instantiate(cx, s.value, path, scope, out, span);
  const fn = s.type === undefined ? functionValue(cx, s.value, scope) : undefined;
  if (fn !== undefined) return fn;
  const made = letOf(cx, s, scope);
  if (made === undefined) return undefined;
  const { value, element } = made;
  // What data alone decides is written out at each use: sizes stay sizes.
  if (!cx.model.isRandom(value)) return { kind: "alias", span, value };
  const variable = moduleVariable(cx, path, "let", span, element);
  variable.interval = cx.model.interval(value);
  cx.model.variables.set(path, variable);
  defineLocal(cx, path, value);
  out.push({ kind: "let", span: s.span, name: path, indices: [], value });
  return { kind: "variable", span, variable };
}

/** A variable without indices whose one definition has been elaborated. */
export function moduleVariable(
  cx: Cx,
  name: string,
  role: VariableInfo["role"],
  span: Span,
  element: Element,
): VariableInfo {
  const interval = supportInterval(element.support, cx.model.lookupInterval);
  cx.model.random.add(name);
  cx.model.intervals.set(name, interval);
  return {
    name,
    role,
    span,
    definitions: [],
    rank: 0,
    extents: [],
    element,
    elementState: "known",
    failedLooks: 0,
    remaining: 0,
    complete: true,
    openLoops: 0,
    random: true,
    interval,
    broken: false,
  };
}
