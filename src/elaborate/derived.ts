/**
 * Distributions made of others by formulas: a distribution of the text cut or censored, and the image
 * of any distribution under a function that can be inverted. They become written distributions, so
 * that no later stage knows of them.
 */
import { internalError } from "../base/internal.js";
import type { Span } from "../base/span.js";
import type { BuiltinName } from "../model/builtins.js";
import { intervalOf, supportInterval } from "../model/interval.js";
import { type DistExpr, type Expr, real, type Support, type Type } from "../model/ir.js";
import { childExprs, distBinders, distExprs, walkExpr } from "../model/traverse.js";
import type * as ast from "../syntax/ast.js";
import { builtinCall } from "./builtins.js";
import { type Cx, quote } from "./context.js";
import { invert } from "./inverse.js";
import type { Scope } from "./scope.js";
import { applied } from "./transforms.js";
import { writer } from "./writer.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;
type Written = Extract<DistExpr, { kind: "written" }>;

/** Makers of typed expressions at one span. */
export interface Maker {
  readonly call: (fn: BuiltinName, ...args: readonly Expr[]) => Expr;
  readonly number: (value: number) => Expr;
  readonly choose: (condition: Expr, then: Expr, other: Expr) => Expr;
  readonly local: (name: string, type: Type) => Expr;
}

/** @throws InternalError where a call has no type: callers know the types that they join */
export function maker(cx: Cx, span: Span): Maker {
  return {
    call: (fn, ...args) =>
      builtinCall(fn, args, { cx, span, shown: fn }) ?? internalError(`no type for ${fn}`),
    number: (value) => ({ kind: "const", value, span, type: real }),
    choose: (condition, then, other) => {
      return { kind: "if", condition, then, else: other, span, type: then.type };
    },
    local: (name, type) => ({ kind: "var", role: "local", name, span, type }),
  };
}

/** A new local for the value of a distribution, known to lie in its support. */
function valueName(cx: Cx, base: string, support: Support): string {
  const name = cx.model.freshName(base);
  cx.model.random.add(name);
  cx.model.intervals.set(name, supportInterval(support, cx.model.lookupInterval));
  return name;
}

/**
 * `Truncated` or `Censored` of a written distribution that has a cdf: its density over the mass
 * between the bounds, or the masses at them.
 */
export function cutWritten(
  cx: Cx,
  base: Written,
  bounds: { readonly lower?: Expr; readonly upper?: Expr },
  support: Support,
  censored: boolean,
  span: Span,
): DistExpr {
  const m = maker(cx, span);
  const variable = valueName(cx, base.variable, base.support);
  const x = m.local(variable, base.event);
  const at = (member: Expr | undefined, point: Expr): Expr => {
    if (member === undefined) return internalError(`${base.name} has no cdf`);
    const lets = [{ name: base.variable, value: point }];
    return { kind: "block", lets, result: member, span, type: member.type };
  };
  const whole = base.event.scalar !== "real";
  const { lower, upper } = bounds;
  /** P(X ≤ bound), with its limit where the bound is infinite; x is a point where a cdf is known. */
  const cdfAt = (bound: Expr, shift: boolean): Expr => {
    const moved = (b: Expr): Expr =>
      shift && whole ? m.call("sub", m.call("ceil", b), { ...m.number(1), type: int }) : b;
    if (bound.kind === "const" && Number.isFinite(bound.value)) return at(base.cdf, moved(bound));
    const bounded = m.call("lt", m.call("abs", bound), m.number(Number.POSITIVE_INFINITY));
    const limit = m.choose(m.call("lt", bound, m.number(0)), m.number(0), m.number(1));
    const safe = m.choose(bounded, moved(bound), x);
    return m.choose(bounded, at(base.cdf, safe), limit);
  };
  const below = lower && cdfAt(lower, true);
  const until = upper && cdfAt(upper, false);
  const density = at(base.logpdf, x);
  const parts = { m, x, density, below, until, lower, upper, cdfAt, whole };
  const logpdf = censored ? censoredDensity(parts) : truncatedDensity(parts);
  return {
    kind: "written",
    name: base.name,
    args: argumentsOf([logpdf], new Set([variable, ...distBinders(base)])),
    variable,
    logpdf,
    ...(!censored && base.cdf && { cdf: cutCdf(parts, at(base.cdf, x)) }),
    ...(base.sampler && { sampler: cutSampler(cx, parts, base.sampler, censored, span) }),
    event: base.event,
    support,
    span,
  };
}

const int: Type = { scalar: "int", dims: [] };

interface Parts {
  readonly m: Maker;
  readonly x: Expr;
  readonly density: Expr;
  /** P(X < lower) and P(X ≤ upper), where there are such bounds. */
  readonly below: Expr | undefined;
  readonly until: Expr | undefined;
  readonly lower: Expr | undefined;
  readonly upper: Expr | undefined;
  readonly cdfAt: (bound: Expr, shift: boolean) => Expr;
  readonly whole: boolean;
}

/** P(lower ≤ X ≤ upper). */
function massOf({ m, below, until }: Parts): Expr {
  return m.call("sub", until ?? m.number(1), below ?? m.number(0));
}

/** log P(X ≥ lower) by log1p, which is exact for small lower tails. */
function logMass(parts: Parts): Expr {
  const { m, below, until } = parts;
  if (until === undefined && below !== undefined) return m.call("log1p", m.call("neg", below));
  const mass = massOf(parts);
  // Where the mass rounds to 0 no value is possible, rather than certain.
  const none = m.number(Number.POSITIVE_INFINITY);
  return m.choose(m.call("gt", mass, m.number(0)), m.call("log", mass), none);
}

function truncatedDensity(parts: Parts): Expr {
  const { m, x, density, lower, upper } = parts;
  const conditions = [
    ...(lower === undefined ? [] : [m.call("ge", x, lower)]),
    ...(upper === undefined ? [] : [m.call("le", x, upper)]),
  ];
  const inside = conditions.reduce((a, b) => m.call("and", a, b));
  const value = m.call("sub", density, logMass(parts));
  return m.choose(inside, value, m.number(Number.NEGATIVE_INFINITY));
}

function censoredDensity({ m, x, density, lower, upper, cdfAt }: Parts): Expr {
  let out = density;
  if (upper !== undefined) {
    // P(X ≥ upper): with whole numbers the bound itself counts.
    const beyond = m.call("log1p", m.call("neg", cdfAt(upper, true)));
    const never = m.number(Number.NEGATIVE_INFINITY);
    out = m.choose(m.call("lt", x, upper), out, m.choose(m.call("eq", x, upper), beyond, never));
  }
  if (lower !== undefined) {
    const beyond = m.call("log", cdfAt(lower, false));
    const never = m.number(Number.NEGATIVE_INFINITY);
    out = m.choose(m.call("gt", x, lower), out, m.choose(m.call("eq", x, lower), beyond, never));
  }
  return out;
}

function cutCdf(parts: Parts, cdf: Expr): Expr {
  const { m, below } = parts;
  const part = m.call("div", m.call("sub", cdf, below ?? m.number(0)), massOf(parts));
  return m.call("minimum", m.call("maximum", part, m.number(0)), m.number(1));
}

/** By inversion where the text tells the quantile, else by drawing until one lies inside. */
function cutSampler(
  cx: Cx,
  parts: Parts,
  sampler: NonNullable<Written["sampler"]>,
  censored: boolean,
  span: Span,
): NonNullable<Written["sampler"]> {
  const { m, below, lower, upper } = parts;
  if (censored) {
    const up = lower === undefined ? sampler.value : m.call("maximum", sampler.value, lower);
    return { ...sampler, value: upper === undefined ? up : m.call("minimum", up, upper) };
  }
  const [u] = sampler.draws;
  // A bound that is not known to be finite is guarded by the value itself, which a draw has not yet.
  const known = [lower, upper].every((b) => b === undefined || b.kind === "const");
  if (sampler.byQuantile !== true || !known) return { ...sampler, within: { lower, upper } };
  const name = cx.model.freshName("draw");
  cx.model.random.add(name);
  cx.model.intervals.set(name, { lo: 0, hi: 1 });
  const share = m.call("mul", massOf(parts), m.local(name, real));
  const value = m.call("add", below ?? m.number(0), share);
  const lets = [{ name: u.name, value }];
  return {
    draws: [{ name, dist: u.dist }],
    value: { kind: "block", lets, result: sampler.value, span, type: sampler.value.type },
    byQuantile: true,
  };
}

/** `Transformed(D, f)` in a model: f written as a chain of functions with known inverses. */
export function transformedDist(cx: Cx, e: CallAst, scope: Scope): DistExpr | undefined {
  const [first, map] = e.args;
  if (e.args.length !== 2 || e.args.some((a) => a.name !== undefined)) {
    return cx.reporter.report("transformed_usage", e.span, {});
  }
  const base = cx.dist(first.value, scope);
  if (base === undefined) return undefined;
  if (base.event.scalar !== "real" || !elementwiseSupports.has(base.support.kind)) {
    return cx.reporter.report("transformed_base", first.span, { text: quote(first.span) });
  }
  const { span } = e;
  const drawn = valueName(cx, "draw", base.support);
  const m = maker(cx, span);
  const u = m.local(drawn, base.event);
  const inner = scope.child();
  // A name that no text can hold.
  inner.set("draw of", { kind: "local", span, name: drawn, type: base.event });
  const call = applied(cx, map.value, writer(map.span).name("draw of"));
  const image = call && cx.expr(call, inner);
  if (image === undefined) return undefined;
  const variable = valueName(cx, "x", { kind: "real" });
  const x = m.local(variable, base.event);
  const sameShape =
    image.type.scalar === "real" && image.type.dims.length === base.event.dims.length;
  const found = sameShape ? invert(cx, image, drawn, x, base.support, m) : "shape";
  if (typeof found === "string") {
    return cx.reporter.report("transformed_inverse", map.span, {
      text: quote(map.span),
      why: found,
    });
  }
  cx.model.intervals.set(variable, supportInterval(found.support, cx.model.lookupInterval));
  const lp = methodOf(cx, base, "log_prob", found.inverse, span);
  if (lp === undefined) return undefined;
  const cdf =
    base.event.dims.length > 0 ? undefined : methodOf(cx, base, "cdf", found.inverse, span);
  const logpdf = m.call("add", lp, found.logSlope);
  const bound = new Set([variable, drawn, ...distBinders(base)]);
  return {
    kind: "written",
    name: "Transformed",
    args: argumentsOf([logpdf, image], bound),
    variable,
    logpdf,
    ...(cdf && { cdf: found.increasing ? cdf : m.call("sub", m.number(1), cdf) }),
    sampler: { draws: [{ name: drawn, dist: base }], value: withType(image, u) },
    event: base.event,
    support: found.support,
    span,
  };
}

const elementwiseSupports: ReadonlySet<Support["kind"]> = new Set([
  "real",
  "positive",
  "nonnegative",
  "unit",
  "interval",
]);

const withType = (e: Expr, like: Expr): Expr => ({ ...e, type: like.type });

/** A method's value at a point; undefined where the distribution does not have it. */
export function methodOf(
  cx: Cx,
  dist: DistExpr,
  method: "log_prob" | "cdf",
  point: Expr,
  span: Span,
): Expr | undefined {
  if (dist.kind === "written") {
    const member = method === "cdf" ? dist.cdf : dist.logpdf;
    const lets = [{ name: dist.variable, value: point }];
    return member && { kind: "block", lets, result: member, span, type: real };
  }
  if (method === "cdf") {
    if (dist.kind !== "named" || cx.distributions[dist.name].cdf === undefined) return undefined;
  }
  return { kind: "dist_method", dist, method, args: [point], span, type: real };
}

/** What the loops of a density are found by: the loop variables and locals that it reads. */
function argumentsOf(roots: readonly Expr[], bound: ReadonlySet<string>): Record<string, Expr> {
  const out: Record<string, Expr> = {};
  const inside = new Set(bound);
  const seen: Expr[] = [];
  for (const root of roots) {
    walkExpr(root, (e) => {
      seen.push(e);
      if (e.kind === "block") for (const l of e.lets) inside.add(l.name);
      if (e.kind === "comprehension" || e.kind === "reduce") {
        for (const b of e.binders) inside.add(b.name);
      }
      if (e.kind === "grad") inside.add(e.variable);
      if (e.kind === "dist_method") for (const n of distBinders(e.dist)) inside.add(n);
    });
  }
  for (const e of seen) {
    if (e.kind !== "var" || inside.has(e.name)) continue;
    if (e.role === "index" || e.role === "local") out[e.name] = e;
  }
  return out;
}

/** Whether an expression reads the name, through definitions of blocks too. */
export function reads(e: Expr, name: string): boolean {
  if (e.kind === "var") return e.name === name;
  const nested = e.kind === "dist_method" ? distExprs(e.dist) : [];
  return [...childExprs(e), ...nested].some((c) => reads(c, name));
}

/** The least and greatest value of an expression as far as is known. */
export function rangeOf(cx: Cx, e: Expr): { readonly lo: number; readonly hi: number } {
  return intervalOf(e, cx.model.lookupInterval);
}
