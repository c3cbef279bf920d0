/**
 * `z ~ Transformed(D, f)` in a guide, z = f(u) with u ~ D, written as a draw of u, a definition and a
 * factor before names are looked at: the density of z at its own draws is that of u less
 * log |det ∂f/∂u| (Rezende and Mohamed 2015, equation 5), which needs no inverse of f. New names hold
 * a dot, so that none of the guide's can meet them.
 */
import type { Span } from "../base/span.js";
import type { Image } from "../model/ir.js";
import type * as ast from "../syntax/ast.js";
import { builtinAliases, builtinRules } from "./builtins.js";
import { type Cx, quote } from "./context.js";
import { rewriteStatements } from "./rewrite.js";

type CallAst = Extract<ast.Expr, { kind: "call" }>;

interface Elementwise {
  readonly support: Image["support"];
  /** log |f′(u)|, element by element. */
  readonly logSlope: (u: ast.Expr) => ast.Expr;
}

/** Functions of one number with the logs of their slopes. */
const elementwise: Readonly<Record<string, Elementwise>> = {
  exp: { support: { kind: "positive" }, logSlope: (u) => u },
  softplus: {
    support: { kind: "positive" },
    logSlope: (u) => negative(called("softplus", negative(u))),
  },
  sigmoid: {
    support: { kind: "unit" },
    logSlope: (u) => negative(plus(called("softplus", u), called("softplus", negative(u)))),
  },
};

export interface Rewritten {
  readonly body: ast.Block;
  readonly images: Readonly<Record<string, Image>>;
}

/** A guide's body without draws of `Transformed`, and the sites that definitions now give. */
export function withoutTransforms(cx: Cx, body: ast.Block): Rewritten {
  const images: Record<string, Image> = {};
  const text = rewriteStatements(body, (s) => {
    if (s.kind !== "sample" || !isTransformed(s.dist) || isInverted(s.dist)) return [s];
    return drawOf(cx, s, s.dist, images) ?? [];
  });
  return { body: text, images };
}

function isTransformed(e: ast.Expr): e is CallAst {
  return e.kind === "call" && e.callee.kind === "name" && e.callee.name === "Transformed";
}

/**
 * True where the distribution is written by its inverse, as in models: an image of an image, or a
 * lambda of operators and functions of the language alone, which no layer of flows is.
 */
function isInverted(dist: CallAst): boolean {
  const [base, map] = dist.args;
  if (base !== undefined && isTransformed(base.value)) return true;
  return map?.value.kind === "lambda" && isElementary(map.value.body);
}

function isElementary(node: unknown): boolean {
  if (Array.isArray(node)) return node.every(isElementary);
  if (typeof node !== "object" || node === null) return true;
  if ("kind" in node && node.kind === "call" && "callee" in node) {
    const callee = node.callee as ast.Expr;
    if (callee.kind !== "name") return false;
    const { name } = callee;
    if (!Object.hasOwn(builtinAliases, name) && !Object.hasOwn(builtinRules, name)) return false;
  }
  return Object.entries(node).every(([key, child]) => key === "span" || isElementary(child));
}

function drawOf(
  cx: Cx,
  s: ast.SampleStmt,
  dist: CallAst,
  images: Record<string, Image>,
): ast.Stmt[] | undefined {
  const [base, map] = dist.args;
  const isPlain = dist.args.length === 2 && dist.args.every((a) => a.name === undefined);
  if (!isPlain || s.type !== undefined || isTransformed(base.value)) {
    return cx.reporter.report("transformed_usage", s.type?.span ?? dist.span, {});
  }
  const { span } = dist;
  const { text } = s.target.name;
  const target = (suffix: string): ast.Target => ({
    ...s.target,
    name: { text: `${text}.${suffix}`, span: s.target.name.span },
  });
  const read = (t: ast.Target, ...more: readonly ast.Index[]): ast.Expr => {
    const own = t.indices.map((value): ast.Index => ({ kind: "at", span: value.span, value }));
    const indices = [...own, ...more];
    const whole = name(t.name.text, span);
    return indices.length === 0 ? whole : { kind: "index", span, target: whole, indices };
  };
  const [from, image] = [target("base"), target("image")];
  const u = read(from);
  const draw: ast.Stmt = { ...s, target: from, dist: base.value };
  const define = (t: ast.Target, value: ast.Expr): ast.Stmt => {
    return { kind: "let", span: s.span, target: t, value };
  };
  const factor = (value: ast.Expr): ast.Stmt => {
    return { kind: "factor", span: s.span, value: negative(value) };
  };
  const plain = map.value.kind === "name" ? map.value.name : undefined;
  const known = plain === undefined ? undefined : elementwise[builtinAliases[plain] ?? plain];
  images[text] = { base: from.name.text, support: known?.support ?? { kind: "real" } };
  if (known !== undefined && plain !== undefined) {
    const slopes: ast.Expr = { kind: "array", span, items: [known.logSlope(u)] };
    return [draw, define(s.target, called(plain, u)), factor(called("sum", slopes))];
  }
  // A layer of flows: the vector with a running sum of log determinants behind it.
  const zero: ast.Expr = { kind: "array", span, items: [number(0, span)] };
  const layer = applied(cx, map.value, called("concat", u, zero));
  if (layer === undefined) return undefined;
  const size = called("size", u);
  return [
    draw,
    define(image, layer),
    define(s.target, read(image, { kind: "range", span, to: size })),
    factor(read(image, { kind: "at", span, value: size })),
  ];
}

/** f(x), with the body of a lambda written out. */
export function applied(
  cx: Cx,
  f: ast.Expr,
  x: ast.Expr,
  usage: "transformed_usage" | "energy_usage" = "transformed_usage",
): ast.Expr | undefined {
  if (f.kind !== "lambda") return { kind: "call", span: f.span, callee: f, args: [arg(x)] };
  const [param, ...others] = f.params;
  if (others.length > 0) return cx.reporter.report(usage, f.span, {});
  if (binds(f.body, param.text)) {
    const name = quote(param.span);
    return cx.reporter.report("transformed_shadow", param.span, { name });
  }
  return substituted(f.body, param.text, x) as ast.Expr;
}

/** Whether something inside the expression binds the name once more. */
export function binds(node: unknown, name: string): boolean {
  if (Array.isArray(node)) return node.some((x) => binds(x, name));
  if (typeof node !== "object" || node === null) return false;
  const { kind, binders, params } = node as Partial<Record<string, unknown>>;
  const own = kind === "lambda" ? params : binders;
  if (Array.isArray(own)) {
    const names = own.map((b: ast.Name | ast.Binder) => ("variable" in b ? b.variable : b).text);
    if (names.includes(name)) return true;
  }
  return Object.entries(node).some(([key, child]) => key !== "span" && binds(child, name));
}

/** A copy of the syntax with the expression in the place of the name. */
export function substituted(node: unknown, name: string, by: ast.Expr): unknown {
  if (Array.isArray(node)) return node.map((x) => substituted(x, name, by));
  if (typeof node !== "object" || node === null) return node;
  if ("kind" in node && node.kind === "name" && "name" in node && node.name === name) return by;
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => [
      key,
      key === "span" ? child : substituted(child, name, by),
    ]),
  );
}

const arg = (value: ast.Expr): ast.Arg => ({ span: value.span, value });
const name = (text: string, span: Span): ast.Expr => ({ kind: "name", span, name: text });
const number = (value: number, span: Span): ast.Expr => {
  return { kind: "number", span, value, isInt: true };
};

function called(fn: string, first: ast.Expr, ...rest: readonly ast.Expr[]): ast.Expr {
  const { span } = first;
  return { kind: "call", span, callee: name(fn, span), args: [first, ...rest].map(arg) };
}

function negative(operand: ast.Expr): ast.Expr {
  return { kind: "unary", span: operand.span, op: "-", operand };
}

function plus(left: ast.Expr, right: ast.Expr): ast.Expr {
  return { kind: "binary", span: left.span, op: "+", left, right };
}
