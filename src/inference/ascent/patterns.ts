/**
 * The discrete part of an expected joint. Factors that read the same elements add up to one table;
 * the log of the sum over all assignments is a graph over these tables, whose gradient is the
 * expected counts: marginals of single elements, of neighbours in a chain, of cliques. So the
 * messages backward are derived, not written (Darwiche 2003; Eisner 2016), and compiled.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { ExpectedJoint } from "../expectation/contract.js";
import type { Axis } from "../logjoint/context.js";
import type { Factor as TableFactor } from "../logjoint/discrete/factors.js";
import { type DiscreteSite, type SumPlan, sumOut } from "../logjoint/discrete/index.js";
import type { FactorGraph } from "../logjoint/discrete/layout.js";
import type { Reference } from "../logjoint/discrete/references.js";

/** All factors that read one list of elements, tuple by tuple. */
export interface Pattern {
  readonly references: readonly Reference[];
  readonly tuples: number;
  /** Whether one table serves every tuple; then `table` has no axis of tuples. */
  readonly shared: boolean;
  /** Expected log table, `[tuples?, …values of the references]`. */
  readonly table: Node;
}

export const sizeOfSites = (sites: readonly DiscreteSite[]): number =>
  sites.reduce((n, s) => n + elementsOf(s), 0);
export const elementsOf = (site: DiscreteSite): number => site.dims.reduce((n, d) => n * d, 1);

/** The discrete sites that the factors read, in the order of their numbering. */
export function sitesRead(joint: ExpectedJoint): DiscreteSite[] {
  const found = new Set(joint.factors.flatMap((f) => f.references.map((r) => r.site)));
  return [...found].sort((a, b) => a.offset - b.offset);
}

export function patternsOf(joint: ExpectedJoint): Pattern[] {
  const { g } = joint;
  const found: Pattern[] = [];
  for (const { references, rows } of joint.factors) {
    const [tuples, ...sizes] = rows.shape;
    const inner = withoutTuples(g, rows);
    const shared = inner !== undefined && tuples > 1;
    const table = shared ? inner : rows;
    const at = found.findIndex(
      (p) => p.shared === shared && sameElements(p.references, references),
    );
    if (at < 0) found.push({ references, tuples, shared, table });
    else {
      const sum = g.add(found[at].table, g.reshape(table, shared ? sizes : [tuples, ...sizes]));
      found[at] = { ...found[at], table: sum };
    }
  }
  return found;
}

/** The table that all rows repeat, where they visibly do. */
function withoutTuples(g: GraphBuilder, rows: Node): Node | undefined {
  const [, ...sizes] = rows.shape;
  if (rows.op !== "broadcast" || rows.axes.includes(0)) return undefined;
  return g.broadcast(
    rows.x,
    sizes,
    rows.axes.map((a) => a - 1),
  );
}

function sameElements(a: readonly Reference[], b: readonly Reference[]): boolean {
  return (
    a.length === b.length &&
    a.every((r, k) => {
      const other = b[k];
      if (r.site !== other.site || r.elements.length !== other.elements.length) return false;
      return r.elements === other.elements || r.elements.every((e, i) => e === other.elements[i]);
    })
  );
}

/**
 * log Σ over all assignments of exp Σ tables, rank 0, in a builder that holds the tables.
 * @param unary further log weights of each site's elements, `[elements, K]`, by site
 * @throws TildeError where the elements hang together in a way whose sum is too large
 */
export function logSum(
  g: GraphBuilder,
  sites: readonly DiscreteSite[],
  patterns: readonly Pattern[],
  tables: readonly Node[],
  unary: readonly Node[] = [],
): { readonly total: Node; readonly plan: SumPlan } {
  const factors = patterns.map(({ references, tuples, shared }, k): TableFactor => {
    const loop: Axis = { name: "tuples", size: tuples };
    const own = references.map((r, slot): Axis => ({ name: `value ${slot}`, size: r.axis.size }));
    const named = references.map((r, slot) => ({ ...r, axis: own[slot] }));
    const axes = shared ? own : [loop, ...own];
    return {
      label: `table ${k}`,
      references: named,
      loops: [loop],
      table: { node: tables[k], axes },
    };
  });
  unary.forEach((node, k) => {
    const site = sites[k];
    const n = elementsOf(site);
    const axis: Axis = { name: "value", size: site.count };
    const elements = new Float64Array(n);
    for (let i = 0; i < n; i++) elements[i] = site.offset + i;
    const loop: Axis = { name: "elements", size: n };
    factors.push({
      label: site.name,
      references: [{ site, axis, elements }],
      loops: [loop],
      table: { node, axes: [loop, axis] },
    });
  });
  // Offsets count all discrete elements; sites that nothing reads have none here.
  const byName = new Map(sites.map((s) => [s.name, s]));
  return sumOut({ g }, byName, factors);
}

/** The tables as numbers, for draws: where each tuple's values stand in its pattern's table. */
export function factorGraph(
  sites: readonly DiscreteSite[],
  patterns: readonly Pattern[],
): FactorGraph {
  const counts = new Int32Array(sizeOfSites(sites));
  for (const s of sites) counts.fill(s.count, s.offset, s.offset + elementsOf(s));
  const factors = patterns.map(({ references, tuples, shared }, k) => {
    const sizes = references.map((r) => r.axis.size);
    const width = sizes.reduce((n, d) => n * d, 1);
    const starts = Int32Array.from({ length: tuples }, (_, i) => (shared ? 0 : i * width));
    return {
      label: `table ${k}`,
      size: shared ? width : tuples * width,
      starts,
      references: references.map((r, slot) => ({
        elements: r.elements,
        stride: sizes.slice(slot + 1).reduce((n, d) => n * d, 1),
      })),
    };
  });
  return { counts, factors };
}
