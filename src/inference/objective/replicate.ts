/**
 * A program repeated over the loops of a draw: `z[k] ~ q` for k in 0..K makes K copies of every site
 * of q. The copies are loops of the program's own text, so that they become array axes like any
 * other loop; params, data and what depends on these alone are shared.
 */
import type { DistExpr, Expr, Model, Stmt, Variable } from "../../model/ir.js";
import { sizeConst } from "../../model/size.js";
import { dependsOnRandom, mapDist, mapExpr, walkStmts } from "../../model/traverse.js";
import { at, countBinder, loopVariable } from "./expressions.js";

/** The loops of a draw with their lengths, outermost first. */
export interface Copies {
  readonly loops: readonly { readonly name: string; readonly count: number }[];
}

/** Applies `f` to every expression of a statement, those of nested statements included. */
export function mapStmt(s: Stmt, f: (e: Expr) => Expr): Stmt {
  const each = (list: readonly Stmt[]): Stmt[] => list.map((t) => mapStmt(t, f));
  switch (s.kind) {
    case "site":
      return { ...s, indices: s.indices.map(f), dist: mapDist(s.dist, f) };
    case "observe":
      return { ...s, value: f(s.value), dist: mapDist(s.dist, f) };
    case "let":
      return { ...s, indices: s.indices.map(f), value: f(s.value) };
    case "local":
    case "factor":
      return { ...s, value: f(s.value) };
    case "param":
      return s;
    case "for":
      return {
        ...s,
        binder: { ...s.binder, from: f(s.binder.from), to: f(s.binder.to) },
        body: each(s.body),
      };
    case "if":
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      return { ...s, condition: f(s.condition), then: each(s.then), else: each(s.else) };
  }
}

/** The statements that `keep` holds for, in their loops, branches and local definitions. */
export function filterStmts(body: readonly Stmt[], keep: (s: Stmt) => boolean): Stmt[] {
  return body.flatMap((s): Stmt[] => {
    if (s.kind === "for") {
      const inner = filterStmts(s.body, keep);
      return inner.some((t) => t.kind !== "local") ? [{ ...s, body: inner }] : [];
    }
    if (s.kind === "if") {
      const [yes, no] = [filterStmts(s.then, keep), filterStmts(s.else, keep)];
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      return yes.length + no.length > 0 ? [{ ...s, then: yes, else: no }] : [];
    }
    return s.kind === "local" || keep(s) ? [s] : [];
  });
}

/** The names of lets and locals that depend on one of `names`, and those themselves. */
export function dependents(model: Model, names: ReadonlySet<string>): Set<string> {
  const found = new Set(names);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    walkStmts(model.body, (s) => {
      if ((s.kind === "let" || s.kind === "local") && dependsOnRandom(s.value, found)) {
        found.add(s.name);
      }
    });
  }
  return found;
}

/** The program with copies of the sites in `drawn`, and of everything that depends on them. */
export function replicate(model: Model, drawn: ReadonlySet<string>, copies: Copies): Model {
  const { loops } = copies;
  if (loops.length === 0) return model;
  const copied = dependents(model, drawn);
  const dims = loops.map((b) => sizeConst(b.count));
  const indices = loops.map((b) => loopVariable(b.name, model.span));
  const whole = (e: Extract<Expr, { kind: "var" }>): Expr => ({
    ...e,
    type: { scalar: e.type.scalar, dims: [...dims, ...e.type.dims] },
  });
  const isCopied = (e: Expr): e is Extract<Expr, { kind: "var" }> =>
    e.kind === "var" && (e.role === "site" || e.role === "let") && copied.has(e.name);
  const rewrite = (e: Expr): Expr =>
    mapExpr(e, (x) => {
      if (isCopied(x)) return at(whole(x), indices);
      if (x.kind !== "index" || !isCopied(x.target)) return undefined;
      const own = x.indices.map((i) =>
        i.kind === "at"
          ? { kind: "at" as const, value: rewrite(i.value) }
          : { ...i, from: i.from && rewrite(i.from), to: i.to && rewrite(i.to) },
      );
      const first = indices.map((value) => ({ kind: "at" as const, value }));
      return { ...x, target: whole(x.target), indices: [...first, ...own] };
    });
  const shared = filterStmts(
    model.body,
    (s) => s.kind === "param" || (s.kind === "let" && !copied.has(s.name)),
  );
  const inside = filterStmts(
    model.body,
    (s) => s.kind !== "param" && !(s.kind === "let" && !copied.has(s.name)),
  ).map((s) => mapStmt(s, rewrite));
  const indexed = inside.map((s) => withIndices(s, copied, indices));
  const looped = [...loops]
    .reverse()
    .reduce<readonly Stmt[]>(
      (body, b) => [
        { kind: "for", span: model.span, binder: countBinder(b.name, b.count, model.span), body },
      ],
      indexed,
    );
  const variables = model.variables.map(
    (v): Variable =>
      copied.has(v.name)
        ? { ...v, type: { scalar: v.type.scalar, dims: [...dims, ...v.type.dims] } }
        : v,
  );
  return { ...model, variables, body: [...shared, ...looped] };
}

/** Targets of copied sites and lets get the loops' indices in front. */
function withIndices(s: Stmt, copied: ReadonlySet<string>, indices: readonly Expr[]): Stmt {
  const each = (list: readonly Stmt[]): Stmt[] => list.map((t) => withIndices(t, copied, indices));
  if (s.kind === "for") return { ...s, body: each(s.body) };
  // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
  if (s.kind === "if") return { ...s, then: each(s.then), else: each(s.else) };
  if ((s.kind === "site" || s.kind === "let") && copied.has(s.name)) {
    return { ...s, indices: [...indices, ...s.indices] };
  }
  return s;
}

/** The distribution of a draw without its repetitions. */
export function baseOf(d: DistExpr): DistExpr {
  return d.kind === "iid" ? baseOf(d.base) : d;
}
