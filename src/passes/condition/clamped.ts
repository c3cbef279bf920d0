/**
 * Discrete sites of which the data give some elements: the site stays latent as a whole, and a factor
 * rules out all other values of the given elements. So every method that sums or draws the site takes it.
 */
import type { Span } from "../../base/span.js";
import type { DataValue } from "../../model/data.js";
import { bool, type Expr, int, real, type Stmt, type Type, type Variable } from "../../model/ir.js";
import { sizeConst } from "../../model/size.js";

const finite: ReadonlySet<string> = new Set(["bool", "category", "integers"]);

/** Whether missing entries of a site can be summed or drawn: single elements of finitely many values. */
export function canClamp(variable: Variable): boolean {
  return variable.eventRank === 0 && finite.has(variable.support.kind);
}

export interface Clamped {
  /** Under names with a blank, which no name of a model has. */
  readonly inputs: readonly (readonly [name: string, value: DataValue])[];
  /** `for i in 0..N { factor if known[i] && z[i] != given[i] then -inf else 0 }` */
  readonly statement: Stmt;
}

/** @param value with missing entries; of the site's whole shape */
export function clamp(variable: Variable, value: DataValue): Clamped {
  const { name, span, type } = variable;
  const isKnown = (i: number): boolean => value.missing?.[i] !== 1;
  const given = { dims: value.dims, data: value.data.map((x, i) => (isKnown(i) ? x : 0)) };
  const known = { dims: value.dims, data: value.data.map((_, i) => (isKnown(i) ? 1 : 0)) };
  const at = value.dims.map((_, axis) => variableExpr(`${name} at ${axis}`, "index", int, span));
  const element = (array: string, role: "input" | "site", scalar: Type["scalar"]): Expr => {
    const whole = variableExpr(array, role, { scalar, dims: type.dims }, span);
    if (at.length === 0) return whole;
    const indices = at.map((e) => ({ kind: "at", value: e }) as const);
    return { kind: "index", target: whole, indices, span, type: { scalar, dims: [] } };
  };
  const own = element(name, "site", type.scalar);
  const told = element(`${name} given`, "input", type.scalar);
  const differs: Expr = { kind: "call", fn: "ne", args: [own, told], span, type: bool };
  const flag = element(`${name} known`, "input", "bool");
  const excluded: Expr = { kind: "call", fn: "and", args: [flag, differs], span, type: bool };
  const constant = (v: number, t: Type): Expr => ({ kind: "const", value: v, span, type: t });
  const choice: Expr = {
    kind: "if",
    condition: excluded,
    // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
    then: constant(Number.NEGATIVE_INFINITY, real),
    else: constant(0, real),
    span,
    type: real,
  };
  let statement: Stmt = { kind: "factor", span, value: choice };
  for (let axis = value.dims.length - 1; axis >= 0; axis--) {
    const size = value.dims[axis];
    const binder = {
      name: `${name} at ${axis}`,
      from: constant(0, int),
      to: constant(size, int),
      size: sizeConst(size),
      span,
    };
    statement = { kind: "for", span, binder, body: [statement] };
  }
  return {
    inputs: [
      [`${name} given`, given],
      [`${name} known`, known],
    ],
    statement,
  };
}

function variableExpr(
  name: string,
  role: "input" | "site" | "index",
  type: Type,
  span: Span,
): Expr {
  return { kind: "var", name, role, span, type };
}
