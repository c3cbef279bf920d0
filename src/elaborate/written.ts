/**
 * Distributions of the text: `dist D(args) on T { logpdf(x) = e; sample = e; … }`. A call writes the
 * arguments into the members; `D'.sample` inside `sample` is a draw of another distribution, and
 * `quantile(u)` a sampler by inversion.
 */
import type { Span } from "../base/span.js";
import { supportInterval } from "../model/interval.js";
import type { DistExpr, DistMethod, Expr, Type, WrittenSampler } from "../model/ir.js";
import { printType } from "../model/print.js";
import type * as ast from "../syntax/ast.js";
import { builtinCall } from "./builtins.js";
import { type Cx, quote } from "./context.js";
import { checkFn, convert, inBody, isOpen, openArguments } from "./functions.js";
import type { DistRef, FnRef, Scope } from "./scope.js";
import { dimsAgree } from "./sizes.js";
import { declaredElement } from "./supports.js";
import { writer } from "./writer.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;
type Written = Extract<DistExpr, { kind: "written" }>;

/** Members and how many arguments they have; `logpmf` is another name of `logpdf`. */
export const distMembers = {
  logpdf: 1,
  logpmf: 1,
  cdf: 1,
  quantile: 1,
  mean: 0,
  sample: 0,
} as const;
type MemberName = keyof typeof distMembers;

/** The distribution of the text that a callee names: its own name or `file.D`. */
export function resolveDist(callee: ast.Expr, scope: Scope): DistRef | undefined {
  if (callee.kind === "name") {
    return scope.lookup(callee.name) === undefined ? scope.env.dists.get(callee.name) : undefined;
  }
  if (callee.kind !== "member" || callee.target.kind !== "name") return undefined;
  if (scope.lookup(callee.target.name) !== undefined) return undefined;
  return scope.env.modules.get(callee.target.name)?.dists.get(callee.name.text);
}

const memberOf = ({ decl }: DistRef, name: MemberName): ast.DistMember | undefined =>
  decl.members.find((m) => m.name.text === name);
const densityOf = (ref: DistRef): ast.DistMember | undefined =>
  memberOf(ref, "logpdf") ?? memberOf(ref, "logpmf");

/** Each member as a function of the distribution's arguments and its own, with errors of its own. */
export function checkDist(cx: Cx, ref: DistRef): void {
  const { decl } = ref;
  const before = cx.reporter.errorCount;
  const seen = new Set<string>();
  for (const m of decl.members) {
    const { text } = m.name;
    if (!Object.hasOwn(distMembers, text)) {
      cx.reporter.report("dist_member_unknown", m.name.span, { name: text });
    } else if (m.params.length !== distMembers[text as MemberName]) {
      cx.reporter.report("dist_member_arguments", m.name.span, {
        name: text,
        wanted: distMembers[text as MemberName],
      });
    } else if (seen.has(text)) {
      cx.reporter.report("name_taken", m.name.span, { name: text, what: "member" });
    }
    seen.add(text);
  }
  if (densityOf(ref) === undefined) {
    cx.reporter.report("dist_density", decl.name.span, { name: decl.name.text });
  }
  if (cx.reporter.errorCount === before) {
    for (const m of decl.members) if (m.params.length > 0) checkFn(cx, asFunction(ref, m));
  }
  if (cx.reporter.errorCount > before) cx.brokenFns.add(ref.token.decl);
}

/** `logpdf(x)` as a function of the distribution's arguments and `x: T`. */
function asFunction(ref: DistRef, m: ast.DistMember): FnRef {
  const { decl, env } = ref;
  const unit = { span: m.span, name: { text: "unit", span: m.span }, args: [], sizes: [] };
  const type = m.name.text === "quantile" ? unit : decl.support;
  const own = m.params.map((name): ast.ParamDecl => ({ span: name.span, name, type }));
  const params = [...decl.params, ...own];
  return { decl: { kind: "fn", span: m.span, name: m.name, params, body: m.value }, env };
}

/** The distribution that a call denotes, or undefined after an error. */
export function writtenDist(cx: Cx, ref: DistRef, e: CallAst, scope: Scope): DistExpr | undefined {
  const { decl } = ref;
  const { token } = ref;
  if (isOpen(cx, token)) {
    return cx.reporter.report("recursive_function", e.span, { name: decl.name.text });
  }
  const opened = openArguments(cx, ref, e, scope, true);
  const density = densityOf(ref);
  if (opened === undefined || density === undefined) return undefined;
  return inBody(cx, token, e, () => {
    const inner = opened.scope;
    const element = declaredElement(cx, decl.support, inner);
    if (element === undefined) return undefined;
    const { type: event, support } = element;
    const variable = cx.model.freshName(density.params[0]?.text ?? "x");
    cx.model.random.add(variable);
    cx.model.intervals.set(variable, supportInterval(support, cx.model.lookupInterval));
    const member = (name: MemberName): Expr | null | undefined => {
      const m = memberOf(ref, name);
      if (m === undefined) return null;
      const own = inner.child();
      for (const p of m.params) {
        own.set(p.text, { kind: "local", span: p.span, name: variable, type: event });
      }
      const value = cx.expr(m.value, own);
      return value && checked(cx, m, value, distMembers[name] === 0 ? event : scalar);
    };
    const logpdf = member("logpdf") ?? member("logpmf");
    const [cdf, mean, sampler] = [member("cdf"), member("mean"), samplerOf(cx, ref, inner, event)];
    if (logpdf === undefined || logpdf === null) return undefined;
    if (cdf === undefined || mean === undefined || sampler === undefined) return undefined;
    return {
      kind: "written",
      name: decl.name.text,
      args: argumentsOf(cx, decl, inner),
      variable,
      logpdf,
      ...(cdf && { cdf }),
      ...(mean && { mean }),
      ...(sampler && { sampler }),
      event,
      support,
      span: e.span,
    };
  });
}

const scalar: Type = { scalar: "real", dims: [] };

function argumentsOf(cx: Cx, decl: ast.DistDecl, inner: Scope): Record<string, Expr> {
  const out: Record<string, Expr> = {};
  for (const { name } of decl.params) {
    const entry = inner.own(name.text);
    if (entry?.kind === "alias") out[name.text] = cx.model.copy(entry.value, entry.value.span);
  }
  return out;
}

/** A member's value in the type that it must have. */
function checked(cx: Cx, m: ast.DistMember, value: Expr, wanted: Type): Expr | undefined {
  const { name } = m;
  const fits = dimsAgree(value.type.dims, wanted.dims, cx.model);
  const promotes = wanted.scalar === "real" && value.type.scalar === "int";
  if (fits && promotes) return convert(cx, value, "real", value.span);
  if (fits && (value.type.scalar === wanted.scalar || name.text === "mean")) return value;
  return cx.reporter.report("dist_member_type", m.value.span, {
    name: name.text,
    expected: printType(wanted),
    actual: printType(value.type),
  });
}

/** How it is drawn; null where the text does not say. */
function samplerOf(
  cx: Cx,
  ref: DistRef,
  inner: Scope,
  event: Type,
): WrittenSampler | null | undefined {
  const m = memberOf(ref, "sample") ?? memberOf(ref, "quantile");
  if (m === undefined) return null;
  const draws: { name: string; dist: DistExpr }[] = [];
  const scope = inner.child();
  const [u] = m.params;
  if (u !== undefined) {
    const w = writer(u.span);
    const uniform = cx.dist(w.call("Uniform", w.number(0), w.number(1)), scope);
    if (uniform === undefined) return undefined;
    scope.set(u.text, drawOf(cx, uniform, u.span, draws));
  }
  const outer = cx.model.drawing;
  cx.model.drawing = { scope, draws };
  const value = cx.expr(m.value, scope);
  cx.model.drawing = outer;
  const fit = value && checked(cx, m, value, event);
  if (fit === undefined) return undefined;
  return { draws, value: fit, ...(m.name.text === "quantile" && { byQuantile: true as const }) };
}

function drawOf(
  cx: Cx,
  dist: DistExpr,
  span: Span,
  draws: { name: string; dist: DistExpr }[],
): { readonly kind: "local"; readonly span: Span; readonly name: string; readonly type: Type } {
  const name = cx.model.freshName("draw");
  cx.model.random.add(name);
  cx.model.intervals.set(name, supportInterval(dist.support, cx.model.lookupInterval));
  draws.push({ name, dist });
  return { kind: "local", span, name, type: dist.event };
}

/** `D.sample`, a draw inside `sample`; each index of a loop would need one of its own. */
export function sampleExpr(cx: Cx, dist: DistExpr, span: Span, scope: Scope): Expr | undefined {
  const { drawing } = cx.model;
  if (drawing === undefined || !scope.isPlainInside(drawing.scope)) {
    return cx.reporter.report("sample_place", span, { text: quote(span) });
  }
  const { name, type } = drawOf(cx, dist, span, drawing.draws);
  return { kind: "var", role: "local", name, span, type };
}

/** The methods of a written distribution: its own expressions, and logs of its cdf. */
export function writtenMethod(
  cx: Cx,
  dist: Written,
  method: DistMethod,
  args: readonly Expr[],
  span: Span,
): Expr | undefined {
  const { logpdf, cdf, mean } = dist;
  const members = { log_prob: logpdf, cdf, log_cdf: cdf, log_ccdf: cdf, mean };
  const member = members[method];
  if (member === undefined) {
    return cx.reporter.report("method_missing", span, { name: method, dist: dist.name });
  }
  if (method === "mean") return cx.model.copy(member, span);
  const [x] = args;
  if (!dimsAgree(x.type.dims, dist.event.dims, cx.model)) {
    return cx.reporter.report("method_shape", x.span, {
      name: method,
      event: printType(dist.event),
      actual: printType(x.type),
    });
  }
  const value = convert(cx, x, dist.event.scalar, x.span);
  if (value === undefined) return undefined;
  const lets = [{ name: dist.variable, value }];
  const found: Expr = { kind: "block", lets, result: member, span, type: member.type };
  const site = { cx, span, shown: method };
  if (method === "log_cdf") return builtinCall("log", [found], site);
  if (method !== "log_ccdf") return found;
  const below = builtinCall("neg", [found], site);
  return below && builtinCall("log1p", [below], site);
}
