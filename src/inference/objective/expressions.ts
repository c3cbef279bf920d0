/** Small constructors of model IR, for programs that are rewritten before they are lowered. */
import type { Span } from "../../base/span.js";
import type { BuiltinName } from "../../model/builtins.js";
import { type Binder, type Expr, int, type ScalarKind, type Type } from "../../model/ir.js";
import { type Size, sizeConst } from "../../model/size.js";

export function constant(value: number, span: Span, scalar: ScalarKind = "real"): Expr {
  return { kind: "const", value, span, type: { scalar, dims: [] } };
}

/** An elementwise function: of scalars and of arrays of one shape. */
export function elementwise(fn: BuiltinName, ...args: readonly (Expr | number)[]): Expr {
  const given = args.find((a): a is Expr => typeof a !== "number");
  if (given === undefined) throw new TypeError("a function of numbers alone");
  const { span } = given;
  const all = args.map((a) => (typeof a === "number" ? constant(a, span) : a));
  const dims = all.find((a) => a.type.dims.length > 0)?.type.dims ?? [];
  const scalar: ScalarKind = fn === "lt" || fn === "le" ? "bool" : "real";
  return { kind: "call", fn, args: all, span, type: { scalar, dims } };
}

/** A function whose result has the given type. */
export function call(fn: BuiltinName, args: readonly Expr[], type: Type): Expr {
  return { kind: "call", fn, args, span: args[0].span, type };
}

/** `target[indices]` by scalar ints, `target` itself without any. */
export function at(target: Expr, indices: readonly Expr[]): Expr {
  if (indices.length === 0) return target;
  return {
    kind: "index",
    target,
    indices: indices.map((value) => ({ kind: "at", value })),
    span: target.span,
    type: { scalar: target.type.scalar, dims: target.type.dims.slice(indices.length) },
  };
}

export function loopVariable(name: string, span: Span): Expr {
  return { kind: "var", name, role: "index", span, type: int };
}

/** `name in 0..count` */
export function binderTo(name: string, size: Size, to: Expr): Binder {
  return { name, from: constant(0, to.span, "int"), to, size, span: to.span };
}

/** The same for a number. */
export function countBinder(name: string, count: number, span: Span): Binder {
  return binderTo(name, sizeConst(count), constant(count, span, "int"));
}

/** A size as an int expression: its names are inputs or sizes of the conditioned program. */
export function sizeExpr(size: Size, span: Span): Expr {
  const int = { scalar: "int" as const, dims: [] };
  const terms = size.terms.map((t) =>
    t.names
      .map((name): Expr => ({ kind: "var", name, role: "input", span, type: int }))
      .reduce((a, b) => call("mul", [a, b], int), constant(t.coefficient, span, "int")),
  );
  return terms.reduce((a, b) => call("add", [a, b], int), constant(0, span, "int"));
}
