/**
 * Which statements depend on a site of a draw, and whether element by element: where everything that
 * depends on z[i] stands in loops over the same i, the cost of z[i] is that of its own element
 * (Rao–Blackwellisation along the graph; Schulman et al. 2015, section 3). What cannot be seen to
 * be so from the text counts as depending on all elements.
 */
import type { Binder, Expr, Model, Stmt } from "../../model/ir.js";
import {
  distDependsOnRandom,
  distExprs,
  stmtExprs,
  walkExpr,
  walkStmts,
} from "../../model/traverse.js";
import type { Scope, Term } from "../logjoint/scopes.js";
import { collectStatements } from "../logjoint/scopes.js";
import { dependents } from "./replicate.js";

/** How a statement depends on the elements of a site. */
export type Dependence = "none" | "element" | "all";

/** The sites of a drawn program that depend on `site`, itself and its images included. */
export function descendants(model: Model, site: string): Set<string> {
  const sites = new Set([site]);
  for (let before = -1; before !== sites.size; ) {
    before = sites.size;
    const names = dependents(model, sites);
    walkStmts(model.body, (s) => {
      if (s.kind === "site" && distDependsOnRandom(s.dist, names)) sites.add(s.name);
    });
  }
  const names = dependents(model, sites);
  for (const name of Object.keys(model.images ?? {})) if (names.has(name)) sites.add(name);
  return sites;
}

/** Whether draws of a site depend on other elements of it. */
export function readsItself(model: Model, site: string): boolean {
  const names = dependents(model, descendants(model, site));
  let found = false;
  walkStmts(model.body, (s) => {
    if (s.kind === "site" && s.name === site) found ||= distDependsOnRandom(s.dist, names);
  });
  return found;
}

/**
 * The sites of a drawn program of which some element depends on several elements of `site`, and the
 * images among them: all that reads these reads them all.
 */
export function mixedSites(model: Model, site: string): Set<string> {
  const below = descendants(model, site);
  const mixed = new Set<string>();
  const { terms } = collectStatements(model);
  for (let before = -1; before !== mixed.size; ) {
    before = mixed.size;
    const { kinds, mixed: names } = dependencesAndMixed(model, below, mixed);
    terms.forEach(({ stmt }, k) => {
      if (stmt.kind === "site" && stmt.name !== site && kinds[k] === "all") mixed.add(stmt.name);
    });
    for (const name of names) if (below.has(name)) mixed.add(name);
  }
  return mixed;
}

/**
 * For each density statement of the program, in order, how it depends on the given sites.
 * @param mixed those among them that depend on several elements of the first wherever they are read
 */
export function dependences(
  model: Model,
  sites: ReadonlySet<string>,
  mixed: ReadonlySet<string> = new Set(),
): Dependence[] {
  return dependencesAndMixed(model, sites, mixed).kinds;
}

function dependencesAndMixed(
  model: Model,
  sites: ReadonlySet<string>,
  mixedBelow: ReadonlySet<string>,
): { readonly kinds: Dependence[]; readonly mixed: ReadonlySet<string> } {
  const names = dependents(model, sites);
  const locals = new Map<string, Expr>();
  walkStmts(model.body, (s) => {
    if (s.kind === "local") locals.set(s.name, s.value);
  });
  const { terms, definitions } = collectStatements(model);
  // Lets of which some element reads other elements than its own.
  const mixed = mixedBelow.size === 0 ? new Set<string>() : dependents(model, mixedBelow);
  for (const name of names) {
    for (const d of definitions.get(name) ?? []) {
      if (d.stmt.kind !== "let") continue;
      if (!isElementwise(d.stmt, outermost(d.scope), names, locals)) mixed.add(name);
    }
  }
  const kinds = terms.map((t): Dependence => {
    if (!mentions(t.stmt, names)) return "none";
    const loop = outermost(t.scope);
    const isOwn = isElementwise(t.stmt, loop, names, locals) && !mentions(t.stmt, mixed, locals);
    return isOwn ? "element" : "all";
  });
  return { kinds, mixed };
}

/**
 * The loop around everything, where it runs from 0 and no condition stands outside of it.
 * @param anyStart whether it may run from elsewhere
 */
function outermost(scope: Scope, anyStart = false): Binder | undefined {
  let found: Binder | undefined;
  for (let s: Scope | undefined = scope; s !== undefined; s = s.parent) {
    if (s.step?.kind === "if") return undefined;
    if (s.step?.kind === "for") found = s.step.binder;
  }
  if (anyStart) return found;
  return found?.from.kind === "const" && found.from.value === 0 ? found : undefined;
}

function mentions(
  s: Term["stmt"],
  names: ReadonlySet<string>,
  locals?: ReadonlyMap<string, Expr>,
): boolean {
  if (s.kind === "site" && names.has(s.name)) return true;
  const seen = new Set<string>();
  let found = false;
  const look = (e: Expr): void =>
    walkExpr(e, (x) => {
      if (x.kind !== "var") return;
      if (names.has(x.name)) found = true;
      const local = locals?.get(x.name);
      if (local === undefined || seen.has(x.name)) return;
      seen.add(x.name);
      look(local);
    });
  for (const e of stmtExprs(s)) look(e);
  return found;
}

/** Every mention of `names` in the statement is of the element of the loop's own index. */
function isElementwise(
  s: Extract<Stmt, { kind: "site" | "observe" | "factor" | "let" }>,
  loop: Binder | undefined,
  names: ReadonlySet<string>,
  locals: ReadonlyMap<string, Expr>,
): boolean {
  if (loop === undefined) return false;
  const isOwn = (e: Expr | undefined): boolean => e?.kind === "var" && e.name === loop.name;
  if ((s.kind === "site" || s.kind === "let") && names.has(s.name) && !isOwn(s.indices[0])) {
    return false;
  }
  let ok = true;
  const own = new Set<Expr>();
  const seen = new Set<string>();
  const look = (e: Expr): void =>
    walkExpr(e, (x) => {
      if (x.kind === "index" && x.target.kind === "var") {
        const [first] = x.indices;
        if (first.kind === "at" && isOwn(first.value)) own.add(x.target);
      }
      if (x.kind !== "var" || !names.has(x.name)) return;
      const local = locals.get(x.name);
      if (local === undefined) ok = ok && own.has(x);
      else if (!seen.has(x.name)) {
        seen.add(x.name);
        look(local);
      }
    });
  for (const e of stmtExprs(s)) look(e);
  return ok;
}

/** Whether a density's arguments read a site that the density is of, or what depends on it. */
export type Reading = "none" | "shifted" | "some";

/**
 * For each density statement of `model` that is of `site`, how its arguments read draws of that site
 * in `guide`: not at all, or only other elements of which none depends on the element itself
 * (`z[t - 1]` in the density of `z[t]`, where the guide draws elements apart or in that order too).
 * Undefined for all other statements.
 * @param below the sites of the guide that depend on `site`, itself included
 */
export function readsBelow(
  model: Model,
  guide: Model,
  site: string,
  below: ReadonlySet<string>,
): (Reading | undefined)[] {
  const names = dependents(model, below);
  const { terms } = collectStatements(model);
  const own = collectStatements(guide).terms.filter(
    ({ stmt }) => stmt.kind === "site" && stmt.name === site,
  );
  const ownNames = dependents(guide, below);
  const ownShifts = own.flatMap(({ stmt, scope }) =>
    stmt.kind === "site" ? shiftsOf(stmt, outermost(scope, true), ownNames) : [],
  );
  return terms.map(({ stmt, scope }): Reading | undefined => {
    if (stmt.kind !== "site" || stmt.name !== site) return undefined;
    if (!distDependsOnRandom(stmt.dist, names)) return "none";
    const shifts = shiftsOf(stmt, outermost(scope, true), names);
    if (shifts.some((s) => s === undefined || s === 0)) return "some";
    if (ownShifts.length === 0) return "shifted";
    return [...shifts, ...ownShifts].every((s) => s !== undefined && s > 0) ? "shifted" : "some";
  });
}

/**
 * How far behind its own element a statement of `z[t]` reads others: 1 for `z[t - 1]`; undefined for
 * what cannot be told from the text.
 */
function shiftsOf(
  s: Extract<Stmt, { kind: "site" }>,
  loop: Binder | undefined,
  names: ReadonlySet<string>,
): (number | undefined)[] {
  const [target] = s.indices;
  const isOwn = loop !== undefined && target?.kind === "var" && target.name === loop.name;
  const found: (number | undefined)[] = [];
  const seen = new Set<Expr>();
  const look = (e: Expr): void =>
    walkExpr(e, (x) => {
      if (x.kind === "index" && x.target.kind === "var" && x.target.name === s.name) {
        const [first] = x.indices;
        seen.add(x.target);
        found.push(isOwn && first.kind === "at" ? shiftOf(first.value, loop.name) : undefined);
      }
      if (x.kind === "var" && names.has(x.name) && !seen.has(x)) found.push(undefined);
    });
  for (const e of distExprs(s.dist)) look(e);
  return found;
}

/** c in `t - c`. */
function shiftOf(e: Expr, loop: string): number | undefined {
  if (e.kind === "var") return e.name === loop ? 0 : undefined;
  if (e.kind !== "call" || (e.fn !== "add" && e.fn !== "sub")) return undefined;
  const [a, b] = e.args;
  if (a.kind !== "var" || a.name !== loop || b.kind !== "const") return undefined;
  const value = Number(b.value);
  return e.fn === "sub" ? value : -value;
}
