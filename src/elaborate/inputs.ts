/** The inputs of a model: their types, the sizes that these bind, their defaults. */

import { supportInterval } from "../model/interval.js";
import type { Input, Support } from "../model/ir.js";
import { printType } from "../model/print.js";
import type * as ast from "../syntax/ast.js";
import { type Cx, quote } from "./context.js";
import type { Scope } from "./scope.js";
import { dimsAgree } from "./sizes.js";
import { declaredElement } from "./supports.js";
import { typeNames } from "./type-names.js";

/** Declares the inputs in `scope`; faulty ones are declared as broken. */
export function declareInputs(
  cx: Cx,
  decl: { readonly params: readonly ast.ParamDecl[] },
  scope: Scope,
): void {
  const fresh = decl.params.filter((p) => {
    const taken = scope.lookup(p.name.text);
    if (taken === undefined) {
      scope.set(p.name.text, { kind: "pending", span: p.name.span });
      return true;
    }
    cx.reporter.report("name_taken", p.name.span, { name: p.name.text, what: "input" }, [
      { span: taken.span, text: `\`${p.name.text}\` is first defined here` },
    ]);
    return false;
  });
  // Int scalars first: they are the sizes of the others, wherever they stand.
  const isIntScalar = (p: ast.ParamDecl): boolean =>
    p.type !== undefined &&
    p.type.sizes.length === 0 &&
    Object.hasOwn(typeNames, p.type.name.text) &&
    typeNames[p.type.name.text].scalar === "int";
  for (const p of fresh) cx.model.freshName(p.name.text);
  for (const p of fresh.filter(isIntScalar)) declareInput(cx, p, scope);
  for (const p of fresh) bindSizes(cx, p, scope);
  for (const p of fresh.filter((x) => !isIntScalar(x))) declareInput(cx, p, scope);
  for (const p of fresh) if (p.default !== undefined) setDefault(cx, p, p.default, scope);
  // The model lists its inputs as they are written.
  const inOrder = fresh.flatMap((p) => cx.model.inputs.get(p.name.text) ?? []);
  cx.model.inputs.clear();
  for (const i of inOrder) cx.model.inputs.set(i.name, i);
}

/** A plain size name that nothing declares is bound by the data of this input. */
function bindSizes(cx: Cx, p: ast.ParamDecl, scope: Scope): void {
  for (const e of p.type?.sizes ?? []) {
    if (e.kind !== "name" || scope.lookup(e.name) !== undefined) continue;
    cx.model.boundSizes.push(e.name);
    cx.model.freshName(e.name);
    cx.model.usedAsSize.add(e.name);
    cx.model.intervals.set(e.name, { lo: 0, hi: Number.POSITIVE_INFINITY });
    scope.set(e.name, { kind: "size", span: e.span, name: e.name });
  }
}

function declareInput(cx: Cx, p: ast.ParamDecl, scope: Scope): void {
  const { name, type } = p;
  const broken = () => scope.set(name.text, { kind: "broken", span: name.span });
  if (type === undefined) {
    cx.reporter.report("input_untyped", name.span, { name: name.text });
    broken();
    return;
  }
  const element = declaredElement(cx, type, scope);
  if (element === undefined) {
    broken();
    return;
  }
  const input: Input = { name: name.text, span: name.span, ...element };
  define(cx, input, scope);
}

function define(cx: Cx, input: Input, scope: Scope): void {
  cx.model.inputs.set(input.name, input);
  scope.set(input.name, { kind: "input", span: input.span, input });
  const range = supportInterval(input.support, cx.model.lookupInterval);
  cx.model.intervals.set(input.name, range);
}

function setDefault(cx: Cx, p: ast.ParamDecl, value: ast.Expr, scope: Scope): void {
  const input = cx.model.inputs.get(p.name.text);
  const e = cx.expr(value, scope);
  if (input === undefined || e === undefined) return;
  const canPass =
    input.type.scalar === e.type.scalar ||
    (input.type.scalar === "real" && e.type.scalar === "int");
  // A scalar default fills a declared array.
  const fits = e.type.dims.length === 0 || dimsAgree(e.type.dims, input.type.dims, cx.model);
  if (!canPass || !fits) {
    cx.reporter.report("declared_type", value.span, {
      name: input.name,
      expected: quote(p.type?.span ?? p.span),
      actual: printType(e.type),
    });
    return;
  }
  const range = cx.model.interval(e);
  const allowed = supportInterval(input.support, cx.model.lookupInterval);
  if (range.hi < allowed.lo || range.lo > allowed.hi) {
    cx.reporter.report("default_outside", value.span, {
      name: input.name,
      expected: quote(p.type?.span ?? p.span),
      text: quote(value.span),
    });
    return;
  }
  define(cx, { ...input, default: e }, scope);
}

/** The support of all values of a scalar type. */
export function plainSupport(scalar: "real" | "int" | "bool"): Support {
  return { kind: scalar };
}
