/**
 * Elements of arrays are defined one after the other: each may refer to earlier ones only. An edge
 * is a reference of one defined element to another with the distance between their positions; a
 * cycle is sound where some step of it goes back. Only what can be decided is reported.
 */
import type { Expr, IndexArg, Model, Stmt } from "../model/ir.js";
import { constantSize, type Size, subSizes } from "../model/size.js";
import { freeVariables, stmtExprs, walkExpr, walkStmts } from "../model/traverse.js";
import { type Cx, quote } from "./context.js";
import { toSize } from "./sizes.js";

interface Edge {
  readonly from: string;
  readonly to: string;
  /** How far back the reference goes: positive for earlier elements. */
  readonly distance: "back" | "same" | "ahead";
  readonly use: Expr;
}

type Defining = Extract<Stmt, { kind: "site" | "let" }>;

/** Reports references of elements to themselves or to later elements. */
export function checkOrder(cx: Cx, body: Model["body"]): void {
  const edges = collectEdges(cx, body);
  for (const e of edges) {
    if (e.distance === "back") continue;
    const params = { name: e.from, text: quote(e.use.span), ahead: e.distance === "ahead" };
    if (e.from === e.to) cx.reporter.report("refers_to_itself", e.use.span, params);
    else if (reaches(edges, e.to, e.from)) {
      cx.reporter.report("refers_in_circle", e.use.span, { ...params, other: e.to });
    }
  }
}

/** True where `from` depends on `to` through references that do not go back. */
function reaches(edges: readonly Edge[], from: string, to: string): boolean {
  const seen = new Set<string>();
  const visit = (name: string): boolean => {
    if (name === to) return true;
    if (seen.has(name)) return false;
    seen.add(name);
    return edges.some((e) => e.from === name && e.distance !== "back" && visit(e.to));
  };
  return visit(from);
}

function collectEdges(cx: Cx, body: Model["body"]): Edge[] {
  const edges: Edge[] = [];
  // What a local definition refers to, its users refer to.
  const locals = new Map<string, readonly Expr[]>();
  const referencesOf = (exprs: readonly Expr[]): Expr[] => {
    const found: Expr[] = [];
    for (const e of exprs) {
      walkExpr(e, (x) => {
        if (x.kind === "index" && x.target.kind === "var") found.push(x);
        if (x.kind === "var" && x.role === "local") found.push(...(locals.get(x.name) ?? []));
      });
    }
    return found;
  };
  walkStmts(body, (s) => {
    if (s.kind === "local") locals.set(s.name, referencesOf([s.value]));
    if ((s.kind !== "site" && s.kind !== "let") || s.indices.length === 0) return;
    for (const use of referencesOf(stmtExprs(s))) {
      const edge = edgeOf(cx, s, use);
      if (edge !== undefined) edges.push(edge);
    }
  });
  return edges;
}

function edgeOf(cx: Cx, s: Defining, use: Expr): Edge | undefined {
  if (use.kind !== "index" || use.target.kind !== "var") return undefined;
  const v = cx.model.variables.get(use.target.name);
  if (v === undefined || v.rank !== s.indices.length || use.indices.length < v.rank) {
    return undefined;
  }
  const distance = distanceOf(cx, s, use.indices);
  return distance && { from: s.name, to: v.name, distance, use };
}

/** The sign of the first axis on which the positions differ; undefined where one is not known. */
function distanceOf(
  cx: Cx,
  s: Defining,
  indices: readonly IndexArg[],
): Edge["distance"] | undefined {
  for (const [axis, own] of s.indices.entries()) {
    const other = indices[axis];
    if (other.kind !== "at" || other.value.type.dims.length > 0) return undefined;
    if (cx.model.isRandom(other.value) || !sameNames(own, other.value)) return undefined;
    const own_ = toSize(own, cx.model);
    const d = constantSize(subSizes(own_, toSize(other.value, cx.model)));
    if (d === undefined) return undefined;
    if (d !== 0) return d > 0 !== isFalling(own, own_) ? "back" : "ahead";
  }
  return "same";
}

/** Positions that go down as the loop goes on, `x[T - 1 - t]`: what lies ahead was there before. */
function isFalling(index: Expr, size: Size): boolean {
  const loops = new Set<string>();
  walkExpr(index, (x) => {
    if (x.kind === "var" && x.role === "index") loops.add(x.name);
  });
  const own = size.terms.filter((t) => t.names.some((n) => loops.has(n)));
  return own.length === 1 && own[0].coefficient < 0;
}

/** Positions that follow the same loop variables can be compared element by element. */
function sameNames(a: Expr, b: Expr): boolean {
  const [x, y] = [freeVariables(a), freeVariables(b)];
  return [...y].every((n) => x.has(n)) && [...x].every((n) => y.has(n));
}
