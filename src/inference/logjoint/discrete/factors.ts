/** A statement's part of the log density as a table over the discrete elements that it reads. */
import type { Expr } from "../../../model/ir.js";
import { distExprs } from "../../../model/traverse.js";
import type { Node } from "../../../tensor/ops.js";
import {
  type Axis,
  axisSizes,
  type Context,
  eventRank,
  expand,
  type Lowered,
  unionAxes,
} from "../context.js";
import { distArguments, logDensity } from "../dist.js";
import { type Lowerer, sizeOf } from "../lowerer.js";
import type { Term } from "../scopes.js";
import type { Reference } from "./references.js";

/** A statement that reads discrete elements. */
export interface Factor {
  readonly label: string;
  readonly references: readonly Reference[];
  /** The statement's loops, of which the table may depend on a few only. */
  readonly loops: readonly Axis[];
  /** Log density over the loops that matter, then the references' axes, in that order. */
  readonly table: Lowered;
}

/** Expressions in which a statement may read discrete sites. */
export function readingExprs(stmt: Term["stmt"]): readonly Expr[] {
  switch (stmt.kind) {
    case "factor":
      return [stmt.value];
    case "observe":
      return [stmt.value, ...distExprs(stmt.dist)];
    case "site":
      return [targetExpr(stmt), ...distExprs(stmt.dist)];
  }
}

/** The element that a site statement draws, as an expression. */
export function targetExpr(stmt: Extract<Term["stmt"], { kind: "site" }>): Expr {
  const { name, span, dist, indices } = stmt;
  const whole: Expr = { kind: "var", role: "site", name, span, type: dist.event };
  if (indices.length === 0) return whole;
  const at = indices.map((value) => ({ kind: "at", value }) as const);
  return { kind: "index", target: whole, indices: at, span, type: dist.event };
}

/** The log density of a statement, over just the axes that it depends on. */
export function statementTable(
  l: Lowerer,
  stmt: Term["stmt"],
  context: Context,
  element: () => Lowered,
): Lowered {
  if (stmt.kind === "factor") return l.lower(stmt.value, context);
  const x = stmt.kind === "observe" ? l.lower(stmt.value, context) : element();
  const axes = unionAxes(context, [x, ...distArguments(l, stmt.dist, context)]);
  const event = stmt.dist.event.dims.map((d) => sizeOf(l, d));
  const value = expand(l.g, x, axes, eventRank(x) < event.length ? event : []);
  const node = logDensity(l, stmt.dist, value, { axes, lead: [] }, context);
  const lifted = Array.from({ length: node.shape.length - axes.length }, (_, k) => axes.length + k);
  return { node: lifted.length === 0 ? node : l.g.reduce("sum", node, lifted), axes };
}

/** The table for every index tuple of the loops: `[tuples, …values of the references]`. */
export function tableRows(l: Pick<Lowerer, "g">, factor: Factor): Node {
  const { loops, references, table } = factor;
  const axes = [...loops, ...references.map((r) => r.axis)];
  const full = expand(l.g, table, axes);
  const tuples = axisSizes(loops).reduce((n, d) => n * d, 1);
  return l.g.reshape(full, [tuples, ...references.map((r) => r.axis.size)]);
}
