/** What one defining statement says: the distribution of a site, the value of a let or param. */
import type { Span } from "../base/span.js";
import { supportInterval } from "../model/interval.js";
import { type DistExpr, type Expr, real, type Support, type Type } from "../model/ir.js";
import { printSupport, printType } from "../model/print.js";
import { distDependsOnRandom } from "../model/traverse.js";
import type * as ast from "../syntax/ast.js";
import { boolToInt } from "./builtins.js";
import { isDistSyntax } from "./calls.js";
import { makeIid } from "./combinators.js";
import { type Cx, quote } from "./context.js";
import { plainSupport } from "./inputs.js";
import type { Element, Scope } from "./scope.js";
import { dimsAgree, sizeToExpr } from "./sizes.js";
import { declaredElement, keepsConstantMass, restrict } from "./supports.js";

export interface Site {
  readonly dist: DistExpr;
  readonly element: Element;
  readonly restricted: boolean;
}

/** `D` under the declared type, if any: a narrower distribution is repeated over the shape. */
export function siteOf(cx: Cx, s: ast.SampleStmt, scope: Scope): Site | undefined {
  const declared = s.type === undefined ? undefined : declaredElement(cx, s.type, scope);
  const dist = cx.dist(s.dist, scope);
  if (dist === undefined || (s.type !== undefined && declared === undefined)) return undefined;
  if (declared === undefined) {
    const element = { type: dist.event, support: dist.support };
    return { dist, element, restricted: false };
  }
  return underType(cx, dist, declared, s);
}

function underType(cx: Cx, dist: DistExpr, declared: Element, s: ast.SampleStmt): Site | undefined {
  const shown = quote(s.type?.span ?? s.span);
  const lifted = liftTo(cx, dist, declared.type);
  if (lifted === undefined) {
    return cx.reporter.report("site_shape", s.dist.span, {
      name: s.target.name.text,
      declared: printType(declared.type),
      event: printType(dist.event),
    });
  }
  const isInt = (t: Type): boolean => t.scalar !== "real";
  if (isInt(declared.type) !== isInt(dist.event)) {
    return cx.reporter.report("site_kind", s.dist.span, {
      declared: shown,
      event: printType(dist.event),
    });
  }
  const met = restrict(cx, declared.support, dist.support, s.dist.span);
  if (met === "disjoint" || met === "incompatible") {
    return cx.reporter.report("site_support", s.dist.span, {
      declared: shown,
      own: printSupport(dist.support),
      disjoint: met === "disjoint",
    });
  }
  if (met.restricted && distDependsOnRandom(lifted, cx.model.random)) {
    if (!keepsConstantMass(lifted, met.support)) {
      return cx.reporter.report("restriction_random", s.dist.span, {
        declared: shown,
        dist: quote(s.dist.span),
        canTruncate: dist.event.dims.length === 0 && declared.type.dims.length === 0,
      });
    }
  }
  const type = { scalar: lifted.event.scalar, dims: declared.type.dims };
  return { dist: lifted, element: { type, support: met.support }, restricted: met.restricted };
}

/** The distribution repeated over the leading axes that `type` has beyond its event. */
export function liftTo(cx: Cx, dist: DistExpr, type: Type): DistExpr | undefined {
  const extra = type.dims.length - dist.event.dims.length;
  if (extra < 0 || !dimsAgree(type.dims.slice(extra), dist.event.dims, cx.model)) return undefined;
  return extra === 0 ? dist : makeIid(dist, type.dims.slice(0, extra), dist.span);
}

/** The value of a let against its declared type. */
export function letOf(
  cx: Cx,
  s: ast.LetStmt,
  scope: Scope,
): { readonly value: Expr; readonly element: Element } | undefined {
  const declared = s.type === undefined ? undefined : declaredElement(cx, s.type, scope);
  const value = cx.expr(s.value, scope);
  if (value === undefined || (s.type !== undefined && declared === undefined)) return undefined;
  if (declared === undefined) {
    return { value, element: { type: value.type, support: plainSupport(value.type.scalar) } };
  }
  return checkValue(cx, value, declared, s.target.name.text, s.type?.span ?? s.span);
}

function checkValue(
  cx: Cx,
  value: Expr,
  declared: Element,
  name: string,
  typeSpan: Span,
): { readonly value: Expr; readonly element: Element } | undefined {
  const canPass =
    value.type.scalar === declared.type.scalar ||
    (declared.type.scalar === "real" && value.type.scalar === "int");
  if (!canPass || !dimsAgree(value.type.dims, declared.type.dims, cx.model)) {
    return cx.reporter.report("declared_type", value.span, {
      name,
      expected: quote(typeSpan),
      actual: printType(value.type),
    });
  }
  const range = cx.model.interval(value);
  const allowed = supportInterval(declared.support, cx.model.lookupInterval);
  if (range.hi < allowed.lo || range.lo > allowed.hi) {
    return cx.reporter.report("value_outside", value.span, {
      name,
      expected: quote(typeSpan),
      text: quote(value.span),
    });
  }
  const isWidened = declared.type.scalar === "real" && value.type.scalar === "int";
  return { value: isWidened ? toReal(value) : value, element: declared };
}

function toReal(e: Expr): Expr {
  if (e.kind === "const") return { ...e, type: real };
  return { kind: "call", fn: "real", args: [e], span: e.span, type: { ...e.type, scalar: "real" } };
}

/** The type of a param and its initial value, which scalars fill. */
export function paramOf(
  cx: Cx,
  s: ast.ParamStmt,
  scope: Scope,
): { readonly init?: Expr | DistExpr; readonly element: Element } | undefined {
  const declared = s.type === undefined ? undefined : declaredElement(cx, s.type, scope);
  if (s.type !== undefined && declared === undefined) return undefined;
  const name = s.target.name.text;
  if (s.init === undefined) {
    if (declared !== undefined) return { element: declared };
    return cx.reporter.report("param_untyped", s.span, { name });
  }
  if (isDistSyntax(cx, s.init, scope)) {
    const dist = cx.dist(s.init, scope);
    if (dist === undefined) return undefined;
    if (declared === undefined) {
      return { init: dist, element: { type: dist.event, support: dist.support } };
    }
    const lifted = liftTo(cx, dist, declared.type);
    if (lifted !== undefined) return { init: lifted, element: declared };
    return cx.reporter.report("site_shape", s.init.span, {
      name,
      declared: printType(declared.type),
      event: printType(dist.event),
    });
  }
  const value = cx.expr(s.init, scope);
  if (value === undefined) return undefined;
  if (declared === undefined) {
    const type = { scalar: "real" as const, dims: value.type.dims };
    return { init: boolToInt(value), element: { type, support: { kind: "real" } } };
  }
  return initValue(cx, value, declared, s);
}

/**
 * Adds the state of a param with `then`. Its next value is looked at once everything around it has
 * been: it may read later definitions.
 */
export function addState(
  cx: Cx,
  s: ast.ParamStmt,
  name: string,
  element: Element,
  scope: Scope,
): void {
  if (s.next === undefined) return;
  if (element.support.kind !== "real") {
    const support = printSupport(element.support);
    cx.reporter.report("state_support", s.target.span, { name, support });
    return;
  }
  const value = cx.expr(s.next, scope);
  const made = value && initValue(cx, value, element, s);
  if (made !== undefined) cx.model.states.push({ param: name, next: made.init });
}

function initValue(
  cx: Cx,
  value: Expr,
  declared: Element,
  s: ast.ParamStmt,
): { readonly init: Expr; readonly element: Element } | undefined {
  const { dims } = declared.type;
  const filled: Expr =
    value.type.dims.length === 0 && dims.length > 0
      ? {
          kind: "call",
          fn: "fill",
          args: [value, ...dims.map((d) => sizeToExpr(d, value.span, cx))],
          span: value.span,
          type: { scalar: value.type.scalar, dims },
        }
      : value;
  const typeSpan = s.type?.span ?? s.span;
  const checked = checkValue(cx, filled, declared, s.target.name.text, typeSpan);
  return checked && { init: checked.value, element: declared };
}

/** An observed value against its distribution; a narrower distribution is repeated over it. */
export function observed(cx: Cx, value: Expr, dist: DistExpr, span: Span): DistExpr | undefined {
  const lifted = liftTo(cx, dist, value.type);
  if (lifted === undefined) {
    return cx.reporter.report("observed_shape", span, {
      text: quote(value.span),
      actual: printType(value.type),
      event: printType(dist.event),
    });
  }
  if (value.type.scalar === "real" && dist.event.scalar !== "real") {
    return cx.reporter.report("observed_kind", span, {
      text: quote(value.span),
      actual: printType(value.type),
      event: printType(dist.event),
    });
  }
  return lifted;
}

/** The supports of two definitions of one variable are the same. */
export function sameSupport(a: Support, b: Support): boolean {
  return printSupport(a) === printSupport(b);
}
