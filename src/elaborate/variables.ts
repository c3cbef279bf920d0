/**
 * The variables of a model before its statements are elaborated: which statements define what, and,
 * looked ahead for on demand, the type of an element.
 */

import type { Span } from "../base/span.js";
import { wholeLine } from "../model/interval.js";
import type * as ast from "../syntax/ast.js";
import { isModuleSyntax } from "./callables.js";
import { isDistSyntax } from "./calls.js";
import type { Cx } from "./context.js";
import { openBinder } from "./expr.js";
import { plainSupport } from "./inputs.js";
import type { Definition, Element, Scope, VariableInfo } from "./scope.js";
import { letOf, paramOf, siteOf } from "./sites.js";
import { declaredElement } from "./supports.js";
import { openUnbounded } from "./unbounded/plate.js";

type Defining = Definition["stmt"];
interface Place {
  readonly loops: readonly ast.ForStmt[];
  readonly branches: Definition["branches"];
}

const roleOf = { sample: "site", let: "let", param: "param" } as const;
const nouns = { site: "site", let: "definition", param: "param" } as const;

/** Finds every variable that the body defines and declares it in `scope`. */
export function collectVariables(cx: Cx, body: ast.Block, scope: Scope): void {
  const found: { stmt: Defining; place: Place }[] = [];
  const distLets = new Set<string>();
  const walk = (block: ast.Block, place: Place): void => {
    for (const s of block.statements) {
      if (s.kind === "for") walk(s.body, { ...place, loops: [...place.loops, s] });
      else if (s.kind === "if") {
        const branch = (then: boolean): Place => ({
          ...place,
          branches: [...place.branches, { stmt: s, then }],
        });
        walk(s.then, branch(true));
        if (s.else !== undefined) walk(s.else, branch(false));
      } else if (s.kind === "sample" || s.kind === "param") found.push({ stmt: s, place });
      else if (s.kind === "let") {
        // Modules are made where they stand; their params become variables there.
        if (isModuleSyntax(s.value, scope)) continue;
        if (isDistLet(cx, s, scope, distLets)) distLets.add(s.target.name.text);
        else found.push({ stmt: s, place });
      }
    }
  };
  walk(body, { loops: [], branches: [] });
  for (const { stmt, place } of found) {
    if (!isLocal(stmt, place, found)) addDefinition(cx, stmt, place, scope);
  }
}

function isDistLet(cx: Cx, s: ast.LetStmt, scope: Scope, known: ReadonlySet<string>): boolean {
  if (s.value.kind === "name" && known.has(s.value.name)) return true;
  return isDistSyntax(cx, s.value, scope);
}

/** A let without index in a loop, or in one branch only, is seen by the rest of that block alone. */
function isLocal(
  s: Defining,
  place: Place,
  all: readonly { stmt: Defining; place: Place }[],
): boolean {
  if (s.kind !== "let" || s.target.indices.length > 0) return false;
  if (place.loops.length > 0) return true;
  if (place.branches.length === 0) return false;
  return all.filter((d) => d.stmt.target.name.text === s.target.name.text).length === 1;
}

function addDefinition(cx: Cx, stmt: Defining, place: Place, scope: Scope): void {
  const { name, indices } = stmt.target;
  const role = roleOf[stmt.kind];
  const entry = scope.lookup(name.text);
  const definition: Definition = { stmt, ...place };
  // `y[t] ~ D` on an input conditions on it.
  if (entry?.kind === "input" && stmt.kind === "sample") return;
  if (entry?.kind === "broken") return;
  if (entry === undefined) {
    const variable: VariableInfo = {
      name: name.text,
      role,
      span: name.span,
      definitions: [definition],
      rank: indices.length,
      elementState: "unknown",
      failedLooks: 0,
      remaining: 1,
      complete: false,
      openLoops: 0,
      random: role !== "let",
      interval: wholeLine,
      broken: role !== "let" && indices.length === 0 && place.loops.length > 0,
    };
    cx.model.variables.set(name.text, variable);
    cx.model.freshName(name.text);
    if (variable.random) cx.model.random.add(name.text);
    scope.set(name.text, { kind: "variable", span: name.span, variable });
    return;
  }
  const note = [{ span: entry.span, text: `\`${name.text}\` is first defined here` }];
  if (entry.kind !== "variable" || entry.variable.role !== role) {
    cx.reporter.report("name_taken", name.span, { name: name.text, what: nouns[role] }, note);
    return;
  }
  const v = entry.variable;
  if (v.rank !== indices.length) {
    const ranks = { name: name.text, first: v.rank, now: indices.length };
    cx.reporter.report("target_ranks", stmt.target.span, ranks, note);
    return;
  }
  const isTwice = v.rank === 0 && !v.definitions.every((d) => areExclusive(d, definition));
  if (isTwice) {
    cx.reporter.report("name_taken", name.span, { name: name.text, what: nouns[role] }, note);
    return;
  }
  v.definitions.push(definition);
  v.remaining++;
}

/** In different branches of one `if`. */
export function areExclusive(a: Definition, b: Definition): boolean {
  return a.branches.some((x) => b.branches.some((y) => x.stmt === y.stmt && x.then !== y.then));
}

/** The scope of a definition with its loops opened, for looking ahead; undefined where one fails. */
export function scopeOf(cx: Cx, d: Definition, root: Scope): Scope | undefined {
  let scope = root;
  for (const loop of d.loops) {
    const { to } = loop;
    const binder =
      to === undefined
        ? openUnbounded(cx, loop)
        : openBinder(cx, { ...loop, to }, loop.variable.span, scope);
    if (binder === undefined) return undefined;
    scope = scope.child();
    scope.set(loop.variable.text, { kind: "index", span: loop.variable.span, binder });
  }
  if (d.branches.length === 0) return scope;
  // Conditions are not looked at here: no loop variable's range is any guide inside them.
  return scope.child(new Set(cx.model.binders.keys()));
}

/** The same with the local definitions in its loops above it, as far as their types are known. */
function lookingScope(cx: Cx, d: Definition, root: Scope): Scope | undefined {
  const scope = scopeOf(cx, d, root);
  if (scope !== undefined && d.loops.length > 0) addLocals(cx, d.loops[0].body, d, scope);
  return scope;
}

function addLocals(cx: Cx, block: ast.Block, d: Definition, scope: Scope): void {
  for (const s of block.statements) {
    if (s === d.stmt) return;
    if (s.kind === "for" && d.loops.includes(s)) {
      addLocals(cx, s.body, d, scope);
      return;
    }
    const branch = d.branches.find((b) => b.stmt === s);
    if (branch !== undefined) {
      const inside = branch.then ? branch.stmt.then : branch.stmt.else;
      if (inside !== undefined) addLocals(cx, inside, d, scope);
      return;
    }
    if (s.kind !== "let" || s.target.indices.length > 0) continue;
    const { text, span } = s.target.name;
    if (scope.lookup(text) !== undefined || isDistSyntax(cx, s.value, scope)) continue;
    const type = cx.expr(s.value, scope)?.type;
    if (type !== undefined) {
      scope.set(text, { kind: "local", span, name: cx.model.freshName(text), type });
    }
  }
}

const maxFailedLooks = 4;

/** One element of `v`, from its definitions so far, by looking ahead, or assumed inside its own. */
export function elementOf(cx: Cx, v: VariableInfo, use: Span, root: Scope): Element | undefined {
  if (v.element !== undefined) return v.element;
  const [first] = v.definitions;
  if (v.elementState === "working" || v.elementState === "assuming")
    return assume(cx, v, first, use, root);
  if (v.failedLooks > maxFailedLooks) return assume(cx, v, first, use, root);
  v.elementState = "working";
  const element = cx.reporter.quietly(() =>
    cx.model.keepingNames(() => {
      const scope = lookingScope(cx, first, root);
      return scope && definedElement(cx, first.stmt, scope);
    }),
  );
  v.elementState = "unknown";
  if (element === undefined) {
    v.failedLooks++;
    return assume(cx, v, first, use, root);
  }
  v.element = widestElement(cx, v, element, root);
  v.elementState = "guessed";
  return v.element;
}

/**
 * A let whose first elements are ints and later ones reals is real throughout: `let m[0] = 0`, then
 * `let m[t] = m[t - 1] + 0.5`. Looks ahead at the other definitions.
 */
export function widestElement(cx: Cx, v: VariableInfo, element: Element, root: Scope): Element {
  if (v.role !== "let" || element.type.scalar !== "int" || v.definitions.length < 2) return element;
  const before = { element: v.element, state: v.elementState };
  v.element = element;
  v.elementState = "guessed";
  const others = v.definitions.map((d) =>
    cx.reporter.quietly(() =>
      cx.model.keepingNames(() => {
        const scope = lookingScope(cx, d, root);
        return scope && definedElement(cx, d.stmt, scope);
      }),
    ),
  );
  v.element = before.element;
  v.elementState = before.state;
  if (!others.some((o) => o?.type.scalar === "real")) return element;
  return { type: { ...element.type, scalar: "real" }, support: plainSupport("real") };
}

/** The type and support that a defining statement gives. */
export function definedElement(cx: Cx, s: Defining, scope: Scope): Element | undefined {
  switch (s.kind) {
    case "sample":
      return siteOf(cx, s, scope)?.element;
    case "let":
      return letOf(cx, s, scope)?.element;
    case "param":
      return paramOf(cx, s, scope)?.element;
  }
}

/**
 * The element before its definition can be typed, because that refers to itself: the declared
 * type, else a scalar of the distribution's kind, else a real. The definition is held against it.
 */
function assume(
  cx: Cx,
  v: VariableInfo,
  d: Definition,
  use: Span,
  root: Scope,
): Element | undefined {
  const { stmt } = d;
  let element: Element | undefined;
  if (v.elementState === "assuming") return undefined;
  const before = v.elementState;
  v.elementState = "assuming";
  if (stmt.type !== undefined) {
    const { type } = stmt;
    element = cx.reporter.quietly(() =>
      cx.model.keepingNames(() => {
        const scope = scopeOf(cx, d, root);
        return scope && declaredElement(cx, type, scope);
      }),
    );
  } else if (stmt.kind === "sample") {
    element = scalarElement(cx, stmt.dist);
  } else if (stmt.kind === "let") {
    element = { type: { scalar: "real", dims: [] }, support: plainSupport("real") };
  }
  v.elementState = before;
  if (element === undefined) {
    return cx.reporter.report("needs_type", use, { name: v.name }, [
      { span: stmt.target.span, text: "defined here" },
    ]);
  }
  v.element = element;
  v.elementState = "guessed";
  return element;
}

function scalarElement(cx: Cx, e: ast.Expr): Element | undefined {
  if (e.kind !== "call" || e.callee.kind !== "name") return undefined;
  const { name } = e.callee;
  const isCut = name === "Truncated" || name === "Censored";
  if (isCut && e.args.length > 0) return scalarElement(cx, e.args[0].value);
  const d = Object.hasOwn(cx.distributions, name) ? cx.distributions[name] : undefined;
  if (d === undefined || d.event.rank > 0) return undefined;
  const { scalar } = d.event;
  return { type: { scalar, dims: [] }, support: plainSupport(scalar) };
}
