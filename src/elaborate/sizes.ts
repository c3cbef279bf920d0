/** Int expressions as sizes and back. */
import type { Span } from "../base/span.js";
import { type Expr, int } from "../model/ir.js";
import { printExpr } from "../model/print.js";
import {
  addSizes,
  constantSize,
  mulSizes,
  type Size,
  type SizeTerm,
  sizeConst,
  sizeNames,
  sizesEqual,
  sizeVar,
  subSizes,
} from "../model/size.js";
import { freeVariables, mapExpr } from "../model/traverse.js";
import type { Cx, ModelState } from "./context.js";

/**
 * The size that a non-random int expression stands for. What is no polynomial becomes an opaque
 * size, named by its text. Loop variables appear under their own unique names (ragged ranges).
 */
export function toSize(e: Expr, model: ModelState): Size {
  const size = polynomial(e, model) ?? opaque(e, model);
  for (const name of sizeNames(size)) {
    if (model.inputs.has(name) || model.boundSizes.includes(name)) model.usedAsSize.add(name);
  }
  return size;
}

function polynomial(e: Expr, model: ModelState): Size | undefined {
  if (e.kind === "const") return sizeConst(e.value);
  if (e.kind === "var") {
    const known = model.sizeValues.get(e.name);
    if (known !== undefined) return known;
    return e.role === "input" || e.role === "index" ? sizeVar(e.name) : undefined;
  }
  if (e.kind !== "call") return undefined;
  switch (e.fn) {
    case "add":
    case "sub":
    case "mul": {
      const join = { add: addSizes, sub: subSizes, mul: mulSizes }[e.fn];
      return join(toSize(e.args[0], model), toSize(e.args[1], model));
    }
    case "neg":
      return subSizes(sizeConst(0), toSize(e.args[0], model));
    case "pow": {
      const [base, exponent] = e.args;
      if (exponent.kind !== "const" || exponent.value < 0 || exponent.value > 8) return undefined;
      const b = toSize(base, model);
      return Array.from({ length: exponent.value }, () => b).reduce(mulSizes, sizeConst(1));
    }
    case "size": {
      const axis = e.args.length === 2 ? e.args[1] : undefined;
      const dims = e.args[0].type.dims;
      if (axis === undefined) return dims.reduce(mulSizes);
      return axis.kind === "const" ? dims[axis.value] : undefined;
    }
    default:
      return undefined;
  }
}

function opaque(e: Expr, model: ModelState): Size {
  const ofInputs = mapExpr(e, (x) => {
    const known = x.kind === "var" ? model.knownValues.get(x.name) : undefined;
    return known;
  });
  const name = `(${printExpr(ofInputs)})`;
  model.opaqueSizes.set(name, ofInputs);
  return sizeVar(name);
}

/**
 * What keeps a size out of a type: the loop variable that it changes with, or an array defined
 * element by element. Undefined for sizes of inputs alone.
 */
export function sizeObstacle(
  s: Size,
  model: ModelState,
): { readonly kind: "varies" | "array"; readonly name: string } | undefined {
  for (const sizeName of sizeNames(s)) {
    const e = model.opaqueSizes.get(sizeName);
    const names = e === undefined ? [sizeName] : freeVariables(e);
    for (const name of names) {
      if (model.binders.has(name)) return { kind: "varies", name };
      if (model.variables.has(name)) return { kind: "array", name };
    }
  }
  return undefined;
}

/** Reports a size that cannot stand in a type; true where it can. */
export function canBeInType(cx: Cx, s: Size, span: Span): boolean {
  const obstacle = sizeObstacle(s, cx.model);
  if (obstacle === undefined) return true;
  const name = obstacle.name.replace(/#\d+$/, "");
  if (obstacle.kind === "varies") cx.reporter.report("size_varies", span, { name });
  else {
    const what = `a size that depends on the elements of \`${name}\``;
    cx.reporter.report("not_supported_yet", span, { what });
  }
  return false;
}

/** True where the size mentions an opaque expression or a loop variable: equality waits for data. */
export function isDeferred(s: Size, model: ModelState): boolean {
  for (const name of sizeNames(s)) {
    if (model.opaqueSizes.has(name)) return true;
    // No other size is ever equal to that of the unbounded plate.
    if (model.unbounded?.size === name) continue;
    if (!model.inputs.has(name) && !model.boundSizes.includes(name)) return true;
  }
  return false;
}

/** Equal as far as can be told before the data is known. */
export function sizesAgree(a: Size, b: Size, model: ModelState): boolean {
  return sizesEqual(a, b) || isDeferred(a, model) || isDeferred(b, model);
}

/** Equal dims, axis by axis, as far as can be told before the data is known. */
export function dimsAgree(a: readonly Size[], b: readonly Size[], model: ModelState): boolean {
  return a.length === b.length && a.every((s, i) => sizesAgree(s, b[i], model));
}

/** The int expression of a size. */
export function sizeToExpr(s: Size, span: Span, cx: Cx): Expr {
  const constant = constantSize(s);
  if (constant !== undefined) return constInt(constant, span);
  return s.terms.map((t) => termToExpr(t, span, cx)).reduce((a, b) => callInt("add", a, b, span));
}

function termToExpr(t: SizeTerm, span: Span, cx: Cx): Expr {
  const factors = t.names.map((name): Expr => {
    const opaqueExpr = cx.model.opaqueSizes.get(name);
    if (opaqueExpr !== undefined) return opaqueExpr;
    const isBound = cx.model.boundSizes.includes(name) || cx.model.unbounded?.size === name;
    // Other sizes than those of loops are known with the data, such as that of `log_probs(p, z)`.
    const known = cx.model.inputs.has(name) || isBound || !cx.model.binders.has(name);
    return { kind: "var", name, role: known ? "input" : "index", span, type: int };
  });
  const all =
    t.coefficient === 1 && factors.length > 0
      ? factors
      : [constInt(t.coefficient, span), ...factors];
  return all.reduce((a, b) => callInt("mul", a, b, span));
}

function callInt(fn: "add" | "mul", a: Expr, b: Expr, span: Span): Expr {
  return { kind: "call", fn, args: [a, b], span, type: int };
}

/** An int constant. */
export function constInt(value: number, span: Span): Expr {
  return { kind: "const", value, span, type: int };
}

/**
 * An index as `coefficient · variable + shift` in at most one loop variable of `loops`, with
 * coefficient −1, 0 or 1; undefined where it is anything else.
 */
export function affineIndex(
  e: Expr,
  loops: ReadonlySet<string>,
  model: ModelState,
): { variable?: string; coefficient: number; shift: Size } | undefined {
  if (e.type.scalar !== "int" || e.type.dims.length > 0) return undefined;
  const mentioned = [...freeVariables(e)].filter((n) => loops.has(n));
  const size = toSize(e, model);
  if (mentioned.length === 0) return { coefficient: 0, shift: size };
  if (mentioned.length > 1) return undefined;
  const [variable] = mentioned;
  const rest = size.terms.filter((t) => !t.names.includes(variable));
  const own = size.terms.filter((t) => t.names.includes(variable));
  if (own.length !== 1 || own[0].names.length !== 1 || Math.abs(own[0].coefficient) !== 1) {
    return undefined;
  }
  // An opaque part that mentions the loop variable is no shift.
  if (rest.some((t) => t.names.some((n) => mentions(n, variable, model)))) return undefined;
  return { variable, coefficient: own[0].coefficient, shift: { terms: rest } };
}

function mentions(sizeName: string, variable: string, model: ModelState): boolean {
  const e = model.opaqueSizes.get(sizeName);
  return e !== undefined && freeVariables(e).has(variable);
}
