/** Observations that read discrete sites which are summed out: sums with each of them and without. */
import { planElimination } from "../../inference/enumerate/plan.js";
import { Propagation } from "../../inference/enumerate/propagate.js";
import type { FactorGraph, TableLayout } from "../../inference/logjoint/discrete/layout.js";
import type { ObservedFactor } from "./pointwise.js";

/** Elements that hang together, and the tables over them. */
interface Group {
  readonly propagation: Propagation;
  readonly tables: readonly Float64Array[];
  /** Live rows of tables that are observations, with the unit's number. */
  readonly units: { readonly unit: number; readonly row: Float64Array }[];
}

export class Dependent {
  readonly #groups: readonly Group[];
  readonly #values: Float64Array;

  /** @param tables the live numbers of the factors' `rows` */
  constructor(
    counts: Int32Array,
    factors: readonly ObservedFactor[],
    tables: readonly Float64Array[],
  ) {
    const units = new Map<string, number>();
    factors.forEach(({ units: own }, f) => {
      for (const { at } of own) units.set(`${f} ${at}`, units.size);
    });
    this.#values = new Float64Array(units.size);
    this.#groups = groupsOf(counts, factors, tables, units);
  }

  /** Calls back with the log density of each unit, in order, at the numbers of the tables now. */
  read(visit: (logDensity: number) => void): void {
    for (const { propagation, tables, units } of this.#groups) {
      propagation.setTables(tables);
      const all = propagation.logSum();
      for (const { unit, row } of units) {
        const before = row.slice();
        row.fill(0);
        propagation.setTables(tables);
        this.#values[unit] = all - propagation.logSum();
        row.set(before);
      }
    }
    for (const value of this.#values) visit(value);
  }
}

function groupsOf(
  counts: Int32Array,
  factors: readonly ObservedFactor[],
  tables: readonly Float64Array[],
  units: ReadonlyMap<string, number>,
): Group[] {
  const root = rootsOf(counts.length, factors);
  const members = new Map<number, number[]>();
  const place = new Int32Array(counts.length);
  for (let e = 0; e < counts.length; e++) {
    const list = members.get(root(e)) ?? [];
    place[e] = list.length;
    list.push(e);
    members.set(root(e), list);
  }
  /** The tuples of each factor in each group. */
  const tuplesOf = new Map<number, Map<number, number[]>>();
  factors.forEach(({ factor, rows }, f) => {
    for (let t = 0; t < rows.shape[0]; t++) {
      const group = root(factor.references[0].elements[t]);
      const byFactor = tuplesOf.get(group) ?? new Map<number, number[]>();
      const tuples = byFactor.get(f) ?? [];
      tuples.push(t);
      byFactor.set(f, tuples);
      tuplesOf.set(group, byFactor);
    }
  });
  const groups: Group[] = [];
  for (const [group, byFactor] of tuplesOf) {
    const elements = members.get(group) ?? [];
    const own: Group["units"] = [];
    const layouts: TableLayout[] = [];
    for (const [f, tuples] of byFactor) {
      const { factor, rows } = factors[f];
      const size = rows.shape.slice(1).reduce((n, d) => n * d, 1);
      let step = size;
      const references = factor.references.map((r, k) => {
        step /= rows.shape[k + 1];
        const read = Float64Array.from(tuples, (t) => place[r.elements[t]]);
        return { elements: read, stride: step };
      });
      const starts = Int32Array.from(tuples, (t) => t * size);
      layouts.push({ label: factor.label, size: size * rows.shape[0], starts, references });
      for (const t of tuples) {
        const unit = units.get(`${f} ${t}`);
        if (unit !== undefined)
          own.push({ unit, row: tables[f].subarray(t * size, (t + 1) * size) });
      }
    }
    if (own.length === 0) continue;
    const graph: FactorGraph = {
      counts: Int32Array.from(elements, (e) => counts[e]),
      factors: layouts,
    };
    groups.push({
      propagation: new Propagation(planElimination(graph, String)),
      tables: [...byFactor.keys()].map((f) => tables[f]),
      units: own,
    });
  }
  return groups;
}

/** The representative of each element among those that it hangs together with. */
function rootsOf(count: number, factors: readonly ObservedFactor[]): (element: number) => number {
  const parent = Int32Array.from({ length: count }, (_, e) => e);
  const root = (element: number): number => {
    let e = element;
    while (parent[e] !== e) {
      parent[e] = parent[parent[e]];
      e = parent[e];
    }
    return e;
  };
  for (const { factor, rows } of factors) {
    const [first, ...others] = factor.references;
    for (let t = 0; t < rows.shape[0]; t++) {
      for (const r of others) parent[root(r.elements[t])] = root(first.elements[t]);
    }
  }
  return root;
}
