/** Calls: builtins, users' functions, and the methods of distributions. */

import { nearestNames } from "../base/nearest.js";
import type { BuiltinName } from "../model/builtins.js";
import { type DistExpr, type DistMethod, type Expr, real } from "../model/ir.js";
import { printType } from "../model/print.js";
import { mulSizes } from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { builtinAliases, builtinCall, builtinRules } from "./builtins.js";
import { entryOf, functionValue, resolveFn } from "./callables.js";
import { type Cx, quote } from "./context.js";
import { isEstimate } from "./estimates.js";
import { inlineCall } from "./functions.js";
import { gradExpr, isGrad } from "./grad.js";
import { combinatorNames, foreignAdvice, suggestions } from "./names.js";
import { evaluation, evaluationKind } from "./objectives.js";
import { isOde } from "./ode.js";
import { isScan } from "./scan.js";
import type { FileEnv, FnRef, Scope } from "./scope.js";
import { dimsAgree, sizeToExpr } from "./sizes.js";
import { writer } from "./writer.js";
import { resolveDist, sampleExpr, writtenMethod } from "./written.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;
type MemberAst = Extract<ast.Expr, { kind: "member" }>;

/** True where the text denotes a distribution rather than a number. */
export function isDistSyntax(cx: Cx, e: ast.Expr, scope: Scope): boolean {
  if (e.kind === "name") return scope.lookup(e.name)?.kind === "dist";
  if (e.kind !== "call") return false;
  if (resolveDist(e.callee, scope) !== undefined) return true;
  const fn = cx.reporter.quietly(() => resolveFn(cx, e.callee, scope));
  if (fn !== undefined && fn !== "ambiguous") return returnsDist(cx, fn, new Set());
  if (e.callee.kind !== "name" || scope.lookup(e.callee.name) !== undefined) return false;
  const name = e.callee.name;
  return isDistName(cx, name);
}

function isDistName(cx: Cx, name: string): boolean {
  return (
    Object.hasOwn(cx.distributions, name) || (combinatorNames as readonly string[]).includes(name)
  );
}

/** A function that has no declared result and whose body is a distribution. */
export function returnsDist(cx: Cx, fn: FnRef, seen: Set<FnRef>): boolean {
  if (fn.decl.result !== undefined || fn.decl.body.kind !== "call" || seen.has(fn)) return false;
  const callee = fn.decl.body.callee;
  if (callee.kind !== "name") return false;
  seen.add(fn);
  const inner = fn.env.fns.get(callee.name);
  if (inner !== undefined) return returnsDist(cx, inner, seen);
  if (fn.env.dists.has(callee.name)) return true;
  return isDistName(cx, callee.name);
}

/** The typed expression of a call. */
export function callExpr(cx: Cx, e: CallAst, scope: Scope): Expr | undefined {
  const { callee } = e;
  const fn = resolveFn(cx, callee, scope);
  if (fn === "ambiguous") return checkArgs(cx, e, scope);
  if (fn !== undefined) {
    if (returnsDist(cx, fn, new Set())) {
      return cx.reporter.report("distribution_as_value", e.span, { name: quote(callee.span) });
    }
    return inlineCall(cx, fn, e, scope);
  }
  const held = entryOf(cx, callee, scope);
  if (held?.kind === "function" && typeof held.fn === "string") {
    const builtin = builtinNamed(held.fn, e.args.length);
    if (builtin !== undefined) return builtinCallExpr(cx, e, held.fn, builtin, scope);
  }
  if (callee.kind === "call" && isGrad(callee, scope)) return gradExpr(cx, e, callee, scope);
  if (isGrad(e, scope)) return cx.reporter.report("grad_usage", e.span, {});
  if (held?.kind === "broken") return checkArgs(cx, e, scope);
  if (callee.kind === "member") return methodCall(cx, e, callee, scope);
  const density = callee.kind === "name" ? evaluationKind(callee.name) : undefined;
  if (density !== undefined) return evaluation(cx, e, density, scope);
  const isProgram: boolean = isEstimate(e, scope.env);
  if (isProgram) {
    return cx.reporter.report("estimate_place", e.span, { name: quote(callee.span) });
  }
  if (callee.kind !== "name") {
    checkArgs(cx, e, scope);
    if (cx.expr(callee, scope) === undefined) return undefined;
    return cx.reporter.report("not_callable", callee.span, { name: quote(callee.span) });
  }
  const builtin = builtinNamed(callee.name, e.args.length);
  if (builtin !== undefined) return builtinCallExpr(cx, e, callee.name, builtin, scope);
  return unknownCall(cx, e, callee, scope);
}

/** Elaborates the arguments for their own errors only. */
function checkArgs(cx: Cx, e: CallAst, scope: Scope): undefined {
  for (const a of e.args) {
    const isFunction = functionValue(cx, a.value, scope) !== undefined;
    if (!isFunction && !isDistSyntax(cx, a.value, scope)) cx.expr(a.value, scope);
  }
  return undefined;
}

function builtinNamed(name: string, args: number): BuiltinName | undefined {
  if (args >= 2 && name === "max") return "maximum";
  if (args >= 2 && name === "min") return "minimum";
  if (Object.hasOwn(builtinAliases, name)) return builtinAliases[name];
  return Object.hasOwn(builtinRules, name) ? (name as BuiltinName) : undefined;
}

function builtinCallExpr(
  cx: Cx,
  e: CallAst,
  shown: string,
  fn: BuiltinName,
  scope: Scope,
): Expr | undefined {
  const ragged = raggedReduction(cx, e, fn, scope);
  if (ragged !== undefined) return ragged;
  const rule = builtinRules[fn];
  const named = e.args.find((a) => a.name !== undefined);
  const args = e.args.map((a) => cx.expr(a.value, scope));
  if (named?.name !== undefined) {
    return cx.reporter.report("no_named_arguments", named.name.span, {
      name: shown,
      usage: rule.usage,
    });
  }
  const site = { cx, span: e.span, shown };
  const isFold = fn === "maximum" || fn === "minimum";
  const missing = args.length < rule.min || (args.length > rule.max && !isFold);
  if (missing && !(fn === "range" && args.length === 1)) {
    return cx.reporter.report("argument_count", e.span, {
      name: shown,
      usage: rule.usage,
      given: args.length,
    });
  }
  if (!args.every((a) => a !== undefined)) return undefined;
  if (isFold) {
    const [first, ...rest] = args;
    return rest.reduce<Expr | undefined>(
      (acc, x) => (acc === undefined ? undefined : builtinCall(fn, [acc, x], site)),
      first,
    );
  }
  if (fn === "range" && args.length === 1) {
    const zero: Expr = { kind: "const", value: 0, span: e.span, type: { scalar: "int", dims: [] } };
    return builtinCall(fn, [zero, args[0]], site);
  }
  const made = builtinCall(fn, args, site);
  return fn === "size" && made !== undefined ? knownSize(cx, made, args) : made;
}

const overRanges: ReadonlySet<BuiltinName> = new Set([
  "sum",
  "prod",
  "max",
  "min",
  "mean",
  "logsumexp",
  "all",
  "any",
]);

/** `sum(x[i, a..b])` where the slice's size differs from index to index: the reduction over a range. */
function raggedReduction(cx: Cx, e: CallAst, fn: BuiltinName, scope: Scope): Expr | undefined {
  const [only] = e.args;
  const x = only?.value;
  if (e.args.length !== 1 || only.name !== undefined || !overRanges.has(fn)) return undefined;
  if (x.kind !== "index" || x.indices.filter((i) => i.kind === "range").length !== 1)
    return undefined;
  const axis = x.indices.findIndex((i) => i.kind === "range");
  const range = x.indices[axis];
  if (range.kind !== "range" || cx.reporter.quietly(() => cx.expr(x, scope)) !== undefined) {
    return undefined;
  }
  const w = writer(e.span);
  // A name that no text can hold.
  const variable = { text: "slice index", span: range.span };
  const place: ast.Index = { kind: "at", span: range.span, value: w.name(variable.text) };
  const binder: ast.Binder = {
    span: range.span,
    variable,
    from: range.from ?? w.number(0),
    to: range.to ?? w.call("size", x.target, w.number(axis)),
  };
  const reduced: ast.Expr = {
    kind: "reduce",
    span: e.span,
    op: { text: fn, span: e.callee.span },
    binders: [binder],
    body: { ...x, indices: x.indices.map((i, k) => (k === axis ? place : i)) },
  };
  return cx.reporter.quietly(() => cx.expr(reduced, scope));
}

/** The size of a random array as what it is made of: sizes are not random. */
function knownSize(cx: Cx, made: Expr, [x, axis]: readonly Expr[]): Expr {
  if (made.kind !== "call" || !cx.model.isRandom(x)) return made;
  const { dims } = x.type;
  // Of an unbounded plate, which has no length, the call itself is told of.
  const endless = cx.model.unbounded?.size;
  if (dims.some((d) => d.terms.some((t) => t.names.some((n) => n === endless)))) return made;
  const size =
    axis === undefined ? dims.reduce(mulSizes) : dims[axis.kind === "const" ? axis.value : 0];
  return sizeToExpr(size, made.span, cx);
}

function unknownCall(
  cx: Cx,
  e: CallAst,
  callee: Extract<ast.Expr, { kind: "name" }>,
  scope: Scope,
): undefined {
  const { name, span } = callee;
  if (isDistName(cx, name) && scope.lookup(name) === undefined) {
    return cx.reporter.report("distribution_as_value", e.span, { name });
  }
  const whole = e.span;
  if (isOde(e, scope)) return cx.reporter.report("ode_place", whole, {});
  if (isScan(e, scope)) return cx.reporter.report("scan_place", whole, {});
  const other = scope.env.others.get(name);
  if (other !== undefined) {
    return cx.reporter.report("declaration_as_value", span, { name, kind: other.kind });
  }
  checkArgs(cx, e, scope);
  const entry = scope.lookup(name);
  if (entry !== undefined) {
    if (entry.kind === "broken") return undefined;
    // A variable whose definition is wrong has no value, and that has been told.
    if (entry.kind === "variable" && cx.expr(callee, scope) === undefined) return undefined;
    return cx.reporter.report("not_callable", span, { name });
  }
  return cx.reporter.report("unknown_function", span, {
    name,
    near: suggestions(cx, name, scope, "function"),
    advice: foreignAdvice(name, Object.keys(cx.distributions)),
  });
}

/** `D.mean` without brackets; other members are methods that want to be called. */
export function memberExpr(cx: Cx, e: MemberAst, scope: Scope): Expr | undefined {
  const env = importOf(e, scope);
  if (env === undefined) return method(cx, e, undefined, scope);
  const { text } = e.name;
  if (!env.fns.has(text) && !env.layers.has(text)) return unknownOfImport(cx, e, env);
  return cx.reporter.report("function_as_value", e.span, { name: quote(e.span) });
}

/** The file that `nn` of `nn.f` means. */
function importOf({ target }: MemberAst, scope: Scope): FileEnv | undefined {
  if (target.kind !== "name" || scope.lookup(target.name) !== undefined) return undefined;
  return scope.env.modules.get(target.name);
}

function unknownOfImport(cx: Cx, e: MemberAst, env: FileEnv): undefined {
  const { text } = e.name;
  const isBuiltin = Object.hasOwn(builtinRules, text);
  return cx.reporter.report("unknown_function", e.name.span, {
    name: quote(e.span),
    near: nearestNames(text, [...env.fns.keys(), ...env.layers.keys()]),
    advice: isBuiltin ? text : undefined,
  });
}

function methodCall(cx: Cx, e: CallAst, callee: MemberAst, scope: Scope): Expr | undefined {
  const env = importOf(callee, scope);
  if (env === undefined) return method(cx, callee, e, scope);
  checkArgs(cx, e, scope);
  return unknownOfImport(cx, callee, env);
}

const methodNames: readonly string[] = ["log_prob", "cdf", "log_cdf", "log_ccdf", "mean"];

function method(cx: Cx, e: MemberAst, call: CallAst | undefined, scope: Scope): Expr | undefined {
  const name = e.name.text;
  if (!isDistSyntax(cx, e.target, scope)) {
    const value = cx.expr(e.target, scope);
    if (call !== undefined) checkArgs(cx, call, scope);
    if (value === undefined) return undefined;
    return cx.reporter.report("unknown_member", e.name.span, {
      name,
      type: printType(value.type),
      text: quote(e.target.span),
    });
  }
  const dist = cx.dist(e.target, scope);
  if (name === "sample" && call === undefined) {
    return dist && sampleExpr(cx, dist, e.span, scope);
  }
  const args = call?.args.map((a) => cx.expr(a.value, scope));
  if (!methodNames.includes(name)) {
    return cx.reporter.report("unknown_method", e.name.span, { name });
  }
  if (dist === undefined || (args !== undefined && !args.every((a) => a !== undefined))) {
    return undefined;
  }
  const wanted = name === "mean" ? 0 : 1;
  if ((args ?? []).length !== wanted || (call === undefined && wanted === 1)) {
    return cx.reporter.report("method_arguments", (call ?? e).span, {
      name,
      given: args?.length ?? 0,
      wanted,
    });
  }
  return typedMethod(cx, dist, name as DistMethod, args ?? [], call ?? e);
}

const tails: readonly DistMethod[] = ["cdf", "log_cdf", "log_ccdf"];
/** The entries of the table that hold the methods beside the density. */
const tableEntries = {
  cdf: "cdf",
  log_cdf: "logCdf",
  log_ccdf: "logCcdf",
  mean: "mean",
} as const;

function typedMethod(
  cx: Cx,
  dist: DistExpr,
  name: DistMethod,
  args: readonly Expr[],
  e: ast.Expr,
): Expr | undefined {
  if (dist.kind === "written") return writtenMethod(cx, dist, name, args, e.span);
  const table = dist.kind === "named" ? cx.distributions[dist.name] : undefined;
  const lacks = name !== "log_prob" && table?.[tableEntries[name]] === undefined;
  if (lacks || (tails.includes(name) && dist.event.dims.length > 0)) {
    return cx.reporter.report("method_missing", e.span, {
      name,
      dist: dist.kind === "named" ? dist.name : dist.kind,
    });
  }
  const span = e.span;
  const method = name;
  if (name === "mean") {
    const type = { scalar: "real" as const, dims: dist.event.dims };
    return { kind: "dist_method", dist, method, args, span, type };
  }
  if (!dimsAgree(args[0].type.dims, dist.event.dims, cx.model)) {
    return cx.reporter.report("method_shape", args[0].span, {
      name,
      event: printType(dist.event),
      actual: printType(args[0].type),
    });
  }
  return { kind: "dist_method", dist, method, args, span, type: real };
}
