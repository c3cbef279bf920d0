/** Distributions made of distributions: iid, Truncated, Mixture. */

import { intervalOf, supportInterval } from "../model/interval.js";
import type { DistExpr, Expr, Support } from "../model/ir.js";
import { printSupport, printType } from "../model/print.js";
import type { Size } from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { sizeArgument } from "./builtins.js";
import { isDistSyntax } from "./calls.js";
import { type Cx, quote } from "./context.js";
import { cutWritten } from "./derived.js";
import { openBinders } from "./expr.js";
import { outliving } from "./outliving.js";
import type { Scope } from "./scope.js";
import { dimsAgree } from "./sizes.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

/** `iid(D, N, …)`: an array of independent draws, new axes first. */
export function iidDist(cx: Cx, e: CallAst, scope: Scope): DistExpr | undefined {
  const [first, ...rest] = e.args;
  if (first === undefined || rest.length === 0 || e.args.some((a) => a.name !== undefined)) {
    return cx.reporter.report("combinator_usage", e.span, { usage: "iid(D, N, …)" });
  }
  const base = cx.dist(first.value, scope);
  const sizes = rest.map((a) => {
    const value = cx.expr(a.value, scope);
    return value && sizeArgument(value, { cx, span: e.span, shown: "iid" });
  });
  if (base === undefined || !sizes.every((s) => s !== undefined)) return undefined;
  return makeIid(base, sizes, e.span);
}

/** Independent copies of `base` along new leading axes. */
export function makeIid(base: DistExpr, sizes: readonly Size[], span: DistExpr["span"]): DistExpr {
  const event = { scalar: base.event.scalar, dims: [...sizes, ...base.event.dims] };
  return { kind: "iid", base, sizes, event, support: base.support, span };
}

/** `Truncated(D, lower:, upper:)`: D conditioned on an interval. */
export function truncatedDist(cx: Cx, e: CallAst, scope: Scope): DistExpr | undefined {
  return cutDist(cx, e, scope, "Truncated");
}

/** `Censored(D, lower:, upper:)`: D with what lies beyond a bound moved to it. */
export function censoredDist(cx: Cx, e: CallAst, scope: Scope): DistExpr | undefined {
  const made = cutDist(cx, e, scope, "Censored");
  if (made?.kind !== "truncated" && made?.kind !== "written") return made;
  return { ...made, censored: true };
}

function cutDist(cx: Cx, e: CallAst, scope: Scope, name: string): DistExpr | undefined {
  const usage = `${name}(D, lower: a, upper: b)`;
  const [first, ...rest] = e.args;
  const ends: Record<string, Expr | undefined> = {};
  let bad = first === undefined || first.name !== undefined || rest.length === 0;
  for (const a of rest) {
    const name = a.name?.text;
    if (name !== "lower" && name !== "upper") bad = true;
    else if (Object.hasOwn(ends, name)) bad = true;
    else ends[name] = cx.expr(a.value, scope);
  }
  if (bad) return cx.reporter.report("combinator_usage", e.span, { usage });
  const base = cx.dist(first.value, scope);
  if (base === undefined || Object.values(ends).some((v) => v === undefined)) return undefined;
  const isKnown =
    base.kind === "named"
      ? cx.distributions[base.name].logCdf !== undefined
      : base.kind === "written" && base.cdf !== undefined && base.event.dims.length === 0;
  if (!isKnown) {
    const written = base.kind === "written" && base.event.dims.length === 0;
    return cx.reporter.report("truncated_base", first.span, {
      text: quote(first.span),
      name,
      written,
    });
  }
  const { lower, upper } = ends;
  for (const end of [lower, upper]) {
    if (end !== undefined && end.type.dims.length > 0) {
      return cx.reporter.report("bound_not_scalar", end.span, {
        text: quote(end.span),
        actual: printType(end.type),
      });
    }
  }
  const support = truncatedSupport(cx, base, lower, upper);
  if (support === undefined) {
    return cx.reporter.report("truncated_empty", e.span, {
      base: printSupport(base.support),
      text: quote(first.span),
    });
  }
  if (base.kind === "written") {
    return cutWritten(cx, base, { lower, upper }, support, name === "Censored", e.span);
  }
  return { kind: "truncated", base, lower, upper, event: base.event, support, span: e.span };
}

function truncatedSupport(
  cx: Cx,
  base: DistExpr,
  lower: Expr | undefined,
  upper: Expr | undefined,
): Support | undefined {
  const lookup = cx.model.lookupInterval;
  const own = supportInterval(base.support, lookup);
  const lo = lower === undefined ? own.lo : intervalOf(lower, lookup).lo;
  const hi = upper === undefined ? own.hi : intervalOf(upper, lookup).hi;
  if (lo > hi || hi < own.lo || lo > own.hi) return undefined;
  const span = base.span;
  const constant = (value: number): Expr | undefined =>
    Number.isFinite(value)
      ? { kind: "const", value, span, type: { scalar: base.event.scalar, dims: [] } }
      : undefined;
  // A cut outside the base's own support cuts nothing.
  const keepsLower = lower !== undefined && intervalOf(lower, lookup).hi > own.lo;
  const keepsUpper = upper !== undefined && intervalOf(upper, lookup).lo < own.hi;
  const from = keepsLower ? lower : (ownEnd(base.support, "lower") ?? constant(own.lo));
  const to = keepsUpper ? upper : (ownEnd(base.support, "upper") ?? constant(own.hi));
  if (base.event.scalar !== "real") {
    if (from !== undefined && to !== undefined) return { kind: "integers", lower: from, upper: to };
    return base.support;
  }
  return { kind: "interval", lower: from, upper: to };
}

function ownEnd(s: Support, end: "lower" | "upper"): Expr | undefined {
  return s.kind === "interval" || s.kind === "integers" ? s[end] : undefined;
}

/** `Mixture(weights, [D, …])` or `Mixture(weights, [for k in 0..K: D])`. */
export function mixtureDist(cx: Cx, e: CallAst, scope: Scope): DistExpr | undefined {
  const usage = "Mixture(weights, [D, …]) or Mixture(weights, [for k in 0..K: D])";
  const [first, second] = e.args;
  if (e.args.length !== 2 || e.args.some((a) => a.name !== undefined)) {
    return cx.reporter.report("combinator_usage", e.span, { usage });
  }
  const weights = cx.expr(first.value, scope);
  const list = second.value;
  if (list.kind !== "array" && list.kind !== "comprehension") {
    if (!isDistSyntax(cx, list, scope)) cx.expr(list, scope);
    return cx.reporter.report("combinator_usage", e.span, { usage });
  }
  if (list.kind === "comprehension") return mixtureOver(cx, e, weights, list, scope);
  const components = list.items.map((x) => cx.dist(x, scope));
  if (weights === undefined || !components.every((c) => c !== undefined)) return undefined;
  if (components.length === 0) return cx.reporter.report("combinator_usage", e.span, { usage });
  const count: Size = { terms: [{ coefficient: components.length, names: [] }] };
  if (!weightsFit(cx, weights, count)) return undefined;
  const [one, ...others] = components;
  for (const c of others) {
    if (c.event.scalar !== one.event.scalar || !dimsAgree(c.event.dims, one.event.dims, cx.model)) {
      return cx.reporter.report("mixture_events", c.span, {
        left: printType(one.event),
        right: printType(c.event),
      });
    }
  }
  const support = components.map((c) => c.support).reduce(unionOfSupports);
  return { kind: "mixture", weights, components, event: one.event, support, span: e.span };
}

/** `ZeroInflated(p, D)`: 0 with probability p, else a draw of D: `Mixture([p, 1 - p], [Delta(0), D])`. */
export function zeroInflatedDist(cx: Cx, e: CallAst, scope: Scope): DistExpr | undefined {
  const usage = "ZeroInflated(p, D) with D a distribution of counts";
  const [first, second] = e.args;
  if (e.args.length !== 2 || e.args.some((a) => a.name !== undefined)) {
    return cx.reporter.report("combinator_usage", e.span, { usage });
  }
  const p = cx.expr(first.value, scope);
  const base = cx.dist(second.value, scope);
  if (p === undefined || base === undefined) return undefined;
  const isCount = base.event.scalar === "int" && base.event.dims.length === 0;
  if (!isCount || p.type.dims.length > 0 || p.type.scalar === "bool") {
    return cx.reporter.report("combinator_usage", e.span, { usage });
  }
  const { span } = e;
  const real = { scalar: "real", dims: [] } as const;
  const int = { scalar: "int", dims: [] } as const;
  const one: Expr = { kind: "const", value: 1, span, type: real };
  const zero: Expr = { kind: "const", value: 0, span, type: int };
  const rest: Expr = { kind: "call", fn: "sub", args: [one, p], span: p.span, type: real };
  const two: Size = { terms: [{ coefficient: 2, names: [] }] };
  const weights: Expr = {
    kind: "array",
    items: [p, rest],
    span: p.span,
    type: { scalar: "real", dims: [two] },
  };
  if (!checkWeights(cx, weights)) return undefined;
  const none: DistExpr = {
    kind: "named",
    name: "Delta",
    args: { x: zero },
    event: int,
    support: { kind: "integers", lower: zero, upper: zero },
    span,
  };
  const support = unionOfSupports(none.support, base.support);
  return { kind: "mixture", weights, components: [none, base], event: int, support, span };
}

function mixtureOver(
  cx: Cx,
  e: CallAst,
  weights: Expr | undefined,
  list: Extract<ast.Expr, { kind: "comprehension" }>,
  scope: Scope,
): DistExpr | undefined {
  const opened = openBinders(cx, list.binders, scope);
  const component = cx.dist(list.body, opened.scope);
  if (weights === undefined || opened.binders === undefined || component === undefined) {
    return undefined;
  }
  if (opened.binders.length !== 1) {
    return cx.reporter.report("combinator_usage", list.span, {
      usage: "Mixture(weights, [for k in 0..K: D]) over one variable",
    });
  }
  const [binder] = opened.binders;
  if (!weightsFit(cx, weights, binder.size)) return undefined;
  const components = [component];
  const support = outliving(component.support, binder.name);
  const { event } = component;
  return { kind: "mixture", weights, components, binder, event, support, span: e.span };
}

function weightsFit(cx: Cx, weights: Expr, count: Size): boolean {
  const { dims } = weights.type;
  if (weights.type.scalar !== "bool" && dims.length === 1 && dimsAgree(dims, [count], cx.model)) {
    return checkWeights(cx, weights);
  }
  cx.reporter.report("mixture_weights", weights.span, {
    actual: printType(weights.type),
    count: printType({ scalar: "real", dims: [count] }),
  });
  return false;
}

function checkWeights(cx: Cx, weights: Expr): boolean {
  if (weights.kind !== "array") return true;
  const values = weights.items.map((x) => (x.kind === "const" ? x.value : undefined));
  if (!values.every((v) => v !== undefined)) return true;
  const total = values.reduce((a, b) => a + b, 0);
  if (Math.abs(total - 1) <= 1e-2 && values.every((v) => v >= 0)) return true;
  cx.reporter.report("parameter_values", weights.span, {
    dist: "Mixture",
    param: "weights",
    words: "a simplex (≥ 0, sum 1)",
    found: `its items sum to ${Number(total.toPrecision(6))}`,
  });
  return false;
}

/** The narrowest simple support that holds both: equal ones stay, the rest widen to their line. */
function unionOfSupports(a: Support, b: Support): Support {
  if (printSupport(a) === printSupport(b)) return a;
  const onLine: readonly Support["kind"][] = ["positive", "nonnegative", "unit"];
  if (onLine.includes(a.kind) && onLine.includes(b.kind)) return { kind: "nonnegative" };
  const ints: readonly Support["kind"][] = ["count", "category", "integers"];
  if (ints.includes(a.kind) && ints.includes(b.kind)) return { kind: "count" };
  return a.kind === "int" || ints.includes(a.kind) ? { kind: "int" } : { kind: "real" };
}
