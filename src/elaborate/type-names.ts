/** The names of types: their scalar, the sizes they take, and what other systems call them. */
import { nearestNames } from "../base/nearest.js";
import type { ScalarKind, SupportKind } from "../model/ir.js";
import type * as ast from "../syntax/ast.js";
import { type Cx, quote } from "./context.js";

interface TypeName {
  readonly scalar: ScalarKind;
  readonly support: SupportKind;
  /** How many arguments in round brackets. */
  readonly args: number;
  /** `any` sizes for elementwise types; else exactly one, which gives a vector or square matrix. */
  readonly value: "elementwise" | "vector" | "matrix";
}

const elementwise = (scalar: ScalarKind, support: SupportKind, args = 0): TypeName => ({
  scalar,
  support,
  args,
  value: "elementwise",
});
const one = (value: "vector" | "matrix", support: SupportKind): TypeName => ({
  scalar: "real",
  support,
  args: 0,
  value,
});

/** Every type of the language. */
export const typeNames: Readonly<Record<string, TypeName>> = {
  real: elementwise("real", "real"),
  int: elementwise("int", "int"),
  bool: elementwise("bool", "bool"),
  positive: elementwise("real", "positive"),
  nonnegative: elementwise("real", "nonnegative"),
  unit: elementwise("real", "unit"),
  between: elementwise("real", "interval", 2),
  above: elementwise("real", "interval", 1),
  below: elementwise("real", "interval", 1),
  count: elementwise("int", "count"),
  category: elementwise("int", "category", 1),
  simplex: one("vector", "simplex"),
  ordered: one("vector", "ordered"),
  positive_ordered: one("vector", "positive_ordered"),
  unit_vector: one("vector", "unit_vector"),
  cov: one("matrix", "cov"),
  corr: one("matrix", "corr"),
  cholesky_cov: one("matrix", "cholesky_cov"),
  cholesky_corr: one("matrix", "cholesky_corr"),
};

const foreignTypes: Readonly<Record<string, string>> = {
  vector: "real[N]",
  row_vector: "real[N]",
  matrix: "real[N, M]",
  array: "real[N]",
  float: "real",
  double: "real",
  number: "real",
  integer: "int",
  boolean: "bool",
  prob: "unit",
  probability: "unit",
  cov_matrix: "cov[D]",
  corr_matrix: "corr[D]",
  cholesky_factor_cov: "cholesky_cov[D]",
  cholesky_factor_corr: "cholesky_corr[D]",
  nat: "count",
  natural: "count",
  interval: "between(a, b)",
  categorical: "category(K)",
  nonneg: "nonnegative",
};

/** The scalar and the size expressions (one an axis) of a written type; reports what is wrong. */
export function shapeOfType(
  cx: Cx,
  t: ast.TypeExpr,
):
  | { readonly name: TypeName; readonly scalar: ScalarKind; readonly sizes: readonly ast.Expr[] }
  | undefined {
  const written = t.name.text;
  const known = Object.hasOwn(typeNames, written) ? typeNames[written] : undefined;
  if (known === undefined) {
    return cx.reporter.report("unknown_type", t.name.span, {
      name: written,
      near: nearestNames(written, Object.keys(typeNames)),
      advice: Object.hasOwn(foreignTypes, written) ? foreignTypes[written] : undefined,
    });
  }
  if (t.args.length !== known.args) {
    return cx.reporter.report("type_arguments", t.span, {
      name: written,
      wanted: known.args,
      given: t.args.length,
    });
  }
  if (known.value !== "elementwise" && t.sizes.length !== 1) {
    return cx.reporter.report("type_sizes", t.span, {
      text: quote(t.span),
      name: written,
      value: known.value,
    });
  }
  const sizes = known.value === "matrix" ? [t.sizes[0], t.sizes[0]] : t.sizes;
  return { name: known, scalar: known.scalar, sizes };
}
