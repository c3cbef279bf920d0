/** Walks over the model IR and the small facts that several stages ask of it. */
import { assertNever } from "../base/internal.js";
import type { Binder, DistExpr, Expr, IndexArg, Model, Stmt, Support } from "./ir.js";

/** The expressions directly inside `e`, in source order; distributions give theirs. */
export function childExprs(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "const":
    case "var":
      return [];
    case "call":
      return e.args;
    case "index":
      return [e.target, ...e.indices.flatMap(indexExprs)];
    case "array":
      return e.items;
    case "if":
      return [e.condition, e.then, e.else];
    case "comprehension":
    case "reduce":
      return [...e.binders.flatMap(binderExprs), e.body];
    case "block":
      return [...e.lets.map((l) => l.value), e.result];
    case "grad":
      return [e.point, e.body];
    case "dist_method":
      return [...distExprs(e.dist), ...e.args];
    default:
      return assertNever(e, "childExprs");
  }
}

/** The expressions of one index. */
export function indexExprs(i: IndexArg): readonly Expr[] {
  if (i.kind === "at") return [i.value];
  return [i.from, i.to].filter((x) => x !== undefined);
}

/** The two ends of a binder's range. */
export function binderExprs(b: Binder): readonly Expr[] {
  return [b.from, b.to];
}

/** The expressions directly inside a distribution and its components, not those of its support. */
export function distExprs(d: DistExpr): readonly Expr[] {
  switch (d.kind) {
    case "named":
      return Object.values(d.args);
    case "iid":
      return distExprs(d.base);
    case "truncated":
      return [
        ...distExprs(d.base),
        ...[d.lower, d.upper].filter((x): x is Expr => x !== undefined),
      ];
    case "mixture":
      return [
        d.weights,
        ...(d.binder === undefined ? [] : binderExprs(d.binder)),
        ...d.components.flatMap(distExprs),
      ];
    case "written":
      return [...Object.values(d.args), ...memberExprs(d)];
    default:
      return assertNever(d, "distExprs");
  }
}

/** The expressions that a written distribution's members are, its samplers' included. */
export function memberExprs(d: Extract<DistExpr, { kind: "written" }>): readonly Expr[] {
  const { logpdf, cdf, mean, sampler } = d;
  const drawn = sampler === undefined ? [] : [...sampler.draws.flatMap((x) => distExprs(x.dist))];
  const { lower, upper } = sampler?.within ?? {};
  const all = [logpdf, cdf, mean, sampler?.value, lower, upper, ...drawn];
  return all.filter((x): x is Expr => x !== undefined);
}

/** The expressions that a support holds: bounds and sizes. */
export function supportExprs(s: Support): readonly Expr[] {
  switch (s.kind) {
    case "interval":
      return [s.lower, s.upper].filter((x): x is Expr => x !== undefined);
    case "category":
      return [s.size];
    case "integers":
      return [s.lower, s.upper];
    default:
      return [];
  }
}

/** Calls `visit` on `e` and every expression inside it, parents first. */
export function walkExpr(e: Expr, visit: (e: Expr) => void): void {
  visit(e);
  for (const child of childExprs(e)) walkExpr(child, visit);
}

/** True where `test` holds for `e` or an expression inside it. */
export function someExpr(e: Expr, test: (e: Expr) => boolean): boolean {
  return test(e) || childExprs(e).some((child) => someExpr(child, test));
}

/** The expressions directly in a statement, without those of nested statements. */
export function stmtExprs(s: Stmt): readonly Expr[] {
  switch (s.kind) {
    case "site":
      return [...s.indices, ...distExprs(s.dist)];
    case "observe":
      return [s.value, ...distExprs(s.dist)];
    case "let":
      return [...s.indices, s.value];
    case "local":
    case "factor":
      return [s.value];
    case "param":
      return [...s.indices, ...(s.init === undefined ? [] : initExprs(s.init))];
    case "for":
      return binderExprs(s.binder);
    case "if":
      return [s.condition];
    default:
      return assertNever(s, "stmtExprs");
  }
}

function initExprs(init: Expr | DistExpr): readonly Expr[] {
  return isDistExpr(init) ? distExprs(init) : [init];
}

/** Tells the two kinds of initial value of a `param` apart. */
export function isDistExpr(x: Expr | DistExpr): x is DistExpr {
  return "event" in x;
}

/** Calls `visit` on every statement, outer before inner, with the binders of the loops around it. */
export function walkStmts(
  body: readonly Stmt[],
  visit: (s: Stmt, loops: readonly Binder[]) => void,
  loops: readonly Binder[] = [],
): void {
  for (const s of body) {
    visit(s, loops);
    if (s.kind === "for") walkStmts(s.body, visit, [...loops, s.binder]);
    if (s.kind === "if") {
      walkStmts(s.then, visit, loops);
      walkStmts(s.else, visit, loops);
    }
  }
}

/** The names that `e` mentions and does not itself bind. */
export function freeVariables(e: Expr): Set<string> {
  const free = new Set<string>();
  collectFree(e, new Set(), free);
  return free;
}

function collectFree(e: Expr, bound: ReadonlySet<string>, free: Set<string>): void {
  switch (e.kind) {
    case "var":
      if (!bound.has(e.name)) free.add(e.name);
      return;
    case "comprehension":
    case "reduce": {
      const inner = new Set(bound);
      for (const b of e.binders) {
        for (const end of binderExprs(b)) collectFree(end, inner, free);
        inner.add(b.name);
      }
      collectFree(e.body, inner, free);
      return;
    }
    case "block": {
      const inner = new Set(bound);
      for (const l of e.lets) {
        collectFree(l.value, inner, free);
        inner.add(l.name);
      }
      collectFree(e.result, inner, free);
      return;
    }
    case "grad":
      collectFree(e.point, bound, free);
      collectFree(e.body, new Set(bound).add(e.variable), free);
      return;
    case "dist_method": {
      const inner = new Set(bound);
      for (const name of distBinders(e.dist)) inner.add(name);
      for (const child of childExprs(e)) collectFree(child, inner, free);
      return;
    }
    default:
      for (const child of childExprs(e)) collectFree(child, bound, free);
  }
}

/** The names that are bound inside the distribution: mixtures' binders, values of written ones. */
export function distBinders(d: DistExpr): readonly string[] {
  switch (d.kind) {
    case "named":
      return [];
    case "iid":
    case "truncated":
      return distBinders(d.base);
    case "mixture":
      return [
        ...(d.binder === undefined ? [] : [d.binder.name]),
        ...d.components.flatMap(distBinders),
      ];
    case "written": {
      const draws = d.sampler?.draws ?? [];
      return [d.variable, ...draws.flatMap((x) => [x.name, ...distBinders(x.dist)])];
    }
    default:
      return assertNever(d, "distBinders");
  }
}

/**
 * The names of the model whose value is not known before sampling: sites, params, and the lets and
 * locals that depend on one. Names are unique in a model, so one set serves every scope.
 */
export function randomNames(model: Model): Set<string> {
  const random = new Set(model.variables.filter((v) => v.random).map((v) => v.name));
  walkStmts(model.body, (s) => {
    if (s.kind === "local" && dependsOnRandom(s.value, random)) random.add(s.name);
  });
  return random;
}

/** True where `e` mentions a name of `random` (see `randomNames`). */
export function dependsOnRandom(e: Expr, random: ReadonlySet<string>): boolean {
  return someExpr(e, (x) => x.kind === "var" && random.has(x.name));
}

/** True where an argument of `d` mentions a name of `random`. */
export function distDependsOnRandom(d: DistExpr, random: ReadonlySet<string>): boolean {
  return distExprs(d).some((e) => dependsOnRandom(e, random));
}

/** `e` with every part for which `replace` gives something replaced by that; parents first. */
export function mapExpr(e: Expr, replace: (e: Expr) => Expr | undefined): Expr {
  const replaced = replace(e);
  if (replaced !== undefined) return replaced;
  const go = (x: Expr): Expr => mapExpr(x, replace);
  switch (e.kind) {
    case "const":
    case "var":
      return e;
    case "call":
      return { ...e, args: e.args.map(go) };
    case "index":
      return { ...e, target: go(e.target), indices: e.indices.map((i) => mapIndex(i, go)) };
    case "array":
      return { ...e, items: e.items.map(go) };
    case "if":
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      return { ...e, condition: go(e.condition), then: go(e.then), else: go(e.else) };
    case "comprehension":
    case "reduce":
      return { ...e, binders: e.binders.map((b) => mapBinder(b, go)), body: go(e.body) };
    case "block":
      return {
        ...e,
        lets: e.lets.map((l) => ({ ...l, value: go(l.value) })),
        result: go(e.result),
      };
    case "grad":
      return { ...e, point: go(e.point), body: go(e.body) };
    case "dist_method":
      return { ...e, dist: mapDist(e.dist, go), args: e.args.map(go) };
    default:
      return assertNever(e, "mapExpr");
  }
}

function mapIndex(i: IndexArg, go: (e: Expr) => Expr): IndexArg {
  if (i.kind === "at") return { kind: "at", value: go(i.value) };
  return { ...i, from: i.from && go(i.from), to: i.to && go(i.to) };
}

function mapBinder(b: Binder, go: (e: Expr) => Expr): Binder {
  return { ...b, from: go(b.from), to: go(b.to) };
}

/** A distribution with `go` applied to each of its expressions, those of its support included. */
export function mapDist(d: DistExpr, go: (e: Expr) => Expr): DistExpr {
  const support = mapSupport(d.support, go);
  switch (d.kind) {
    case "named": {
      const args = Object.fromEntries(Object.entries(d.args).map(([k, v]) => [k, go(v)]));
      return { ...d, args, support };
    }
    case "iid":
      return { ...d, base: mapDist(d.base, go), support };
    case "truncated": {
      const base = mapDist(d.base, go);
      return { ...d, base, lower: d.lower && go(d.lower), upper: d.upper && go(d.upper), support };
    }
    case "mixture":
      return {
        ...d,
        weights: go(d.weights),
        components: d.components.map((c) => mapDist(c, go)),
        binder: d.binder && mapBinder(d.binder, go),
        support,
      };
    case "written": {
      const args = Object.fromEntries(Object.entries(d.args).map(([k, v]) => [k, go(v)]));
      const { sampler, cdf, mean } = d;
      return {
        ...d,
        args,
        logpdf: go(d.logpdf),
        cdf: cdf && go(cdf),
        mean: mean && go(mean),
        sampler: sampler && {
          ...sampler,
          ...(sampler.within && {
            within: {
              lower: sampler.within.lower && go(sampler.within.lower),
              upper: sampler.within.upper && go(sampler.within.upper),
            },
          }),
          draws: sampler.draws.map((x) => ({ ...x, dist: mapDist(x.dist, go) })),
          value: go(sampler.value),
        },
        support,
      };
    }
    default:
      return assertNever(d, "mapDist");
  }
}

/** A support with `go` applied to its bounds and sizes. */
export function mapSupport(s: Support, go: (e: Expr) => Expr): Support {
  switch (s.kind) {
    case "interval":
      return { ...s, lower: s.lower && go(s.lower), upper: s.upper && go(s.upper) };
    case "category":
      return { ...s, size: go(s.size) };
    case "integers":
      return { ...s, lower: go(s.lower), upper: go(s.upper) };
    default:
      return s;
  }
}
