/** Declared types with their supports, and how a declared support meets a distribution's own. */
import type { Span } from "../base/span.js";
import { intervalOf, supportInterval } from "../model/interval.js";
import type { DistExpr, Expr, Support } from "../model/ir.js";
import { printSupport, printType } from "../model/print.js";
import type * as ast from "../syntax/ast.js";
import { sizeArgument } from "./builtins.js";
import { type Cx, quote } from "./context.js";
import type { Element, Scope } from "./scope.js";
import { shapeOfType } from "./type-names.js";

/** A written type whose sizes and bounds are expressions of the scope. */
export function declaredElement(cx: Cx, t: ast.TypeExpr, scope: Scope): Element | undefined {
  const shape = shapeOfType(cx, t);
  if (shape === undefined) return undefined;
  const distinct = shape.name.value === "matrix" ? shape.sizes.slice(0, 1) : shape.sizes;
  const found = distinct.map((e) => {
    const value = cx.expr(e, scope);
    return value && sizeArgument(value, { cx, span: e.span, shown: t.name.text });
  });
  const support = declaredSupport(cx, t, scope);
  if (!found.every((d) => d !== undefined)) return undefined;
  const dims = shape.name.value === "matrix" ? [found[0], found[0]] : found;
  return support && { type: { scalar: shape.scalar, dims }, support };
}

/** The support that a written type names (a name that `shapeOfType` knows). */
export function declaredSupport(cx: Cx, t: ast.TypeExpr, scope: Scope): Support | undefined {
  const args = t.args.map((e) => boundExpr(cx, e, scope));
  return args.every((a) => a !== undefined) ? writtenSupport(cx, t, args) : undefined;
}

function boundExpr(cx: Cx, e: ast.Expr, scope: Scope): Expr | undefined {
  const value = cx.expr(e, scope);
  if (value === undefined) return undefined;
  if (value.type.dims.length === 0 && value.type.scalar !== "bool") return value;
  return cx.reporter.report("bound_not_scalar", e.span, {
    text: quote(e.span),
    actual: printType(value.type),
  });
}

function writtenSupport(cx: Cx, t: ast.TypeExpr, args: readonly Expr[]): Support | undefined {
  switch (t.name.text) {
    case "between": {
      const [lower, upper] = args;
      const lo = cx.model.interval(lower);
      const hi = cx.model.interval(upper);
      if (lo.lo >= hi.hi) {
        return cx.reporter.report("empty_support", t.span, { text: quote(t.span) });
      }
      return { kind: "interval", lower, upper };
    }
    case "above":
      return { kind: "interval", lower: args[0] };
    case "below":
      return { kind: "interval", upper: args[0] };
    case "category": {
      if (args[0].type.scalar !== "int") {
        return cx.reporter.report("size_not_int", args[0].span, {
          text: quote(args[0].span),
          actual: printType(args[0].type),
        });
      }
      return { kind: "category", size: args[0] };
    }
    default:
      // The other names of types are names of supports (see `typeNames`).
      return { kind: t.name.text } as Support;
  }
}

/** The two ends of a support of scalars as expressions; undefined for structured ones. */
function ends(s: Support, span: Span): { lower?: Expr; upper?: Expr } | undefined {
  const constant = (value: number): Expr => ({
    kind: "const",
    value,
    span,
    type: { scalar: "real", dims: [] },
  });
  switch (s.kind) {
    case "real":
      return {};
    case "positive":
    case "nonnegative":
      return { lower: constant(0) };
    case "unit":
      return { lower: constant(0), upper: constant(1) };
    case "interval":
      return { lower: s.lower, upper: s.upper };
    default:
      return undefined;
  }
}

const intKinds: readonly Support["kind"][] = ["int", "bool", "count", "category", "integers"];

export type Restriction =
  | { readonly support: Support; readonly restricted: boolean }
  | "disjoint"
  | "incompatible";

/**
 * The support of a site declared with `declared` and drawn from a distribution on `own`:
 * their intersection, and whether that is narrower than `own`.
 */
export function restrict(cx: Cx, declared: Support, own: Support, span: Span): Restriction {
  if (printSupport(declared) === printSupport(own)) return { support: own, restricted: false };
  const isInt = (s: Support) => intKinds.includes(s.kind);
  if (isInt(declared) || isInt(own)) return restrictInts(declared, own);
  const [d, o] = [ends(declared, span), ends(own, span)];
  if (d === undefined) return restrictStructured(declared, own);
  // A declared `real` says nothing about a structured value.
  if (o === undefined) {
    return declared.kind === "real" ? { support: own, restricted: false } : "incompatible";
  }
  return intersect(cx, declared, own, d, o);
}

function restrictInts(declared: Support, own: Support): Restriction {
  const plain = declared.kind === "int" || declared.kind === "real";
  if (plain) return { support: own, restricted: false };
  if (declared.kind === "count" && intKinds.includes(own.kind) && own.kind !== "bool") {
    return { support: own, restricted: false };
  }
  if (own.kind === "count" && declared.kind === "category") {
    return { support: declared, restricted: true };
  }
  const both = ["category", "integers"];
  if (both.includes(declared.kind) && both.includes(own.kind)) {
    return { support: own, restricted: false };
  }
  return "incompatible";
}

function restrictStructured(declared: Support, own: Support): Restriction {
  if (own.kind === "real") return { support: declared, restricted: true };
  const isPositive = own.kind === "positive" || own.kind === "nonnegative";
  if (isPositive && (declared.kind === "ordered" || declared.kind === "positive_ordered")) {
    return { support: { kind: "positive_ordered" }, restricted: true };
  }
  if (declared.kind === "ordered" && own.kind === "positive_ordered") {
    return { support: own, restricted: false };
  }
  return "incompatible";
}

function intersect(
  cx: Cx,
  declared: Support,
  own: Support,
  d: { lower?: Expr; upper?: Expr },
  o: { lower?: Expr; upper?: Expr },
): Restriction {
  const lookup = cx.model.lookupInterval;
  const [di, oi] = [supportInterval(declared, lookup), supportInterval(own, lookup)];
  if (di.lo >= oi.hi || oi.lo >= di.hi) return "disjoint";
  const lower = tighter(d.lower, o.lower, lookup, (a, b) => a.lo >= b.hi);
  const upper = tighter(d.upper, o.upper, lookup, (a, b) => a.hi <= b.lo);
  if (lower === "unknown" || upper === "unknown") return "incompatible";
  if (lower.from !== "declared" && upper.from !== "declared") {
    return { support: own, restricted: false };
  }
  const ownCounts = lower.from === "own" || upper.from === "own";
  const support: Support = ownCounts
    ? { kind: "interval", lower: lower.end, upper: upper.end }
    : declared;
  return { support, restricted: true };
}

interface End {
  readonly end?: Expr;
  readonly from: "declared" | "own" | "both";
}

/** The end that cuts more; `unknown` where the two cannot be compared before the data is known. */
function tighter(
  d: Expr | undefined,
  o: Expr | undefined,
  lookup: (name: string) => { lo: number; hi: number } | undefined,
  cutsMore: (a: { lo: number; hi: number }, b: { lo: number; hi: number }) => boolean,
): End | "unknown" {
  if (d === undefined) return { end: o, from: o === undefined ? "both" : "own" };
  if (o === undefined) return { end: d, from: "declared" };
  const [di, oi] = [intervalOf(d, lookup), intervalOf(o, lookup)];
  if (di.lo === di.hi && oi.lo === oi.hi && di.lo === oi.lo) return { end: o, from: "both" };
  if (cutsMore(oi, di)) return { end: o, from: "own" };
  if (cutsMore(di, oi)) return { end: d, from: "declared" };
  return "unknown";
}

/** Location families that are symmetric about the named parameter: half of the mass is above it. */
const symmetricAbout: Readonly<Record<string, string>> = {
  Normal: "mu",
  Cauchy: "mu",
  StudentT: "mu",
  Laplace: "mu",
  Logistic: "mu",
};

/**
 * True where the mass that a restriction keeps does not depend on the distribution's parameters:
 * an ordering of exchangeable draws (1/K!), a cut of a symmetric density at its constant centre
 * (1/2), and densities without a normaliser.
 */
export function keepsConstantMass(dist: DistExpr, support: Support): boolean {
  const base = dist.kind === "iid" ? dist.base : dist;
  if (base.kind !== "named") return false;
  if (base.name === "Flat") return true;
  const isOrdering =
    (support.kind === "ordered" && base.support.kind === "real") ||
    (support.kind === "positive_ordered" && base.support.kind === "positive");
  if (isOrdering) return dist.kind === "iid";
  const centre = base.args[symmetricAbout[base.name] ?? ""];
  if (centre?.kind !== "const" || base.support.kind !== "real") return false;
  if (support.kind === "positive" || support.kind === "nonnegative") return centre.value === 0;
  if (support.kind !== "interval") return false;
  const { lower, upper } = support;
  const only = lower === undefined ? upper : upper === undefined ? lower : undefined;
  return only?.kind === "const" && only.value === centre.value;
}
