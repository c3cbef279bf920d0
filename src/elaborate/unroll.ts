/**
 * Loops of modules: their ranges are numbers of the text (or lengths of array literals), so that
 * they are written out, and each `layers[l]` or `h[l]` has a shape of its own.
 */
import type { Expr } from "../model/ir.js";
import type * as ast from "../syntax/ast.js";
import { staticInt } from "./callables.js";
import { type Cx, quote } from "./context.js";
import type { Entry, Scope } from "./scope.js";
import { constInt } from "./sizes.js";

/** More steps than this are no network but a mistake. */
const maxSteps = 10_000;

/** Runs `step` for each value of the loop, in a scope of its own. */
export function unrolled(
  cx: Cx,
  s: ast.ForStmt,
  scope: Scope,
  step: (inner: Scope, value: number) => void,
): void {
  const from = staticInt(cx, s.from, scope);
  const to = s.to === undefined ? undefined : staticInt(cx, s.to, scope);
  if (from === undefined || to === undefined || to - from > maxSteps) {
    cx.reporter.report("module_loop", s.variable.span, {
      range: `${quote(s.from.span)}..${s.to === undefined ? "" : quote(s.to.span)}`,
    });
    return;
  }
  for (let i = from; i < to; i++) {
    const inner = scope.child();
    const { span } = s.variable;
    inner.set(s.variable.text, { kind: "alias", span, value: constInt(i, span) });
    step(inner, i);
  }
}

/**
 * Defines `name` or `name[index]`: in `scope`, or in the family of that name, which is made in
 * `home` where there is none. False where it is defined already or the index is no number.
 */
export function define(
  cx: Cx,
  target: ast.Target,
  entry: Entry,
  scope: Scope,
  home: Scope,
): boolean {
  const { name, indices } = target;
  if (indices.length === 0) {
    if (!isFree(cx, name, scope)) return false;
    scope.set(name.text, entry);
    return true;
  }
  const at = indices.length === 1 ? staticInt(cx, indices[0], scope) : undefined;
  if (at === undefined) {
    cx.reporter.report("module_index", target.span, { text: quote(target.span) });
    return false;
  }
  let family = scope.lookup(name.text);
  if (family?.kind === "pending") family = undefined;
  if (family === undefined) {
    family = { kind: "family", span: name.span, elements: new Map() };
    home.set(name.text, family);
  }
  if (family.kind !== "family" || family.elements.has(at)) {
    cx.reporter.report(
      "name_taken",
      target.span,
      { name: quote(target.span), what: "definition" },
      [{ span: family.span, text: `\`${name.text}\` is first defined here` }],
    );
    return false;
  }
  family.elements.set(at, entry);
  return true;
}

function isFree(cx: Cx, name: ast.Name, scope: Scope): boolean {
  const taken = scope.lookup(name.text);
  if (taken === undefined || taken.kind === "pending") return true;
  cx.reporter.report("name_taken", name.span, { name: name.text, what: "definition" }, [
    { span: taken.span, text: `\`${name.text}\` is first defined here` },
  ]);
  return false;
}

/** `widths[l]` of an array literal: the item itself, so that it can be a size. */
export function staticItem(
  cx: Cx,
  e: Extract<ast.Expr, { kind: "index" }>,
  scope: Scope,
): Expr | undefined {
  if (e.target.kind !== "name" || e.indices.length !== 1) return undefined;
  const entry = scope.lookup(e.target.name);
  if (entry?.kind !== "alias" || entry.value.kind !== "array") return undefined;
  const [index] = e.indices;
  if (index.kind !== "at") return undefined;
  const at = cx.reporter.quietly(() => staticInt(cx, index.value, scope));
  const item = at === undefined ? undefined : entry.value.items[at];
  return item && cx.model.copy(item, e.span);
}
