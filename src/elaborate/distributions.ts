/** Distribution expressions: the table's entries with their arguments, iid, Truncated, Mixture. */
import type { Span } from "../base/span.js";
import type { Bound, Distribution, EventSupport, ParamSpec } from "../distributions/contract.js";
import type { DistExpr, Expr, Support, Type } from "../model/ir.js";
import { printType } from "../model/print.js";
import { addSizes, type Size, sizeConst } from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { boolToInt, sizeArgument } from "./builtins.js";
import { resolveFn } from "./callables.js";
import { returnsDist } from "./calls.js";
import {
  censoredDist,
  iidDist,
  mixtureDist,
  truncatedDist,
  zeroInflatedDist,
} from "./combinators.js";
import { type Cx, quote } from "./context.js";
import { transformedDist } from "./derived.js";
import { checkDomain } from "./domains.js";
import { misplacedEnergy } from "./energies.js";
import { inlineDist } from "./functions.js";
import { foreignAdvice, keywordSuggestions, suggestions } from "./names.js";
import type { Scope } from "./scope.js";
import { dimsAgree, sizesAgree, sizeToExpr } from "./sizes.js";
import { crpDist, misplacedProcess } from "./unbounded/plate.js";
import { resolveDist, writtenDist } from "./written.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

const combinators: Readonly<
  Record<string, (cx: Cx, e: CallAst, scope: Scope) => DistExpr | undefined>
> = {
  iid: iidDist,
  Truncated: truncatedDist,
  Censored: censoredDist,
  ZeroInflated: zeroInflatedDist,
  Mixture: mixtureDist,
  Transformed: transformedDist,
  Energy: misplacedEnergy,
  CRP: crpDist,
  StickBreaking: misplacedProcess,
  DirichletProcess: misplacedProcess,
};

/** The entry: the distribution that the text denotes, or undefined after an error. */
export function elaborateDist(cx: Cx, e: ast.Expr, scope: Scope): DistExpr | undefined {
  if (e.kind === "name") {
    const entry = scope.lookup(e.name);
    if (entry?.kind === "dist") return { ...entry.dist, span: e.span };
    if (entry === undefined && Object.hasOwn(cx.distributions, e.name)) {
      const usage = usageOf(cx.distributions[e.name]);
      return cx.reporter.report("distribution_uncalled", e.span, { name: e.name, usage });
    }
    const written = resolveDist(e, scope);
    if (written !== undefined) {
      const usage = `${e.name}(${written.decl.params.map((p) => p.name.text).join(", ")})`;
      return cx.reporter.report("distribution_uncalled", e.span, { name: e.name, usage });
    }
  }
  if (e.kind === "if") return cx.reporter.report("distribution_if", e.span, {});
  if (e.kind !== "call") return notADistribution(cx, e, scope);
  const written = resolveDist(e.callee, scope);
  if (written !== undefined) return writtenDist(cx, written, e, scope);
  const fn = resolveFn(cx, e.callee, scope);
  if (fn === "ambiguous") return undefined;
  if (fn !== undefined) {
    if (returnsDist(cx, fn, new Set())) return inlineDist(cx, fn, e, scope);
    return notADistribution(cx, e, scope);
  }
  if (e.callee.kind !== "name") return notADistribution(cx, e, scope);
  const { name } = e.callee;
  if (Object.hasOwn(combinators, name)) return combinators[name](cx, e, scope);
  if (Object.hasOwn(cx.distributions, name)) {
    return namedDist(cx, e, cx.distributions[name], scope);
  }
  return unknownDistribution(cx, e, name, e.callee.span, scope);
}

function unknownDistribution(
  cx: Cx,
  e: CallAst,
  name: string,
  span: Span,
  scope: Scope,
): undefined {
  const probe = cx.reporter.quietly(() => cx.expr(e, scope));
  if (probe !== undefined) return notADistribution(cx, e, scope);
  for (const a of e.args) if (a.value.kind !== "lambda") cx.expr(a.value, scope);
  return cx.reporter.report("unknown_distribution", span, {
    name,
    near: suggestions(cx, name, scope, "distribution"),
    advice: foreignAdvice(name, Object.keys(cx.distributions)),
  });
}

function notADistribution(cx: Cx, e: ast.Expr, scope: Scope): undefined {
  const value = cx.expr(e, scope);
  if (value === undefined) return undefined;
  return cx.reporter.report("not_a_distribution", e.span, {
    text: quote(e.span),
    actual: printType(value.type),
  });
}

/** How a distribution of the table is called: `Bernoulli(p) or Bernoulli(logits: …)`. */
export function usageOf(d: Distribution): string {
  const forms = d.parameterisations.map((params, i) => {
    const first = d.parameterisations[0].map((p) => p.name);
    const shown = params.map((p) => (i === 0 || first.includes(p.name) ? p.name : `${p.name}:`));
    return `${d.name}(${shown.join(", ")})`;
  });
  return forms.join(" or ");
}

function namedDist(cx: Cx, e: CallAst, d: Distribution, scope: Scope): DistExpr | undefined {
  const values = e.args.map((a) => cx.expr(a.value, scope));
  const params = chooseParameters(cx, e, d);
  if (params === undefined || !values.every((v) => v !== undefined)) return undefined;
  let position = 0;
  const args: Record<string, Expr> = {};
  for (const [i, a] of e.args.entries()) {
    const param = a.name === undefined ? params[position++].name : a.name.text;
    args[param] = boolToInt(values[i]);
  }
  for (const p of params) {
    if (args[p.name] === undefined && p.default !== undefined) {
      const type: Type = { scalar: "real", dims: [] };
      args[p.name] = { kind: "const", value: p.default, span: e.span, type };
    }
  }
  return typedDist(cx, d, params, args, e.span);
}

/** The parameter list that the arguments fit; reports why none does. */
function chooseParameters(cx: Cx, e: CallAst, d: Distribution): readonly ParamSpec[] | undefined {
  const keywords = e.args.flatMap((a) => (a.name === undefined ? [] : [a.name]));
  const positional = e.args.length - keywords.length;
  const usage = usageOf(d);
  const all = [...new Set(d.parameterisations.flat().map((p) => p.name))];
  for (const k of keywords) {
    if (all.includes(k.text)) continue;
    return cx.reporter.report("unknown_keyword", k.span, {
      dist: d.name,
      name: k.text,
      near: keywordSuggestions(k.text, all),
      usage,
    });
  }
  const fits = d.parameterisations.find((params) => {
    if (positional > params.length) return false;
    const given = new Set(params.slice(0, positional).map((p) => p.name));
    for (const k of keywords) {
      if (given.has(k.text) || !params.some((p) => p.name === k.text)) return false;
      given.add(k.text);
    }
    return params.every((p) => given.has(p.name) || p.optional || p.default !== undefined);
  });
  if (fits !== undefined) return fits;
  const twice = keywords.find(
    (k, i) =>
      keywords.findIndex((o) => o.text === k.text) < i ||
      d.parameterisations[0].slice(0, positional).some((p) => p.name === k.text),
  );
  if (twice !== undefined) {
    return cx.reporter.report("argument_twice", twice.span, { name: twice.text, usage });
  }
  const longest = Math.max(...d.parameterisations.map((p) => p.length));
  if (positional <= longest && keywords.length === 0) {
    const missing = d.parameterisations[0]
      .slice(positional)
      .filter((p) => !p.optional && p.default === undefined)
      .map((p) => p.name);
    if (missing.length > 0) {
      return cx.reporter.report("distribution_missing", e.span, { dist: d.name, missing, usage });
    }
  }
  return cx.reporter.report("distribution_arguments", e.span, { dist: d.name, usage });
}

/** Ranks, event dims, domains and support of a distribution whose arguments have names. */
function typedDist(
  cx: Cx,
  d: Distribution,
  params: readonly ParamSpec[],
  args: Readonly<Record<string, Expr>>,
  span: Span,
): DistExpr | undefined {
  let lifted: { readonly dims: readonly Size[]; readonly arg: Expr } | undefined;
  for (const p of params) {
    const arg = args[p.name];
    if (arg === undefined) continue;
    const extra = arg.type.dims.length - p.rank;
    const cannotLift = extra > 0 && (d.event.rank > 0 || p.domain === "size");
    if (extra < 0 || cannotLift) return wrongRank(cx, d, p, arg);
    if (extra === 0) continue;
    const dims = arg.type.dims.slice(0, extra);
    if (lifted !== undefined && !dimsAgree(lifted.dims, dims, cx.model)) {
      return cx.reporter.report("argument_shapes", span, {
        dist: d.name,
        left: `${quote(lifted.arg.span)}: ${printType(lifted.arg.type)}`,
        right: `${quote(arg.span)}: ${printType(arg.type)}`,
      });
    }
    lifted ??= { dims, arg };
  }
  const own = eventDims(cx, d, args, span);
  if (own === undefined || !squareAndMatching(cx, d, params, args, own)) return undefined;
  for (const p of params) {
    const arg = args[p.name];
    if (arg !== undefined && !checkDomain(cx, d.name, p, arg)) return undefined;
  }
  const event = { scalar: d.event.scalar, dims: [...(lifted?.dims ?? []), ...own] };
  const support = supportOf(cx, d, args, span);
  return { kind: "named", name: d.name, args, event, support, span };
}

function wrongRank(cx: Cx, d: Distribution, p: ParamSpec, arg: Expr): undefined {
  return cx.reporter.report("parameter_rank", arg.span, {
    dist: d.name,
    param: p.name,
    rank: p.rank,
    actual: printType(arg.type),
    canLoop: arg.type.dims.length > p.rank && p.domain !== "size",
  });
}

/** The event's own dims, from the parameter that carries its size. */
function eventDims(
  cx: Cx,
  d: Distribution,
  args: Readonly<Record<string, Expr>>,
  span: Span,
): readonly Size[] | undefined {
  if (d.event.rank === 0) return [];
  const vectors = Object.values(args).filter((a) => a.type.dims.length > 0);
  const carrier = args[d.event.sizeFrom ?? ""] ?? vectors[0];
  if (carrier === undefined) return undefined;
  const { dims } = carrier.type;
  if (dims.length === 0) {
    const size = sizeArgument(carrier, { cx, span, shown: d.name });
    return size && Array.from({ length: d.event.rank }, () => size);
  }
  if (dims.length === d.event.rank) return dims;
  return Array.from({ length: d.event.rank }, () => dims[dims.length - 1]);
}

const squareDomains: readonly string[] = ["cov", "corr", "cholesky_cov", "cholesky_corr"];

/** Matrices that must be square are; vectors and square matrices have the event's size. */
function squareAndMatching(
  cx: Cx,
  d: Distribution,
  params: readonly ParamSpec[],
  args: Readonly<Record<string, Expr>>,
  event: readonly Size[],
): boolean {
  for (const p of params) {
    const arg = args[p.name];
    if (arg === undefined || p.rank === 0) continue;
    const dims = arg.type.dims.slice(arg.type.dims.length - p.rank);
    const isSquare = squareDomains.includes(p.domain);
    if (isSquare && !sizesAgree(dims[0], dims[1], cx.model)) {
      cx.reporter.report("parameter_square", arg.span, {
        dist: d.name,
        param: p.name,
        actual: printType(arg.type),
      });
      return false;
    }
    const own = p.axis === undefined ? event : event.slice(p.axis, p.axis + 1);
    const fits = event.length === 0 || own.some((s) => sizesAgree(s, dims[0], cx.model));
    if ((p.rank === 1 || isSquare || p.axis !== undefined) && !fits) {
      const carrier = args[d.event.sizeFrom ?? ""];
      cx.reporter.report("argument_shapes", arg.span, {
        dist: d.name,
        left: carrier ? `${quote(carrier.span)}: ${printType(carrier.type)}` : "the event",
        right: `${quote(arg.span)}: ${printType(arg.type)}`,
      });
      return false;
    }
  }
  return true;
}

function supportOf(
  cx: Cx,
  d: Distribution,
  args: Readonly<Record<string, Expr>>,
  span: Span,
): Support {
  const s: EventSupport = d.support(new Set(Object.keys(args)));
  const bound = (b: Bound, scalar: "real" | "int"): Expr =>
    typeof b === "number"
      ? { kind: "const", value: b, span, type: { scalar, dims: [] } }
      : args[b.param];
  switch (s.kind) {
    case "interval":
      return {
        kind: "interval",
        ...(s.lower === undefined ? {} : { lower: bound(s.lower, "real") }),
        ...(s.upper === undefined ? {} : { upper: bound(s.upper, "real") }),
      };
    case "integers":
      return { kind: "integers", lower: bound(s.lower, "int"), upper: bound(s.upper, "int") };
    case "category": {
      // Alternative parameters (p, logits) carry the same size.
      const carrier = args[s.param] ?? Object.values(args).find((a) => a.type.dims.length > 0);
      const dims = carrier?.type.dims ?? [];
      const size = addSizes(dims[dims.length - 1], sizeConst(s.extra ?? 0));
      return { kind: "category", size: sizeToExpr(size, span, cx) };
    }
    default:
      return { kind: s.kind };
  }
}
