/**
 * Sum-product variable elimination in log space, for many isomorphic groups of variables at once.
 * Koller & Friedman, "Probabilistic Graphical Models" (2009), algorithm 9.1; the order is greedy by
 * the size of the table that an elimination makes.
 */
import { fail } from "../../../base/diagnostic.js";
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";

/** Log values of shape `[groups, …sizes of variables]`. */
export interface Table {
  readonly variables: readonly number[];
  readonly node: Node;
}

/** No table may have more numbers than this (128 MiB of f64), or than the largest that is given. */
export const TABLE_LIMIT = 1 << 24;

/**
 * log Σ over all variables of exp Σ tables, for each group: shape `[groups]`.
 * @param names of the variables' sites, for the message where a table would be too large
 */
export function eliminateAll(
  g: GraphBuilder,
  groups: number,
  sizes: readonly number[],
  tables: readonly Table[],
  names: readonly string[],
): Node {
  let current = [...tables];
  const left = new Set(sizes.keys());
  const given = tables.map(({ variables }) => variables.reduce((n, v) => n * sizes[v], groups));
  const limit = Math.max(TABLE_LIMIT, ...given);
  while (left.size > 0) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const v of left) {
      const cost = neighbours(current, v).reduce((n, u) => n * sizes[u], groups * sizes[v]);
      if (cost < least) {
        least = cost;
        best = v;
      }
    }
    if (least > limit) {
      fail("discrete_sum_too_large", undefined, {
        name: names[best],
        cost: least.toExponential(1),
        limit: limit.toExponential(1),
      });
    }
    current = eliminate(g, groups, sizes, current, best);
    left.delete(best);
  }
  return current.reduce<Node>((sum, t) => g.add(sum, t.node), g.zeros([groups]));
}

/** The other variables that share a table with `v`, in increasing order. */
function neighbours(tables: readonly Table[], v: number): number[] {
  const found = new Set<number>();
  for (const t of tables) {
    if (!t.variables.includes(v)) continue;
    for (const u of t.variables) if (u !== v) found.add(u);
  }
  return [...found].sort((a, b) => a - b);
}

function eliminate(
  g: GraphBuilder,
  groups: number,
  sizes: readonly number[],
  tables: readonly Table[],
  v: number,
): Table[] {
  const kept = tables.filter((t) => !t.variables.includes(v));
  const used = tables.filter((t) => t.variables.includes(v));
  const others = neighbours(tables, v);
  const order = [...others, v];
  const shape = [groups, ...order.map((u) => sizes[u])];
  const whole = used
    .map((t) => spreadTable(g, t, order, shape))
    .reduce<Node>((sum, n) => g.add(sum, n), g.zeros(shape));
  return [...kept, { variables: others, node: g.logsumexp(whole, [order.length]) }];
}

/** A table over the variables `order` (a superset of its own). */
function spreadTable(
  g: GraphBuilder,
  table: Table,
  order: readonly number[],
  shape: readonly number[],
): Node {
  const places = table.variables.map((u) => order.indexOf(u));
  const sorted = places.map((_, k) => k).sort((a, b) => places[a] - places[b]);
  const node = g.transpose(table.node, [0, ...sorted.map((k) => k + 1)]);
  return g.broadcast(node, shape, [0, ...sorted.map((k) => places[k] + 1)]);
}
