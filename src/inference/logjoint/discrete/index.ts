/**
 * Discrete sites summed out of the log joint: the elements of finite sites are grouped by how they
 * hang together; independent groups are summed at once, chains by a forward pass, the rest by
 * variable elimination.
 */
import { fail } from "../../../base/diagnostic.js";
import { internalError } from "../../../base/internal.js";
import type { Expr, Variable } from "../../../model/ir.js";
import { printSupport } from "../../../model/print.js";
import type { Node } from "../../../tensor/ops.js";
import type { Lowered } from "../context.js";
import { isDiscrete, shapeOf } from "../latents.js";
import { constantData, type Lowerer } from "../lowerer.js";
import { elementsAt } from "../pieces.js";
import { contextOf, type Term, targetPositions, tupleCount } from "../scopes.js";
import type { Variables } from "../variable-table.js";
import { definitionsOf, siteValues } from "../variables.js";
import { forward } from "./chain.js";
import { eliminateAll, type Table } from "./eliminate.js";
import { type Factor, readingExprs, statementTable, tableRows, targetExpr } from "./factors.js";
import {
  among,
  given,
  hubOf,
  isChainOfLayers,
  layeredSum,
  layersOf,
  neighboursOf,
  withoutLeaves,
} from "./loose.js";
import { type DiscreteSite, enumerateReads } from "./references.js";
import { type AlignedGroup, type ChainGroup, findGroups, type Group } from "./structure.js";

export type { DiscreteSite } from "./references.js";

/** A loose component may take this many tables: each is a node of the graph. */
const LOOSE_LIMIT = 2000;
/** Components of at most so many elements are eliminated as they are. */
const SMALL = 24;
/** How many elements may be summed value by value inside each other. */
const HUB_DEPTH = 3;

/** What is summed, for `explain`. */
export interface SumPlan {
  readonly sites: readonly DiscreteSite[];
  readonly groups: readonly Group[];
}

/** The latent discrete sites of a model but for `others`; an infinite one is an error. */
export function discreteSites(
  l: Lowerer,
  vars: Variables,
  methodName: string,
  others: ReadonlySet<string> = new Set(),
): Map<string, DiscreteSite> {
  const sites = new Map<string, DiscreteSite>();
  let offset = 0;
  for (const variable of l.conditioned.model.variables) {
    const { name, role, support, span } = variable;
    if (role !== "site" || !isDiscrete(support) || l.conditioned.observed.has(name)) continue;
    if (others.has(name)) continue;
    const dims = shapeOf(l.conditioned, variable).batch;
    if (variable.eventRank > 0) {
      const reason = "it is drawn as a whole array; draw its elements in a loop";
      fail("discrete_sum_unsupported", span, { name, reason });
    }
    const range = valueRange(l, vars, variable);
    if (range === undefined) {
      const shown = printSupport(support);
      fail("discrete_infinite", span, { name, support: shown, method: methodName });
    }
    sites.set(name, { name, dims, offset, ...range });
    offset += dims.reduce((n, d) => n * d, 1);
  }
  return sites;
}

/** The smallest value and how many follow, over all elements; undefined where there is no end. */
function valueRange(
  l: Lowerer,
  vars: Variables,
  variable: Variable,
): { low: number; count: number } | undefined {
  const { support } = variable;
  const extent = (e: Expr): { least: number; most: number } => {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (const d of definitionsOf(vars, variable.name)) {
      const context = contextOf(l, vars.contexts, d.scope);
      const data = constantData(l, l.lower(e, context).node);
      if (data === undefined) {
        const reason = "how many values it has depends on a latent quantity";
        fail("discrete_sum_unsupported", variable.span, { name: variable.name, reason });
      }
      for (const x of data) {
        least = Math.min(least, x);
        most = Math.max(most, x);
      }
    }
    return { least, most };
  };
  switch (support.kind) {
    case "bool":
      return { low: 0, count: 2 };
    case "category":
      return { low: 0, count: extent(support.size).most };
    case "integers": {
      const low = extent(support.lower).least;
      return { low, count: extent(support.upper).most - low + 1 };
    }
    default:
      return undefined;
  }
}

/** The factor of a statement, or undefined where it reads no discrete site. */
export function factorOf(
  l: Lowerer,
  vars: Variables,
  term: Term,
  label: string,
  sites: ReadonlyMap<string, DiscreteSite>,
): Factor | undefined {
  const { stmt, scope } = term;
  const context = contextOf(l, vars.contexts, scope);
  const isDrawn = stmt.kind === "site" && sites.has(stmt.name);
  const exprs = isDrawn || stmt.kind !== "site" ? readingExprs(stmt) : readingExprs(stmt).slice(1);
  const wide = enumerateReads(l, exprs, context, sites);
  if (wide.references.length === 0) return undefined;
  const element = (): Lowered => {
    if (stmt.kind !== "site") return internalError("only a site has an element");
    if (isDrawn) return wide.l.lower(targetExpr(stmt), wide.context);
    const variable = vars.byName.get(stmt.name) ?? internalError(`no variable ${stmt.name}`);
    const shape = shapeOf(l.conditioned, variable);
    const positions = targetPositions(l, stmt.name, stmt.indices, shape.batch, context);
    const values = elementsAt(l, siteValues(l, vars, variable), shape, positions);
    const sizes = context.axes.map((a) => a.size);
    return { node: l.g.reshape(values, [...sizes, ...shape.event]), axes: context.axes };
  };
  const table = statementTable(wide.l, stmt, wide.context, element);
  return { label, references: wide.references, loops: context.axes, table };
}

export function hasTuples(l: Lowerer, vars: Variables, term: Term): boolean {
  return tupleCount(contextOf(l, vars.contexts, term.scope)) > 0;
}

/** log Σ over every value of every site of exp Σ factors; a scalar node. */
export function sumOut(
  l: Pick<Lowerer, "g">,
  sites: ReadonlyMap<string, DiscreteSite>,
  factors: readonly Factor[],
): { total: Node; plan: SumPlan } {
  const list = [...sites.values()];
  const elements = list.reduce((n, s) => n + s.dims.reduce((m, d) => m * d, 1), 0);
  const owner = new Int32Array(elements);
  list.forEach((s, k) => {
    owner.fill(k, s.offset, s.offset + s.dims.reduce((m, d) => m * d, 1));
  });
  const groups = findGroups(elements, factors, (e) => owner[e]);
  const rows = factors.map((f) => tableRows(l, f));
  const sum: SumState = { l, list, owner, factors, rows };
  return { total: groupsSum(sum, groups, 0), plan: { sites: list, groups } };
}

/** The log sums of all groups, added up. */
function groupsSum(sum: SumState, groups: readonly Group[], depth: number): Node {
  const { g } = sum.l;
  const loose: (readonly number[])[] = [];
  let total: Node = g.constant(0);
  for (const group of groups) {
    if (group.kind === "loose" && group.elements.length > SMALL) loose.push(group.elements);
    else total = g.add(total, g.sum(groupSum(sum, group)));
  }
  return loose.length === 0 ? total : g.add(total, nearChainsSum(sum, loose, depth));
}

/** Large components that are no chains, first without their leaves. */
function nearChainsSum(
  sum: SumState,
  components: readonly (readonly number[])[],
  depth: number,
): Node {
  const { l, list, owner } = sum;
  const { g } = l;
  const elements = new Set(components.flat());
  const whole = { g, siteOf: (e: number) => list[owner[e]], factors: sum.factors, rows: sum.rows };
  const { tables, left } = withoutLeaves(among(whole, elements), elements);
  const groups = findGroups(owner.length, tables.factors, (e) => owner[e])
    .map((group) => onlyIn(group, left))
    .filter((group) => group !== undefined);
  const state: SumState = { ...sum, factors: tables.factors, rows: tables.rows };
  const neighbours = neighboursOf(tables.factors);
  const layered = new Map<number, number[][][]>();
  let total: Node = g.constant(0);
  for (const group of groups) {
    if (group.kind !== "loose" || group.elements.length <= SMALL) {
      total = g.add(total, g.sum(groupSum(state, group)));
      continue;
    }
    const layers = layersOf(group.elements, neighbours);
    if (isChainOfLayers(tables, layers)) {
      layered.set(layers.length, [...(layered.get(layers.length) ?? []), layers]);
      continue;
    }
    const hub = depth < HUB_DEPTH ? hubOf(tables, group.elements, neighbours) : undefined;
    const part =
      hub === undefined ? groupSum(state, group) : hubSum(state, group.elements, hub, depth);
    total = g.add(total, part);
  }
  for (const chains of layered.values()) {
    total = g.add(total, g.sum(layeredSum(tables, chains)));
  }
  return g.sum(total);
}

/** The log sum of a component by the values of one of its elements. */
function hubSum(sum: SumState, elements: readonly number[], hub: number, depth: number): Node {
  const { l, list, owner } = sum;
  const rest = new Set(elements.filter((e) => e !== hub));
  const whole = {
    g: l.g,
    siteOf: (e: number) => list[owner[e]],
    factors: sum.factors,
    rows: sum.rows,
  };
  const own = among(whole, new Set(elements));
  const parts = Array.from({ length: list[owner[hub]].count }, (_, k) => {
    const { tables, alone } = given(own, hub, k);
    const groups = findGroups(owner.length, tables.factors, (e) => owner[e])
      .map((group) => onlyIn(group, rest))
      .filter((group) => group !== undefined);
    const state: SumState = { ...sum, factors: tables.factors, rows: tables.rows };
    return l.g.add(alone, groupsSum(state, groups, depth + 1));
  });
  return l.g.logsumexp(l.g.stack(parts), [0]);
}

/** A group's components among the given elements; a component lies inside or outside as a whole. */
function onlyIn(group: Group, elements: ReadonlySet<number>): Group | undefined {
  switch (group.kind) {
    case "aligned": {
      const { width } = group;
      const members = group.members.filter((_, i, all) => elements.has(all[i - (i % width)]));
      return members.length === 0 ? undefined : { ...group, members };
    }
    case "chains": {
      const paths = group.paths.filter(([first]) => elements.has(first));
      return paths.length === 0 ? undefined : { ...group, paths };
    }
    case "loose":
      return elements.has(group.elements[0]) ? group : undefined;
  }
}

interface SumState {
  readonly l: Pick<Lowerer, "g">;
  readonly list: readonly DiscreteSite[];
  readonly owner: Int32Array;
  readonly factors: readonly Factor[];
  /** `[tuples, …values]` of each factor. */
  readonly rows: readonly Node[];
}

/** The log sums of a group's components. */
function groupSum(sum: SumState, group: Group): Node {
  switch (group.kind) {
    case "aligned":
      return componentsSum(sum, group);
    case "chains":
      return forward(sum.l.g, chainPotentials(sum, group));
    case "loose": {
      if (group.elements.length > LOOSE_LIMIT) {
        const name = sum.list[sum.owner[group.elements[0]]].name;
        const reason = `${group.elements.length} of its elements hang together in no chain`;
        fail("discrete_sum_unsupported", undefined, { name, reason });
      }
      return looseSum(sum, group.elements);
    }
  }
}

/** Components of the same sites: one elimination with the components as a batch. */
function componentsSum(sum: SumState, { members, width }: AlignedGroup): Node {
  const { l, list, owner } = sum;
  const count = members.length / width;
  /** Of each element its place among the members, or −1. */
  const place = new Int32Array(owner.length).fill(-1);
  for (let at = 0; at < members.length; at++) place[members[at]] = at;
  const firstSites = Array.from(members.subarray(0, width), (e) => list[owner[e]]);
  const sizes = firstSites.map((s) => s.count);
  const tables: Table[] = [];
  sum.factors.forEach((f, k) => {
    const [first] = f.references;
    const tuples = new Int32Array(first.elements.length);
    const to = new Int32Array(first.elements.length);
    let found = 0;
    for (let i = 0; i < first.elements.length; i++) {
      const at = place[first.elements[i]];
      if (at < 0) continue;
      tuples[found] = i;
      to[found++] = Math.floor(at / width);
    }
    if (found === 0) return;
    const variables = f.references.map((r) => place[r.elements[tuples[0]]] % width);
    const rows = pickRows(l, sum.rows[k], tuples.subarray(0, found));
    tables.push({ variables, node: addRows(l, rows, to.subarray(0, found), count) });
  });
  const names = firstSites.map((s) => s.name);
  return eliminateAll(l.g, count, sizes, tables, names);
}

/** The chosen rows of `[n, …]`. */
function pickRows(l: Pick<Lowerer, "g">, rows: Node, chosen: ArrayLike<number>): Node {
  const [n, ...rest] = rows.shape;
  const isRun = chosen.length > 0 && isRunFrom(chosen[0], chosen);
  if (chosen.length === n && isRun && chosen[0] === 0) return rows;
  if (isRun) {
    return l.g.slice(rows, [chosen[0], ...rest.map(() => 0)], [chosen.length, ...rest]);
  }
  return l.g.gather(rows, l.g.constant(chosen, [chosen.length], "int"), 0);
}

/** Whether the numbers are `first`, `first` + 1, … */
function isRunFrom(first: number, numbers: ArrayLike<number>): boolean {
  for (let i = 0; i < numbers.length; i++) if (numbers[i] !== first + i) return false;
  return true;
}

/** Adds row i of `rows` to row `to[i]` of `[count, …]`. */
function addRows(l: Pick<Lowerer, "g">, rows: Node, to: ArrayLike<number>, count: number): Node {
  const [, ...rest] = rows.shape;
  if (to.length === count && isRunFrom(0, to)) return rows;
  return l.g.scatterAdd(rows, l.g.constant(to, [to.length], "int"), 0, [count, ...rest]);
}

/** Potentials of chains, in the order of their paths. */
function chainPotentials(sum: SumState, group: ChainGroup) {
  const { l, list, owner } = sum;
  const { paths, length } = group;
  const chains = paths.length;
  const values = list[owner[paths[0][0]]].count;
  /** By element: its place `[step, chain]` as one number. */
  const place = new Map<number, number>();
  paths.forEach((path, c) => {
    path.forEach((e, t) => {
      place.set(e, t * chains + c);
    });
  });
  let single: Node = l.g.zeros([length * chains, values]);
  const pairs: { node: Node; steps: readonly number[]; factor: Factor; flipped: boolean }[] = [];
  sum.factors.forEach((f, k) => {
    const [a, b] = f.references;
    const tuples: number[] = [];
    const to: number[] = [];
    const forwards: boolean[] = [];
    a.elements.forEach((e, i) => {
      const at = place.get(e);
      if (at === undefined) return;
      tuples.push(i);
      const next = b === undefined ? at : (place.get(b.elements[i]) ?? at);
      to.push(Math.min(at, next));
      forwards.push(at <= next);
    });
    if (tuples.length === 0) return;
    if (b === undefined) {
      const own = addRows(l, pickRows(l, sum.rows[k], tuples), to, length * chains);
      single = l.g.add(single, own);
      return;
    }
    for (const flipped of [false, true]) {
      const mine = tuples.filter((_, i) => forwards[i] !== flipped);
      if (mine.length === 0) continue;
      const picked = pickRows(l, sum.rows[k], mine);
      const node = flipped ? l.g.transpose(picked, [0, 2, 1]) : picked;
      pairs.push({ node, steps: to.filter((_, i) => forwards[i] !== flipped), factor: f, flipped });
    }
  });
  return {
    length,
    single: l.g.reshape(single, [length, chains, values]),
    pair: sharedPair(l, pairs, (length - 1) * chains) ?? pairRows(l, pairs, length, chains, values),
  };
}

type Pair = { node: Node; steps: readonly number[]; factor: Factor; flipped: boolean };

/** `[K, K]` where one factor links every step and depends on no loop. */
function sharedPair(
  l: Pick<Lowerer, "g">,
  pairs: readonly Pair[],
  links: number,
): Node | undefined {
  if (pairs.length !== 1) return undefined;
  const [{ factor, steps, flipped }] = pairs;
  const loops = new Set(factor.loops.map((a) => a.name));
  if (factor.table.axes.some((a) => loops.has(a.name))) return undefined;
  if (steps.length !== links || new Set(steps).size !== links) return undefined;
  const { node, axes } = factor.table;
  const [first, second] = factor.references;
  if (axes.length < 2) {
    const shape = [first.axis.size, second.axis.size];
    const map = axes.map((a) => (a.name === first.axis.name ? 0 : 1));
    const full = l.g.broadcast(node, shape, map);
    return flipped ? l.g.transpose(full, [1, 0]) : full;
  }
  const isInOrder = axes[0].name === first.axis.name;
  return isInOrder !== flipped ? node : l.g.transpose(node, [1, 0]);
}

/** `[length − 1, chains, K, K]`. */
function pairRows(
  l: Pick<Lowerer, "g">,
  pairs: readonly Pair[],
  length: number,
  chains: number,
  values: number,
): Node {
  const links = (length - 1) * chains;
  let all: Node = l.g.zeros([links, values, values]);
  for (const { node, steps } of pairs) all = l.g.add(all, addRows(l, node, steps, links));
  return l.g.reshape(all, [length - 1, chains, values, values]);
}

/** One component of any shape: a table for each tuple that touches it. */
function looseSum(sum: SumState, elements: readonly number[]): Node {
  const { l, list, owner } = sum;
  const variable = new Map(elements.map((e, k) => [e, k]));
  const sizes = elements.map((e) => list[owner[e]].count);
  const tables: Table[] = [];
  sum.factors.forEach((f, k) => {
    const [first] = f.references;
    first.elements.forEach((e, i) => {
      if (!variable.has(e)) return;
      const node = pickRows(l, sum.rows[k], [i]);
      tables.push({ variables: f.references.map((r) => variable.get(r.elements[i]) ?? 0), node });
    });
  });
  if (tables.length > LOOSE_LIMIT) {
    const name = list[owner[elements[0]]].name;
    const reason = `${tables.length} statements link its elements in no chain`;
    fail("discrete_sum_unsupported", undefined, { name, reason });
  }
  return eliminateAll(
    l.g,
    1,
    sizes,
    tables,
    elements.map((e) => list[owner[e]].name),
  );
}
