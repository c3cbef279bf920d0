/** Users' functions: checked once on their own where their arguments are typed, inlined per call. */

import type { Span } from "../base/span.js";
import { supportInterval } from "../model/interval.js";
import { type DistExpr, type Expr, real, type Support, type Type } from "../model/ir.js";
import { printType } from "../model/print.js";
import type { Size } from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { builtinCall } from "./builtins.js";
import { functionValue } from "./callables.js";
import { type Cx, quote } from "./context.js";
import { checkSupport, isOutside } from "./domains.js";
import { type Entry, type FileEnv, type FnRef, Scope } from "./scope.js";
import { sizesAgree, sizeToExpr, toSize } from "./sizes.js";
import { declaredSupport } from "./supports.js";
import { shapeOfType } from "./type-names.js";
import { define, unrolled } from "./unroll.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;
type LocalLet = { readonly name: string; readonly value: Expr };

/** A call replaced by the function's body: a block of its arguments and lets. */
export function inlineCall(cx: Cx, fn: FnRef, e: CallAst, scope: Scope): Expr | undefined {
  const opened = openCall(cx, fn, e, scope);
  if (opened === undefined) return undefined;
  return inBody(cx, fn, e, () => {
    const lets = [...opened.lets];
    const result = fnBody(cx, fn, opened.scope, lets);
    if (result === undefined) return undefined;
    const checked = checkResult(cx, fn, result, opened.scope, opened.sizes);
    if (checked === undefined) return undefined;
    if (lets.length === 0) return cx.model.copy(checked, e.span);
    return { kind: "block", lets, result: checked, span: e.span, type: checked.type };
  });
}

/** A call of a function whose body is a distribution; arguments are copied into it. */
export function inlineDist(cx: Cx, fn: FnRef, e: CallAst, scope: Scope): DistExpr | undefined {
  const opened = openCall(cx, fn, e, scope, true);
  const { body } = fn.decl;
  if (opened === undefined || body.kind === "block") return undefined;
  return inBody(cx, fn, e, () => cx.dist(body, opened.scope));
}

/** Elaborates what a call stands for; its errors say where the call is. */
export function inBody<T>(cx: Cx, fn: FnRef, e: CallAst, f: () => T): T {
  cx.callStack.push(fn);
  try {
    const note = { span: e.span, text: `in this call of \`${nameOf(fn)}\`` };
    const run = () => cx.reporter.noting(note, f);
    return cx.brokenFns.has(fn.decl) ? cx.reporter.quietly(run) : run();
  } finally {
    cx.callStack.pop();
  }
}

/** True while calls of the function are being inlined. */
export function isOpen(cx: Cx, fn: FnRef): boolean {
  return cx.callStack.some((f) => f.decl === fn.decl && f.scope === fn.scope);
}

/** A function, a module or a distribution: what has arguments. */
export interface WithParams {
  readonly decl: ast.FnDecl | ast.ModuleDecl | ast.DistDecl;
  readonly env: FileEnv;
  readonly scope?: Scope;
  readonly label?: string;
}

const nameOf = (fn: WithParams): string => fn.label ?? fn.decl.name.text;

interface OpenCall {
  readonly scope: Scope;
  readonly lets: readonly LocalLet[];
  readonly sizes: Map<string, Size>;
}

/** Binds the arguments and the sizes of their declared types in a new scope of the function. */
function openCall(
  cx: Cx,
  fn: FnRef,
  e: CallAst,
  scope: Scope,
  copyAll = false,
): OpenCall | undefined {
  if (isOpen(cx, fn)) {
    matchArgs(cx, fn, e, scope);
    return cx.reporter.report("recursive_function", e.span, { name: nameOf(fn) });
  }
  return openArguments(cx, fn, e, scope, copyAll);
}

/** What an argument holds that is no number: a function, a module's instance. */
export type Held = (e: ast.Expr, param: ast.ParamDecl) => Entry | undefined;

/** The arguments of a call in a scope of the function's own; with `copyAll` no definitions. */
export function openArguments(
  cx: Cx,
  fn: WithParams,
  e: CallAst,
  scope: Scope,
  copyAll: boolean,
  held?: Held,
): OpenCall | undefined {
  const args = matchArgs(cx, fn, e, scope, held);
  if (args === undefined) return undefined;
  const inner = new Scope(fn.env, fn.scope);
  const lets: LocalLet[] = [];
  const sizes = new Map<string, Size>();
  let failed = false;
  for (const [i, param] of fn.decl.params.entries()) {
    const given = args[i];
    if (given !== undefined && "entry" in given) {
      inner.set(param.name.text, given.entry);
      continue;
    }
    const arg = given ?? (param.default && cx.expr(param.default, inner));
    const value = arg === undefined ? undefined : checkArg(cx, fn, param, arg, sizes, inner);
    if (value === undefined) {
      failed = true;
      continue;
    }
    const span = param.name.span;
    if (copyAll || value.kind === "var" || value.kind === "const") {
      inner.set(param.name.text, { kind: "alias", span, value });
    } else {
      const local = cx.model.freshName(param.name.text);
      lets.push({ name: local, value });
      defineLocal(cx, local, value);
      inner.set(param.name.text, { kind: "local", span, name: local, type: value.type });
    }
  }
  return failed ? undefined : { scope: inner, lets, sizes };
}

/** Records what later checks ask of a local definition. */
export function defineLocal(cx: Cx, name: string, value: Expr): void {
  const random = cx.model.isRandom(value);
  if (random) cx.model.random.add(name);
  else cx.model.knownValues.set(name, value);
  cx.model.intervals.set(name, cx.model.interval(value));
  if (!random && value.type.scalar === "int" && value.type.dims.length === 0) {
    cx.model.sizeValues.set(name, toSize(value, cx.model));
  }
}

/** The arguments in the order of the parameters; absent where a default stands in. */
function matchArgs(
  cx: Cx,
  fn: WithParams,
  e: CallAst,
  scope: Scope,
  held: Held = (a) => functionValue(cx, a, scope),
): (Expr | { readonly entry: Entry } | undefined)[] | undefined {
  const { params } = fn.decl;
  const name = nameOf(fn);
  const usage = `${name}(${params.map((p) => p.name.text).join(", ")})`;
  const note = [{ span: fn.decl.name.span, text: `\`${name}\` is defined here` }];
  const found: (Expr | { readonly entry: Entry } | undefined)[] = params.map(() => undefined);
  const given = params.map(() => false);
  let ok = true;
  for (const [i, a] of e.args.entries()) {
    const position =
      a.name === undefined ? i : params.findIndex((p) => p.name.text === a.name?.text);
    // Functions are given to arguments without a type.
    const param: ast.ParamDecl | undefined = params[position];
    const entry = param?.type === undefined && param ? held(a.value, param) : undefined;
    const value = entry === undefined ? plainArg(cx, a.value, scope) : { entry };
    if (value === undefined) ok = false;
    if (position < 0 && a.name !== undefined) {
      cx.reporter.report("unknown_argument", a.name.span, { name: a.name.text, usage }, note);
      ok = false;
    } else if (position < params.length && given[position]) {
      cx.reporter.report("argument_twice", a.span, { name: params[position].name.text, usage });
      ok = false;
    } else if (position < params.length) {
      found[position] = value;
      given[position] = true;
    }
  }
  const tooMany = e.args.filter((a) => a.name === undefined).length > params.length;
  const missing = params.find((p, i) => !given[i] && p.default === undefined);
  if (tooMany || (ok && missing !== undefined)) {
    return cx.reporter.report(
      "argument_count",
      e.span,
      { name, usage, given: e.args.length },
      note,
    );
  }
  return ok ? found : undefined;
}

function plainArg(cx: Cx, e: ast.Expr, scope: Scope): Expr | undefined {
  if (e.kind === "lambda") return cx.reporter.report("lambda_value", e.span, {});
  return cx.expr(e, scope);
}

/** An argument against its parameter's type; binds the sizes that the type names first. */
function checkArg(
  cx: Cx,
  fn: WithParams,
  param: ast.ParamDecl,
  arg: Expr,
  sizes: Map<string, Size>,
  inner: Scope,
): Expr | undefined {
  if (param.type === undefined) return arg;
  const shape = shapeOfType(cx, param.type);
  if (shape === undefined) return undefined;
  const wrong = () =>
    cx.reporter.report(
      "fn_argument_type",
      arg.span,
      {
        fn: nameOf(fn),
        param: param.name.text,
        expected: quote(param.type?.span ?? param.span),
        actual: printType(arg.type),
      },
      [{ span: param.span, text: "declared here" }],
    );
  if (shape.sizes.length !== arg.type.dims.length) return wrong();
  if (!canPass(arg.type, shape.scalar)) return wrong();
  for (const [axis, e] of shape.sizes.entries()) {
    const dim = arg.type.dims[axis];
    if (e.kind === "name" && inner.lookup(e.name) === undefined) {
      sizes.set(e.name, dim);
      const value = sizeToExpr(dim, arg.span, cx);
      inner.set(e.name, { kind: "alias", span: e.span, value });
      continue;
    }
    const expected = cx.expr(e, inner);
    if (expected === undefined) return undefined;
    if (expected.type.scalar !== "int" || expected.type.dims.length > 0) {
      return cx.reporter.report("size_not_int", e.span, {
        text: quote(e.span),
        actual: printType(expected.type),
      });
    }
    if (!sizesAgree(toSize(expected, cx.model), dim, cx.model)) return wrong();
  }
  const value = convert(cx, arg, shape.scalar, arg.span);
  const support = declaredSupport(cx, param.type, inner);
  if (value === undefined || support === undefined) return undefined;
  const p = { owner: nameOf(fn), name: param.name.text };
  const text = quote(param.type.span);
  const note = { span: param.span, text: "declared here" };
  if (!cx.reporter.noting(note, () => checkSupport(cx, p, support, text, value))) return undefined;
  return declared(cx, value, support);
}

/** `e`, taken to lie in `support` from here on. */
function declared(cx: Cx, e: Expr, support: Support): Expr {
  const made = cx.model.copy(e, e.span);
  cx.model.declare(made, supportInterval(support, cx.model.lookupInterval));
  return made;
}

function canPass(from: Type, to: Type["scalar"]): boolean {
  return from.scalar === to || (to === "real" && from.scalar === "int");
}

/** Ints become reals where the declared type says so: `n ^ -1` must not depend on the caller. */
export function convert(cx: Cx, e: Expr, to: Type["scalar"], span: Span): Expr | undefined {
  if (to !== "real" || e.type.scalar !== "int") return e;
  if (e.kind === "const") return { ...e, type: real };
  return builtinCall("real", [e], { cx, span, shown: "real" });
}

function fnBody(cx: Cx, fn: FnRef, scope: Scope, lets: LocalLet[]): Expr | undefined {
  const { body } = fn.decl;
  if (body.kind !== "block") return cx.expr(body, scope);
  let result: Expr | undefined;
  let failed = false;
  let returned = false;
  for (const s of body.statements) {
    if (returned) {
      return cx.reporter.report("after_return", s.span, { name: fn.decl.name.text });
    }
    if (s.kind === "return") {
      if (s.players !== undefined) return cx.reporter.report("player_place", s.span, {});
      result = cx.expr(s.value, scope);
      returned = true;
    } else if (!fnStatement(cx, fn, s, scope, scope, lets)) {
      failed = true;
    }
  }
  if (!returned) {
    return cx.reporter.report("no_return", fn.decl.name.span, { name: fn.decl.name.text });
  }
  return failed ? undefined : result;
}

/** A definition, or in a module's function a loop of them; `home` is the function's own scope. */
function fnStatement(
  cx: Cx,
  fn: FnRef,
  s: ast.Stmt,
  scope: Scope,
  home: Scope,
  lets: LocalLet[],
): boolean {
  const isModule = fn.scope !== undefined;
  if (s.kind === "let" && (s.target.indices.length === 0 || isModule)) {
    return fnLet(cx, s, scope, home, lets);
  }
  if (s.kind === "for" && isModule) {
    let ok = true;
    const before = cx.reporter.errorCount;
    unrolled(cx, s, scope, (inner) => {
      for (const t of s.body.statements) ok = fnStatement(cx, fn, t, inner, home, lets) && ok;
    });
    return ok && cx.reporter.errorCount === before;
  }
  cx.reporter.report("fn_statement", s.span, { kind: s.kind });
  if ("target" in s) scope.set(s.target.name.text, { kind: "broken", span: s.span });
  return false;
}

function fnLet(cx: Cx, s: ast.LetStmt, scope: Scope, home: Scope, lets: LocalLet[]): boolean {
  const { name } = s.target;
  const { span } = name;
  const value = cx.expr(s.value, scope);
  const typed =
    s.type === undefined || value === undefined
      ? value
      : checkDeclared(cx, s.type, value, scope, name.text);
  if (typed === undefined) {
    define(cx, s.target, { kind: "broken", span }, scope, home);
    return false;
  }
  const local = cx.model.freshName(name.text);
  const entry: Entry = { kind: "local", span, name: local, type: typed.type };
  if (!define(cx, s.target, entry, scope, home)) return false;
  lets.push({ name: local, value: typed });
  defineLocal(cx, local, typed);
  return true;
}

/** A value against a type written beside its name; every size of the type must be known. */
function checkDeclared(
  cx: Cx,
  type: ast.TypeExpr,
  value: Expr,
  scope: Scope,
  name: string,
): Expr | undefined {
  const shape = shapeOfType(cx, type);
  if (shape === undefined) return undefined;
  const sizes = shape.sizes.map((e) => cx.expr(e, scope));
  if (!sizes.every((s) => s !== undefined)) return undefined;
  const fits =
    sizes.length === value.type.dims.length &&
    canPass(value.type, shape.scalar) &&
    sizes.every((s, i) => sizesAgree(toSize(s, cx.model), value.type.dims[i], cx.model));
  if (!fits) {
    return cx.reporter.report("declared_type", value.span, {
      name,
      expected: quote(type.span),
      actual: printType(value.type),
    });
  }
  const support = declaredSupport(cx, type, scope);
  if (support === undefined) return undefined;
  if (isOutside(cx, support, cx.model.interval(value))) {
    const params = { name, expected: quote(type.span), text: quote(value.span) };
    return cx.reporter.report("value_outside", value.span, params);
  }
  const converted = convert(cx, value, shape.scalar, value.span);
  return converted && declared(cx, converted, support);
}

function checkResult(
  cx: Cx,
  fn: FnRef,
  value: Expr,
  scope: Scope,
  sizes: Map<string, Size>,
): Expr | undefined {
  const { result } = fn.decl;
  if (result === undefined) return value;
  const shape = shapeOfType(cx, result);
  if (shape === undefined) return undefined;
  const dims = shape.sizes.map((e) =>
    e.kind === "name" && sizes.has(e.name) ? sizes.get(e.name) : knownSize(cx, e, scope),
  );
  if (!dims.every((d) => d !== undefined)) return undefined;
  const fits =
    dims.length === value.type.dims.length &&
    canPass(value.type, shape.scalar) &&
    dims.every((d, i) => sizesAgree(d, value.type.dims[i], cx.model));
  if (!fits) {
    return cx.reporter.report("fn_result_type", value.span, {
      fn: fn.decl.name.text,
      expected: quote(result.span),
      actual: printType(value.type),
    });
  }
  const support = declaredSupport(cx, result, scope);
  if (support === undefined) return undefined;
  if (isOutside(cx, support, cx.model.interval(value))) {
    const params = { fn: fn.decl.name.text, expected: quote(result.span), text: quote(value.span) };
    return cx.reporter.report("fn_result_outside", value.span, params, [
      { span: result.span, text: "declared here" },
    ]);
  }
  // What cannot be proved is trusted: the caller may build on it.
  const converted = convert(cx, value, shape.scalar, value.span);
  return converted && declared(cx, converted, support);
}

function knownSize(cx: Cx, e: ast.Expr, scope: Scope): Size | undefined {
  const value = cx.expr(e, scope);
  return value === undefined ? undefined : toSize(value, cx.model);
}

/**
 * Checks a function on arguments of its declared types, sizes standing for themselves. Functions
 * with an untyped argument are checked where they are called.
 */
export function checkFn(cx: Cx, fn: FnRef): void {
  if (fn.decl.params.some((p) => p.type === undefined)) return;
  const before = cx.reporter.errorCount;
  const scope = new Scope(fn.env);
  const sizes = new Map<string, Size>();
  for (const p of fn.decl.params) {
    if (p.type === undefined) continue;
    const shape = shapeOfType(cx, p.type);
    if (shape === undefined) {
      scope.set(p.name.text, { kind: "broken", span: p.name.span });
      continue;
    }
    for (const e of shape.sizes) {
      if (e.kind !== "name" || scope.lookup(e.name) !== undefined) continue;
      cx.model.boundSizes.push(e.name);
      cx.model.usedAsSize.add(e.name);
      cx.model.intervals.set(e.name, { lo: 0, hi: Number.POSITIVE_INFINITY });
      scope.set(e.name, { kind: "size", span: e.span, name: e.name });
      sizes.set(e.name, { terms: [{ coefficient: 1, names: [e.name] }] });
    }
    const dims = shape.sizes.map((e) => knownSize(cx, e, scope));
    if (!dims.every((d) => d !== undefined)) {
      scope.set(p.name.text, { kind: "broken", span: p.name.span });
      continue;
    }
    const type = { scalar: shape.scalar, dims };
    const support = declaredSupport(cx, p.type, scope);
    if (support === undefined) {
      scope.set(p.name.text, { kind: "broken", span: p.name.span });
      continue;
    }
    const name = cx.model.freshName(p.name.text);
    cx.model.parameters.add(name);
    cx.model.intervals.set(name, supportInterval(support, cx.model.lookupInterval));
    if (type.scalar === "int" && dims.length === 0) {
      // An int argument may be a size of later arguments: it stands for itself.
      cx.model.boundSizes.push(name);
      scope.set(p.name.text, { kind: "size", span: p.name.span, name });
    } else {
      scope.set(p.name.text, { kind: "local", span: p.name.span, name, type });
    }
  }
  cx.callStack.push(fn);
  const { body } = fn.decl;
  const lets: LocalLet[] = [];
  if (cx.returnsDist(fn) && body.kind !== "block") {
    cx.dist(body, scope);
  } else {
    const result = fnBody(cx, fn, scope, lets);
    if (result !== undefined) checkResult(cx, fn, result, scope, sizes);
  }
  cx.callStack.pop();
  if (cx.reporter.errorCount > before) cx.brokenFns.add(fn.decl);
}
