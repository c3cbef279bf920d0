/**
 * The order in which elements are eliminated, and the tree of cliques that it makes: each element
 * with those neighbours that it has left when its turn comes. Greedy by the size of the clique's
 * table (Koller & Friedman 2009, section 9.4.3); chains and trees get their optimal order.
 */
import { fail } from "../../base/diagnostic.js";
import type { FactorGraph } from "../logjoint/discrete/layout.js";
import { CostHeap } from "./heap.js";

/** No clique's table may have more numbers than this. */
export const CLIQUE_LIMIT = 1 << 24;

/** A table added into a clique: `data[offset + Σ index · stride]` over the clique's dims. */
export interface Placed {
  readonly offset: number;
  readonly strides: readonly number[];
}

export interface Clique {
  readonly element: number;
  /** The elements on which it still hangs, in increasing order. */
  readonly others: readonly number[];
  /** Numbers of values: of the others, then of the element. */
  readonly sizes: readonly number[];
  /** Numbers in its message: the product of the others' sizes. */
  readonly rows: number;
  /** Where its message stands among all. */
  readonly messageAt: number;
  readonly factors: readonly (Placed & { readonly factor: number })[];
  /** Messages of cliques before it in the order. */
  readonly messages: readonly (Placed & { readonly from: number })[];
}

export interface EliminationPlan {
  readonly graph: FactorGraph;
  /** In the order of elimination; a clique's message goes to a later one. */
  readonly cliques: readonly Clique[];
  /** Numbers in all messages together. */
  readonly messageLength: number;
  /** Numbers in the largest table. */
  readonly largest: number;
  /** Numbers in all tables together: the cost of one pass. */
  readonly total: number;
}

/**
 * @param name of an element, for messages
 * @throws TildeError `discrete_sum_too_large`
 */
export function planElimination(
  graph: FactorGraph,
  name: (element: number) => string,
): EliminationPlan {
  const { counts } = graph;
  const order = eliminationOrder(graph, name);
  const position = new Int32Array(counts.length);
  order.forEach(({ element }, k) => {
    position[element] = k;
  });

  const factorsOf: { factor: number; tuple: number }[][] = order.map(() => []);
  graph.factors.forEach(({ references, starts }, factor) => {
    for (let tuple = 0; tuple < starts.length; tuple++) {
      const first = Math.min(...references.map((r) => position[r.elements[tuple]]));
      factorsOf[first].push({ factor, tuple });
    }
  });
  const childrenOf: number[][] = order.map(() => []);
  const cliques: Clique[] = [];
  let messageLength = 0;
  let largest = 0;
  let total = 0;
  order.forEach(({ element, others }, k) => {
    const dims = [...others, element];
    const sizes = dims.map((e) => counts[e]);
    const rows = others.reduce((n, e) => n * counts[e], 1);
    const factors = factorsOf[k].map(({ factor, tuple }) => {
      const { references, starts } = graph.factors[factor];
      const strides = dims.map((e) =>
        references.reduce((n, r) => n + (r.elements[tuple] === e ? r.stride : 0), 0),
      );
      return { factor, offset: starts[tuple], strides };
    });
    const messages = childrenOf[k].map((from) => {
      const child = cliques[from];
      const strides = dims.map((e) => strideIn(child, e));
      return { from, offset: child.messageAt, strides };
    });
    cliques.push({ element, others, sizes, rows, messageAt: messageLength, factors, messages });
    messageLength += rows;
    largest = Math.max(largest, rows * counts[element]);
    total += rows * counts[element];
    if (others.length > 0) {
      childrenOf[Math.min(...others.map((e) => position[e]))].push(k);
    }
  });
  return { graph, cliques, messageLength, largest, total };
}

/** The step in a clique's message from one value of an element to the next. */
function strideIn(clique: Clique, element: number): number {
  const at = clique.others.indexOf(element);
  if (at < 0) return 0;
  return clique.sizes.slice(at + 1, clique.others.length).reduce((n, s) => n * s, 1);
}

interface Eliminated {
  readonly element: number;
  readonly others: readonly number[];
}

function eliminationOrder(graph: FactorGraph, name: (element: number) => string): Eliminated[] {
  const { counts } = graph;
  const neighbours = adjacency(graph);
  const cost = (e: number): number => {
    let n = counts[e];
    for (const u of neighbours[e]) n *= counts[u];
    return n;
  };
  // Costs change as neighbours go; entries that are out of date are skipped when they come up.
  const heap = new CostHeap();
  const current = new Float64Array(counts.length);
  const isDone = new Uint8Array(counts.length);
  const enter = (e: number): void => {
    current[e] = cost(e);
    heap.push(current[e], e);
  };
  for (let e = 0; e < counts.length; e++) enter(e);
  const order: Eliminated[] = [];
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) {
    const { item: element } = next;
    if (isDone[element] === 1 || next.cost !== current[element]) continue;
    if (next.cost > CLIQUE_LIMIT) {
      fail("discrete_sum_too_large", undefined, {
        name: name(element),
        cost: next.cost.toExponential(1),
        limit: CLIQUE_LIMIT.toExponential(1),
      });
    }
    isDone[element] = 1;
    const others = [...neighbours[element]].sort((a, b) => a - b);
    order.push({ element, others });
    for (const u of others) {
      neighbours[u].delete(element);
      for (const w of others) if (w !== u) neighbours[u].add(w);
    }
    for (const u of others) enter(u);
  }
  return order;
}

/** For each element those that share a table with it. */
function adjacency({ counts, factors }: FactorGraph): Set<number>[] {
  const neighbours = Array.from(counts, () => new Set<number>());
  for (const { references, starts } of factors) {
    for (let tuple = 0; tuple < starts.length; tuple++) {
      for (const a of references) {
        for (const b of references) {
          const [u, w] = [a.elements[tuple], b.elements[tuple]];
          if (u !== w) neighbours[u].add(w);
        }
      }
    }
  }
  return neighbours;
}
