/**
 * Lets that depend on a summed-out site have no value of their own under the sum: their text is put
 * where they are read. Model IR → model IR.
 */
import { fail } from "../../../base/diagnostic.js";
import { assertNever } from "../../../base/internal.js";
import type { Expr, Model, Stmt } from "../../../model/ir.js";
import { dependsOnRandom, mapDist, mapExpr, walkStmts } from "../../../model/traverse.js";
import { flattenIndex } from "../indexing.js";

interface Inlined {
  readonly params: readonly string[];
  readonly value: Expr;
}

/**
 * The model with every reading of a let that depends on `names` replaced by the let's value.
 * @param select the lets to do this with, where not all
 */
export function inlineLets(
  model: Model,
  names: ReadonlySet<string>,
  select: (s: Extract<Stmt, { kind: "let" }>) => boolean = () => true,
): Model {
  const random = new Set(names);
  const locals = new Map<string, Expr>();
  let before = -1;
  while (random.size !== before) {
    before = random.size;
    walkStmts(model.body, (s) => {
      if (s.kind === "local") locals.set(s.name, s.value);
      const isDefinition = s.kind === "let" || s.kind === "local";
      if (isDefinition && dependsOnRandom(s.value, random)) random.add(s.name);
    });
  }
  const lets = new Map<string, Inlined>();
  walkStmts(model.body, (s) => {
    if (s.kind !== "let" || !random.has(s.name) || !select(s)) return;
    const refuse = (reason: string): never =>
      fail("discrete_sum_unsupported", s.span, { name: s.name, reason });
    if (lets.has(s.name)) refuse("the let is defined in several places");
    const params = s.indices.map((i) =>
      i.kind === "var" && i.role === "index"
        ? i.name
        : refuse("the let's index is no loop variable"),
    );
    lets.set(s.name, { params, value: withLocals(s.value, locals) });
  });
  if (lets.size === 0) return model;
  const kept = (name: string): boolean => lets.has(name);
  return { ...model, body: mapBody(model.body, (e) => substitute(e, lets, 0), kept) };
}

/** Local definitions of the let's own loop are not seen where it is read. */
function withLocals(e: Expr, locals: ReadonlyMap<string, Expr>): Expr {
  return mapExpr(e, (x) => {
    if (x.kind !== "var" || x.role !== "local") return undefined;
    const value = locals.get(x.name);
    return value === undefined ? undefined : withLocals(value, locals);
  });
}

/** A let may read another; deeper than this is a circle. */
const DEPTH_LIMIT = 100;

function substitute(e: Expr, lets: ReadonlyMap<string, Inlined>, depth: number): Expr {
  return mapExpr(e, (x) => {
    const found = readLet(x, lets);
    if (found === undefined) return undefined;
    if (depth > DEPTH_LIMIT) {
      const reason = "the let refers to its own earlier elements";
      return fail("discrete_sum_unsupported", x.span, { name: found.name, reason });
    }
    return substitute(found.value, lets, depth + 1);
  });
}

function readLet(
  x: Expr,
  lets: ReadonlyMap<string, Inlined>,
): { name: string; value: Expr } | undefined {
  const { target, indices } = x.kind === "index" ? flattenIndex(x) : { target: x, indices: [] };
  if (target.kind !== "var" || target.role !== "let") return undefined;
  const inlined = lets.get(target.name);
  if (inlined === undefined) return undefined;
  const { name } = target;
  const { params, value } = inlined;
  const at = params.map((_, k) => {
    const index = indices[k];
    if (index?.kind === "at" && index.value.type.dims.length === 0) return index.value;
    const reason = "the let is read as a whole array";
    return fail("discrete_sum_unsupported", x.span, { name, reason });
  });
  const own = mapExpr(value, (y) => {
    const k = y.kind === "var" && y.role === "index" ? params.indexOf(y.name) : -1;
    return k < 0 ? undefined : at[k];
  });
  const rest = indices.slice(params.length);
  if (rest.length === 0) return { name, value: own };
  return { name, value: { kind: "index", target: own, indices: rest, span: x.span, type: x.type } };
}

/** Statements with their expressions mapped, but for the lets that `keep` names. */
function mapBody(
  body: readonly Stmt[],
  f: (e: Expr) => Expr,
  keep: (name: string) => boolean,
): Stmt[] {
  return body.map((s): Stmt => {
    switch (s.kind) {
      case "site":
        return { ...s, dist: mapDist(s.dist, f) };
      case "observe":
        return { ...s, value: f(s.value), dist: mapDist(s.dist, f) };
      case "let":
        return keep(s.name) ? s : { ...s, value: f(s.value) };
      case "local":
      case "factor":
        return { ...s, value: f(s.value) };
      case "param":
        return s;
      case "for":
        return { ...s, body: mapBody(s.body, f, keep) };
      case "if":
        // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
        return { ...s, then: mapBody(s.then, f, keep), else: mapBody(s.else, f, keep) };
      default:
        return assertNever(s, "mapBody");
    }
  });
}
