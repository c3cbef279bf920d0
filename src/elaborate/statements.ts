/** Statements: AST to model IR. Faulty statements are left out; their names are then silent. */

import { hull, meet, supportInterval, wholeLine, within } from "../model/interval.js";
import { type DistExpr, type Expr, real, type Stmt } from "../model/ir.js";
import { printSupport, printType } from "../model/print.js";
import { dependsOnRandom } from "../model/traverse.js";
import type * as ast from "../syntax/ast.js";
import { isModuleSyntax } from "./callables.js";
import { isDistSyntax } from "./calls.js";
import { type Cx, quote } from "./context.js";
import { conditionExpr, declareIndex, guardedBy, openBinder } from "./expr.js";
import { defineLocal } from "./functions.js";
import { targetIndex } from "./indexing.js";
import { instanceLet } from "./modules.js";
import { drawStmt } from "./objectives.js";
import type { Element, Scope, VariableInfo } from "./scope.js";
import { addState, letOf, observed, paramOf, sameSupport, siteOf } from "./sites.js";
import { dimsAgree, toSize } from "./sizes.js";
import { strategyOf } from "./strategies.js";
import { openUnbounded } from "./unbounded/plate.js";

interface Place {
  /** Inside a `for`. */
  readonly inLoop: boolean;
  /** Inside a `for` or an `if`. */
  readonly nested: boolean;
}

/** The body of a model. */
export function elaborateBody(cx: Cx, body: ast.Block, scope: Scope): Stmt[] {
  const made = block(cx, body, scope, { inLoop: false, nested: false });
  for (const s of body.statements) {
    const v = s.kind === "param" ? cx.model.variables.get(s.target.name.text) : undefined;
    if (s.kind === "param" && v?.element !== undefined) addState(cx, s, v.name, v.element, scope);
  }
  return made;
}

function block(cx: Cx, b: ast.Block, scope: Scope, place: Place): Stmt[] {
  declarePending(b, scope);
  const out: Stmt[] = [];
  for (const s of b.statements) {
    if (s.kind === "let" && isModuleSyntax(s.value, scope)) {
      out.push(...instanceLet(cx, s, scope, place));
      continue;
    }
    const made = statement(cx, s, scope, place);
    if (made !== undefined) out.push(made);
    if (!place.nested) {
      for (const v of cx.model.variables.values()) if (v.remaining === 0) v.complete = true;
    }
  }
  return out;
}

/** Local definitions of the block are known by name ahead, so that an early use can be explained. */
function declarePending(b: ast.Block, scope: Scope): void {
  for (const s of b.statements) {
    if (s.kind !== "let" || s.target.indices.length > 0) continue;
    const { name } = s.target;
    if (scope.lookup(name.text) === undefined) {
      scope.set(name.text, { kind: "pending", span: name.span });
    }
  }
}

function statement(cx: Cx, s: ast.Stmt, scope: Scope, place: Place): Stmt | undefined {
  switch (s.kind) {
    case "sample":
      return sampleStmt(cx, s, scope, place);
    case "observe":
      return observeStmt(cx, s, scope);
    case "let":
      return letStmt(cx, s, scope, place);
    case "param":
      return paramStmt(cx, s, scope, place);
    case "factor":
      return factorStmt(cx, s, scope);
    case "for":
      return forStmt(cx, s, scope);
    case "if":
      return ifStmt(cx, s, scope, place);
    case "return":
      if (cx.model.objective !== undefined) {
        return cx.reporter.report("objective_return_last", s.span, {});
      }
      return cx.reporter.report("return_in_model", s.span, {});
  }
}

function sampleStmt(cx: Cx, s: ast.SampleStmt, scope: Scope, place: Place): Stmt | undefined {
  const { objective } = cx.model;
  if (objective !== undefined) {
    drawStmt(cx, s, scope, objective);
    return undefined;
  }
  const { name } = s.target;
  const entry = scope.lookup(name.text);
  if (entry?.kind === "input") return conditionOnInput(cx, s, scope);
  const v = variableOf(cx, s, scope);
  const indices = targetIndices(cx, s.target, scope);
  if (place.inLoop && s.target.indices.length === 0) {
    cx.reporter.report("site_needs_index", s.target.span, { name: name.text });
  }
  const site = working(v, () => siteOf(cx, s, scope));
  if (v !== undefined) v.remaining--;
  if (v === undefined || indices === undefined || site === undefined) {
    if (v !== undefined && site === undefined) v.broken = true;
    return undefined;
  }
  if (!acceptElement(cx, v, site.element, s.target)) return undefined;
  const range = supportInterval(site.element.support, cx.model.lookupInterval);
  widen(cx, v, range);
  const { dist, restricted } = site;
  const using = s.using === undefined ? undefined : strategyOf(cx, s.using, dist, scope);
  const made = { kind: "site" as const, span: s.span, name: v.name, indices, dist, restricted };
  return using === undefined ? made : { ...made, using };
}

/** While a definition is elaborated its own element is not known, only assumed. */
function working<T>(v: VariableInfo | undefined, f: () => T): T {
  if (v === undefined || v.element !== undefined) return f();
  v.elementState = "working";
  try {
    return f();
  } finally {
    // `assume` may have made it `guessed` meanwhile.
    if ((v.elementState as VariableInfo["elementState"]) === "working") v.elementState = "unknown";
  }
}

function variableOf(
  cx: Cx,
  s: ast.SampleStmt | ast.LetStmt | ast.ParamStmt,
  scope: Scope,
): VariableInfo | undefined {
  const v = cx.model.variables.get(s.target.name.text);
  if (v === undefined || !v.definitions.some((d) => d.stmt === s)) return undefined;
  return scope.lookup(s.target.name.text)?.kind === "variable" ? v : undefined;
}

function targetIndices(cx: Cx, t: ast.Target, scope: Scope): readonly Expr[] | undefined {
  const indices = t.indices.map((e) => targetIndex(cx, e, scope));
  return indices.every((i) => i !== undefined) ? indices : undefined;
}

/** Holds a definition against what is known of the variable; false after an error. */
function acceptElement(cx: Cx, v: VariableInfo, element: Element, target: ast.Target): boolean {
  const known = v.element;
  const wasGuessed = v.elementState === "guessed";
  if (known === undefined || wasGuessed) {
    const agrees = known === undefined || sameShape(cx, known, element);
    const isIntGuess = known?.type.scalar === "real" && element.type.scalar === "int";
    v.element = isIntGuess
      ? { ...element, type: { ...element.type, scalar: "real" } }
      : cx.variables.widest(v, element);
    v.elementState = "known";
    if (agrees || isIntGuess) return true;
    v.broken = true;
    cx.reporter.report("needs_declared_type", target.span, {
      name: v.name,
      assumed: printType(known.type),
      actual: printType(element.type),
    });
    return false;
  }
  const canWiden = known.type.scalar === "real" && element.type.scalar === "int";
  const isKindSame = known.type.scalar === element.type.scalar || (canWiden && v.role !== "site");
  if (!isKindSame || !dimsAgree(known.type.dims, element.type.dims, cx.model)) {
    cx.reporter.report(
      "elements_differ",
      target.span,
      { name: v.name, first: printType(known.type), now: printType(element.type) },
      [{ span: v.definitions[0].stmt.target.span, text: "first defined here" }],
    );
    return false;
  }
  if (v.role === "site" && !sameSupport(known.support, element.support)) {
    cx.reporter.report(
      "supports_differ",
      target.span,
      { name: v.name, first: printSupport(known.support), now: printSupport(element.support) },
      [{ span: v.definitions[0].stmt.target.span, text: "first defined here" }],
    );
    return false;
  }
  return true;
}

function sameShape(cx: Cx, a: Element, b: Element): boolean {
  return a.type.scalar === b.type.scalar && dimsAgree(a.type.dims, b.type.dims, cx.model);
}

function widen(cx: Cx, v: VariableInfo, range: { lo: number; hi: number }): void {
  const before = cx.model.intervals.get(v.name);
  v.interval = before === undefined ? range : hull(before, range);
  cx.model.intervals.set(v.name, v.interval);
}

/** `y[t] ~ D` where `y` is an input: the same as `observe y[t] ~ D`. */
function conditionOnInput(cx: Cx, s: ast.SampleStmt, scope: Scope): Stmt | undefined {
  const { name, indices } = s.target;
  if (s.type !== undefined) {
    return cx.reporter.report("type_on_input", s.type.span, { name: name.text });
  }
  const nameExpr: ast.Expr = { kind: "name", span: name.span, name: name.text };
  const value: ast.Expr =
    indices.length === 0
      ? nameExpr
      : {
          kind: "index",
          span: s.target.span,
          target: nameExpr,
          indices: indices.map((e) => ({ kind: "at", span: e.span, value: e })),
        };
  return observation(cx, value, s.dist, s.span, scope);
}

function observeStmt(cx: Cx, s: ast.ObserveStmt, scope: Scope): Stmt | undefined {
  return observation(cx, s.value, s.dist, s.span, scope);
}

function observation(
  cx: Cx,
  valueAst: ast.Expr,
  distAst: ast.Expr,
  span: Stmt["span"],
  scope: Scope,
): Stmt | undefined {
  const value = cx.expr(valueAst, scope);
  const dist = cx.dist(distAst, scope);
  if (value !== undefined && cx.model.isRandom(value)) {
    return cx.reporter.report("observe_random", valueAst.span, { text: quote(valueAst.span) });
  }
  if (value === undefined || dist === undefined) return undefined;
  const lifted = observed(cx, value, dist, distAst.span);
  return lifted && { kind: "observe", span, value, dist: lifted };
}

function letStmt(cx: Cx, s: ast.LetStmt, scope: Scope, place: Place): Stmt | undefined {
  const { name } = s.target;
  if (isDistSyntax(cx, s.value, scope)) return distLet(cx, s, scope);
  const v = variableOf(cx, s, scope);
  if (v === undefined) return localLet(cx, s, scope, place);
  const indices = targetIndices(cx, s.target, scope);
  const made = working(v, () => letOf(cx, s, scope));
  v.remaining--;
  if (made === undefined) v.broken = true;
  if (made === undefined || indices === undefined) return undefined;
  if (!acceptElement(cx, v, made.element, s.target)) return undefined;
  if (cx.model.isRandom(made.value)) {
    v.random = true;
    cx.model.random.add(v.name);
  }
  widenLet(cx, v, made.value, made.element);
  const { value } = made;
  if (v.rank === 0 && !v.random && v.definitions.length === 1) {
    cx.model.knownValues.set(v.name, value);
    if (isIntScalar(value)) cx.model.sizeValues.set(v.name, toSize(value, cx.model));
  }
  return { kind: "let", span: s.span, name: name.text, indices, value };
}

function isIntScalar(e: Expr): boolean {
  return e.type.scalar === "int" && e.type.dims.length === 0;
}

/** For a recurrence: the first assumption about earlier elements that the new ones keep. */
function widenLet(cx: Cx, v: VariableInfo, value: Expr, element: Element): void {
  const declared = supportInterval(element.support, cx.model.lookupInterval);
  const refersToItself = dependsOnRandom(value, new Set([v.name]));
  const before = cx.model.intervals.get(v.name);
  if (!refersToItself) {
    const range = cx.model.interval(value);
    widen(cx, v, element.support.kind === element.type.scalar ? range : declared);
    return;
  }
  const tries = [before, { lo: 0, hi: Number.POSITIVE_INFINITY }].filter((x) => x !== undefined);
  for (const t of tries) {
    if (before !== undefined && !within(before, t)) continue;
    cx.model.intervals.set(v.name, t);
    if (within(cx.model.interval(value), t)) {
      v.interval = t;
      return;
    }
  }
  v.interval = wholeLine;
  cx.model.intervals.set(v.name, wholeLine);
}

function distLet(cx: Cx, s: ast.LetStmt, scope: Scope): undefined {
  const { name } = s.target;
  if (s.target.indices.length > 0 || s.type !== undefined) {
    return cx.reporter.report("dist_let", s.target.span, { name: name.text });
  }
  const taken = scope.lookup(name.text);
  if (taken !== undefined && !(taken.kind === "pending" && taken.span === name.span)) {
    return cx.reporter.report("name_taken", name.span, { name: name.text, what: "definition" }, [
      { span: taken.span, text: `\`${name.text}\` is first defined here` },
    ]);
  }
  const dist = cx.dist(s.value, scope);
  scope.set(
    name.text,
    dist === undefined
      ? { kind: "broken", span: name.span }
      : { kind: "dist", span: name.span, dist },
  );
  return undefined;
}

/** A definition that the rest of a loop's or branch's block sees. */
function localLet(cx: Cx, s: ast.LetStmt, scope: Scope, place: Place): Stmt | undefined {
  const { name } = s.target;
  const taken = scope.lookup(name.text);
  const made = letOf(cx, s, scope);
  const isOwn = taken?.kind === "pending" && taken.span === name.span;
  if (taken !== undefined && !isOwn) {
    // Another role of the same name has been reported when the variables were collected.
    if (place.nested && taken.kind !== "broken") {
      const what = "definition";
      cx.reporter.report("name_taken", name.span, { name: name.text, what }, [
        { span: taken.span, text: `\`${name.text}\` is first defined here` },
      ]);
    }
    return undefined;
  }
  if (made === undefined) {
    scope.set(name.text, { kind: "broken", span: name.span });
    return undefined;
  }
  const { value, element } = made;
  const local = cx.model.freshName(name.text);
  defineLocal(cx, local, value);
  if (s.type !== undefined) {
    // What the type says of it is believed, as of other definitions.
    const declared = supportInterval(element.support, cx.model.lookupInterval);
    cx.model.intervals.set(local, meet(declared, cx.model.interval(value)));
  }
  scope.set(name.text, { kind: "local", span: name.span, name: local, type: value.type });
  return { kind: "local", span: s.span, name: local, value };
}

function paramStmt(cx: Cx, s: ast.ParamStmt, scope: Scope, place: Place): Stmt | undefined {
  if (s.next !== undefined && (place.nested || s.target.indices.length > 0)) {
    return cx.reporter.report("state_place", s.target.span, { name: s.target.name.text });
  }
  const v = variableOf(cx, s, scope);
  const indices = targetIndices(cx, s.target, scope);
  const made = working(v, () => paramOf(cx, s, scope));
  if (v !== undefined) {
    v.remaining--;
    if (v.broken) {
      cx.reporter.report("param_needs_index", s.target.span, { name: v.name });
    }
    if (made === undefined) v.broken = true;
  }
  if (v === undefined || made === undefined || indices === undefined) return undefined;
  if (!acceptElement(cx, v, made.element, s.target)) return undefined;
  widen(cx, v, supportInterval(made.element.support, cx.model.lookupInterval));
  const init: Expr | DistExpr | undefined = made.init;
  return { kind: "param", span: s.span, name: v.name, indices, ...(init && { init }) };
}

function factorStmt(cx: Cx, s: ast.FactorStmt, scope: Scope): Stmt | undefined {
  if (isDistSyntax(cx, s.value, scope)) {
    return cx.reporter.report("factor_type", s.value.span, { actual: "a distribution" });
  }
  const value = cx.expr(s.value, scope);
  if (value === undefined) return undefined;
  if (value.type.dims.length > 0 || value.type.scalar === "bool") {
    return cx.reporter.report("factor_type", s.value.span, { actual: printType(value.type) });
  }
  const typed: Expr = value.kind === "const" ? { ...value, type: real } : value;
  return { kind: "factor", span: s.span, value: typed };
}

function forStmt(cx: Cx, s: ast.ForStmt, scope: Scope): Stmt | undefined {
  const inside = [...cx.model.variables.values()].filter((v) =>
    v.definitions.some((d) => d.loops.includes(s)),
  );
  const { to } = s;
  const binder =
    to === undefined ? openUnbounded(cx, s) : openBinder(cx, { ...s, to }, s.variable.span, scope);
  if (to === undefined && binder === undefined) for (const v of inside) v.broken = true;
  const inner = scope.child();
  declareIndex(cx, s.variable, binder, scope, inner);
  for (const v of inside) v.openLoops++;
  const body = block(cx, s.body, inner, { inLoop: true, nested: true });
  for (const v of inside) v.openLoops--;
  return binder && { kind: "for", span: s.span, binder, body };
}

function ifStmt(cx: Cx, s: ast.IfStmt, scope: Scope, place: Place): Stmt | undefined {
  const condition = conditionExpr(cx, s.condition, scope);
  if (condition !== undefined && cx.model.isRandom(condition)) {
    cx.reporter.report("condition_random", s.condition.span, { text: quote(s.condition.span) });
  }
  const guarded = guardedBy(cx, condition, scope);
  const inner: Place = { inLoop: place.inLoop, nested: true };
  const yes = block(cx, s.then, scope.child(guarded), inner);
  const no = s.else === undefined ? [] : block(cx, s.else, scope.child(guarded), inner);
  // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
  return condition && { kind: "if", span: s.span, condition, then: yes, else: no };
}
