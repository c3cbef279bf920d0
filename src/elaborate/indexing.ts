/** `x[i]`, slices and gathers, and references to variables that are still being defined. */

import type { Span } from "../base/span.js";
import type { Expr, IndexArg, Type } from "../model/ir.js";
import { printType } from "../model/print.js";
import {
  addSizes,
  constantSize,
  printSize,
  type Size,
  sizeConst,
  subSizes,
} from "../model/size.js";
import type * as ast from "../syntax/ast.js";
import { type Cx, quote } from "./context.js";
import type { Scope, VariableInfo } from "./scope.js";
import { affineIndex, canBeInType, toSize } from "./sizes.js";

type IndexAst = Extract<ast.Expr, { kind: "index" }>;

/** How a variable is referred to: all of it, some elements, or one element by all its indices. */
export type Use = "whole" | "part" | "element";

/** A reference to a site, let or param; checks that what it refers to is defined by then. */
export function variableReference(cx: Cx, v: VariableInfo, span: Span, use: Use): Expr | undefined {
  if (v.broken) return undefined;
  if (!cx.reporter.muted && !isDefinedFor(v, use)) {
    const started = v.remaining < v.definitions.length;
    const code = started && v.rank > 0 ? "incomplete_use" : "use_before_definition";
    return cx.reporter.report(code, span, { name: v.name }, [
      { span: v.definitions[v.definitions.length - 1].stmt.target.span, text: "defined here" },
    ]);
  }
  const extents = cx.variables.extents(v);
  const element = cx.variables.element(v, span);
  if (extents === undefined || element === undefined) return undefined;
  const type = { scalar: element.type.scalar, dims: [...extents, ...element.type.dims] };
  return { kind: "var", name: v.name, role: v.role, span, type };
}

/**
 * Whole arrays must be complete; parts must have begun; one element of a site may stand ahead of
 * its statement, because elements have an order of their own (`check_order` sees to cycles).
 */
function isDefinedFor(v: VariableInfo, use: Use): boolean {
  if (v.complete) return true;
  if (v.rank === 0) return false;
  if (v.remaining < v.definitions.length || v.elementState === "working") return use !== "whole";
  return use === "element" && (v.role === "site" || v.openLoops > 0);
}

/** The typed expression of `target[indices]`. */
export function indexExpr(cx: Cx, e: IndexAst, scope: Scope): Expr | undefined {
  const target = indexTarget(cx, e, scope);
  const dims = target?.type.dims ?? [];
  if (target !== undefined && e.indices.length > dims.length) {
    for (const i of e.indices) indexArg(cx, i, undefined, e, scope);
    const extra = e.indices[dims.length];
    return cx.reporter.report("too_many_indices", extra.span, {
      text: quote(e.target.span),
      type: printType(target.type),
      given: e.indices.length,
      rank: dims.length,
    });
  }
  const args = e.indices.map((i, axis) => indexArg(cx, i, dims[axis], e, scope));
  if (target === undefined || !args.every((a) => a !== undefined)) return undefined;
  const kept = args.flatMap((a): readonly Size[] =>
    a.kind === "range" ? [a.size] : a.value.type.dims,
  );
  const type: Type = {
    scalar: target.type.scalar,
    dims: [...kept, ...dims.slice(args.length)],
  };
  return { kind: "index", target, indices: args, span: e.span, type };
}

function indexTarget(cx: Cx, e: IndexAst, scope: Scope): Expr | undefined {
  if (e.target.kind === "name") {
    const entry = scope.lookup(e.target.name);
    if (entry?.kind === "variable") {
      const v = entry.variable;
      const first = e.indices.slice(0, v.rank);
      const isElement = first.length === v.rank && first.every((i) => i.kind === "at");
      return variableReference(cx, v, e.target.span, isElement ? "element" : "part");
    }
  }
  return cx.expr(e.target, scope);
}

/** One index, checked against the size of its axis where that is known. */
function indexArg(
  cx: Cx,
  i: ast.Index,
  dim: Size | undefined,
  e: IndexAst,
  scope: Scope,
): IndexArg | undefined {
  if (i.kind === "at") {
    const value = cx.expr(i.value, scope);
    if (value === undefined || !isIntIndex(cx, value)) return undefined;
    if (!positionFits(cx, value, dim, e, scope, false)) return undefined;
    return { kind: "at", value };
  }
  const from = i.from === undefined ? undefined : cx.expr(i.from, scope);
  const to = i.to === undefined ? undefined : cx.expr(i.to, scope);
  if ((i.from !== undefined && from === undefined) || (i.to !== undefined && to === undefined)) {
    return undefined;
  }
  for (const end of [from, to]) {
    if (end === undefined) continue;
    if (!isIntIndex(cx, end) || !isRangeEnd(cx, end)) return undefined;
  }
  if (from !== undefined && !positionFits(cx, from, dim, e, scope, true)) return undefined;
  if (to !== undefined && !positionFits(cx, to, dim, e, scope, true)) return undefined;
  const first = from === undefined ? sizeConst(0) : toSize(from, cx.model);
  const last = to === undefined ? dim : toSize(to, cx.model);
  if (last === undefined) return undefined;
  const size = subSizes(last, first);
  const length = constantSize(size);
  if (length !== undefined && length < 0) {
    return cx.reporter.report("slice_negative", i.span, { text: quote(i.span), length });
  }
  if (!canBeInType(cx, size, i.span)) return undefined;
  return { kind: "range", from, to, size, span: i.span };
}

function isIntIndex(cx: Cx, value: Expr): boolean {
  if (value.type.scalar === "int") return true;
  cx.reporter.report("index_not_int", value.span, {
    text: quote(value.span),
    actual: printType(value.type),
    isBool: value.type.scalar === "bool",
  });
  return false;
}

function isRangeEnd(cx: Cx, end: Expr): boolean {
  if (end.type.dims.length > 0) {
    cx.reporter.report("size_not_int", end.span, {
      text: quote(end.span),
      actual: printType(end.type),
    });
    return false;
  }
  if (!cx.model.isRandom(end)) return true;
  cx.reporter.report("size_is_random", end.span, { text: quote(end.span) });
  return false;
}

/**
 * False after an error: the position is certainly outside the axis. Ends of slices may equal the
 * axis' size. Positions under a condition on their loop variable are left for run time.
 */
function positionFits(
  cx: Cx,
  value: Expr,
  dim: Size | undefined,
  e: IndexAst,
  scope: Scope,
  isEnd: boolean,
): boolean {
  if (value.type.dims.length > 0 || cx.model.isRandom(value)) return true;
  const range = positionRange(cx, value, scope);
  if (range === undefined) return true;
  const array = quote(e.target.span);
  const lowest = constantSize(range.min);
  if (lowest !== undefined && lowest < 0) {
    cx.reporter.report("index_negative", value.span, {
      text: quote(value.span),
      array,
      value: String(lowest),
      at: range.variable === undefined ? undefined : `${range.variable} = ${range.atMin}`,
      size: dim === undefined ? "n" : printSize(dim),
    });
    return false;
  }
  if (dim === undefined) return true;
  const past = constantSize(subSizes(range.max, dim));
  if (past !== undefined && past >= (isEnd ? 1 : 0)) {
    cx.reporter.report("index_too_large", value.span, {
      text: quote(value.span),
      array,
      value: printSize(range.max),
      at: range.variable === undefined ? undefined : `${range.variable} = ${range.atMax}`,
      size: printSize(dim),
    });
    return false;
  }
  return true;
}

interface PositionRange {
  readonly min: Size;
  readonly max: Size;
  readonly variable?: string;
  readonly atMin: string;
  readonly atMax: string;
}

/** The smallest and largest value of an index over the loop that it follows. */
function positionRange(cx: Cx, value: Expr, scope: Scope): PositionRange | undefined {
  const binders = cx.model.binders;
  const affine = affineIndex(value, new Set(binders.keys()), cx.model);
  if (affine === undefined) return undefined;
  const { variable, coefficient, shift } = affine;
  if (variable === undefined) return { min: shift, max: shift, atMin: "", atMax: "" };
  const binder = binders.get(variable);
  if (binder === undefined || scope.guarded.has(variable)) return undefined;
  const count = constantSize(binder.size);
  if (count !== undefined && count <= 0) return undefined;
  // An unbounded plate has no last element; its rules tell of other elements.
  if (binder.to.kind === "var" && binder.to.name === cx.model.unbounded?.size) return undefined;
  const first = toSize(binder.from, cx.model);
  const last = subSizes(toSize(binder.to, cx.model), sizeConst(1));
  const shown = variable.replace(/#\d+$/, "");
  const [low, high] = [printSize(first), printSize(last)];
  return coefficient > 0
    ? {
        min: addSizes(shift, first),
        max: addSizes(shift, last),
        variable: shown,
        atMin: low,
        atMax: high,
      }
    : {
        min: subSizes(shift, last),
        max: subSizes(shift, first),
        variable: shown,
        atMin: high,
        atMax: low,
      };
}

/** An int index of a target, `x[i] ~ …`; bools are no positions. */
export function targetIndex(cx: Cx, e: ast.Expr, scope: Scope): Expr | undefined {
  const value = cx.expr(e, scope);
  if (value === undefined || !isIntIndex(cx, value)) return undefined;
  if (value.type.dims.length > 0) {
    return cx.reporter.report("target_index_array", value.span, {
      text: quote(value.span),
      actual: printType(value.type),
    });
  }
  if (cx.model.isRandom(value)) {
    return cx.reporter.report("target_index_random", value.span, { text: quote(value.span) });
  }
  return value;
}
