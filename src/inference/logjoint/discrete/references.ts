/**
 * Which latent discrete elements a statement reads. Each reading (`z[i]`, `z[t - 1]`) becomes an
 * axis over the site's values; where it points is known from the data for every index tuple.
 */
import { fail } from "../../../base/diagnostic.js";
import { internalError } from "../../../base/internal.js";
import type { Expr } from "../../../model/ir.js";
import { printExpr } from "../../../model/print.js";
import { childExprs, dependsOnRandom } from "../../../model/traverse.js";
import { type Axis, type Context, type Lowered, pushAxis, spread } from "../context.js";
import { flattenIndex } from "../indexing.js";
import { constantData, type Lowerer } from "../lowerer.js";

/** A discrete site that is summed out. */
export interface DiscreteSite {
  readonly name: string;
  /** Loop dims; an element is one number. */
  readonly dims: readonly number[];
  /** The values of an element: `low`, `low + 1`, … */
  readonly low: number;
  readonly count: number;
  /** Its elements in the numbering of all discrete elements start here. */
  readonly offset: number;
}

/** One way in which a statement reads a site. */
export interface Reference {
  readonly site: DiscreteSite;
  readonly axis: Axis;
  /** The element's number for each index tuple of the statement's loops. */
  readonly elements: Float64Array;
}

export interface Enumerated {
  readonly references: readonly Reference[];
  /** The statement's context with an axis per reference. */
  readonly context: Context;
  /** A lowerer that reads the references as values along their axes. */
  readonly l: Lowerer;
}

/** The readings of the sites among `exprs`, seen through local definitions, as axes. */
export function enumerateReads(
  l: Lowerer,
  exprs: readonly Expr[],
  context: Context,
  sites: ReadonlyMap<string, DiscreteSite>,
): Enumerated {
  const byText = new Map<string, Reference>();
  const names = latentNames(context, sites);
  let wide = context;
  for (const e of readings(exprs, context, sites)) {
    const key = printExpr(e);
    if (byText.has(key)) continue;
    const site = siteOf(e, sites) ?? internalError(`${key} reads no discrete site`);
    const elements = elementsRead(l, e, site, context, names);
    const same = [...byText.values()].find(
      (r) => r.site === site && r.elements.every((p, i) => p === elements[i]),
    );
    if (same !== undefined) {
      byText.set(key, same);
      continue;
    }
    const clash = [...byText.values()].some(
      (r) => r.site === site && r.elements.some((p, i) => p === elements[i]),
    );
    if (clash) {
      const reason = `two of its readings in one statement, one of them \`${key}\`, sometimes meet`;
      fail("discrete_sum_unsupported", e.span, { name: site.name, reason });
    }
    const values = Float64Array.from({ length: site.count }, (_, k) => site.low + k);
    wide = pushAxis(wide, `${key} of ${site.name}`, values);
    const axis = wide.axes[wide.axes.length - 1];
    byText.set(key, { site, axis, elements });
  }
  const enumerated = (e: Expr): Lowered | undefined => {
    const found = siteOf(e, sites) === undefined ? undefined : byText.get(printExpr(e));
    if (found === undefined) return undefined;
    const { low, count } = found.site;
    const values = Float64Array.from({ length: count }, (_, k) => low + k);
    return { node: l.g.constant(values, [count], e.type.scalar), axes: [found.axis] };
  };
  const inner: Lowerer = l.withEnumerated(enumerated);
  return { references: [...new Set(byText.values())], context: wide, l: inner };
}

/** The site whose element (or, for a scalar site, which itself) an expression is. */
function siteOf(e: Expr, sites: ReadonlyMap<string, DiscreteSite>): DiscreteSite | undefined {
  if (e.kind === "var" && e.role === "site") return sites.get(e.name);
  if (e.kind !== "index") return undefined;
  const { target } = flattenIndex(e);
  return target.kind === "var" && target.role === "site" ? sites.get(target.name) : undefined;
}

/** Every expression that reads a site, outermost first. */
function readings(
  exprs: readonly Expr[],
  context: Context,
  sites: ReadonlyMap<string, DiscreteSite>,
): Expr[] {
  const found: Expr[] = [];
  const locals = new Set<string>();
  const visit = (e: Expr, own: ReadonlyMap<string, Expr>): void => {
    if (siteOf(e, sites) !== undefined) {
      found.push(e);
      // What its indices read is no reading of the statement: indices are data.
      return;
    }
    if (e.kind === "var" && e.role === "local" && !locals.has(e.name)) {
      locals.add(e.name);
      const value = own.get(e.name) ?? context.locals.get(e.name);
      if (value !== undefined) visit(value, own);
    }
    if (e.kind === "block") {
      const inner = new Map(own);
      for (const { name, value } of e.lets) inner.set(name, value);
      visit(e.result, inner);
      return;
    }
    for (const child of childExprs(e)) visit(child, own);
  };
  for (const e of exprs) visit(e, new Map());
  return found;
}

/** The sites, and the local definitions that read one. */
function latentNames(
  context: Context,
  sites: ReadonlyMap<string, DiscreteSite>,
): ReadonlySet<string> {
  const names = new Set(sites.keys());
  for (let before = -1; before !== names.size; ) {
    before = names.size;
    for (const [name, value] of context.locals) if (dependsOnRandom(value, names)) names.add(name);
  }
  return names;
}

function elementsRead(
  l: Lowerer,
  e: Expr,
  site: DiscreteSite,
  context: Context,
  names: ReadonlySet<string>,
): Float64Array {
  const refuse = (reason: string): never =>
    fail("discrete_sum_unsupported", e.span, { name: site.name, reason });
  const total = context.axes.reduce((n, a) => n * a.size, 1);
  const elements = new Float64Array(total);
  const indices = e.kind === "index" ? flattenIndex(e).indices : [];
  if (indices.length !== site.dims.length) return refuse("it is read as a whole array");
  indices.forEach((index, dim) => {
    if (index.kind !== "at" || index.value.type.dims.length > 0) {
      refuse("several of its elements are read at once");
      return;
    }
    const known = new Set(context.vars.keys());
    const outside = freeIndexNames(index.value).find((name) => !known.has(name));
    if (outside !== undefined) refuse("it is read inside a comprehension or reduction");
    if (dependsOnRandom(index.value, names)) refuse("its index depends on a latent quantity");
    const at = l.lower(index.value, context);
    const data = constantData(l, at.node) ?? refuse("its index depends on a latent quantity");
    const values = spread(data, at.axes, context.axes);
    for (let i = 0; i < total; i++) {
      if (!(values[i] >= 0 && values[i] < site.dims[dim])) {
        fail("index_out_of_range", e.span, {
          what: site.name,
          index: values[i],
          size: site.dims[dim],
          axis: dim,
        });
      }
      elements[i] = elements[i] * site.dims[dim] + values[i];
    }
  });
  return elements.map((p) => p + site.offset);
}

function freeIndexNames(e: Expr): string[] {
  if (e.kind === "var") return e.role === "index" ? [e.name] : [];
  return childExprs(e).flatMap(freeIndexNames);
}
