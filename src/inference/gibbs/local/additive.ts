/**
 * A sum of terms as a list of arrays whose entries are summed, without what does not change: the
 * density of one element is then a sum over few entries.
 */

import type { GraphBuilder } from "../../../tensor/builder.js";
import { uniformValue } from "../../../tensor/elementwise-builder.js";
import type { Node } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { dependents, topological } from "../../../tensor/traverse.js";

/** The entries of `node`, summed and times `weight`. */
export interface Part {
  readonly node: Node;
  readonly weight: number;
}

/**
 * Parts whose weighted sums of entries add up to Σ terms, up to what does not depend on `source`.
 * Sums leave through sums, signs, constant factors, supports and changes of shape.
 * @param g the terms' builder, or one that holds them
 */
export function additiveParts(g: GraphBuilder, terms: readonly Node[], source: Node): Part[] {
  const moving = dependents(topological(terms), [source]);
  const weights = new Map<Node, number>();
  const stack: Part[] = terms.map((node) => ({ node, weight: 1 })).reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, weight } = top;
    if (!moving.has(node)) continue;
    const inner = opened(g, node, weight, moving);
    if (inner === undefined) weights.set(node, (weights.get(node) ?? 0) + weight);
    else stack.push(...inner);
  }
  return [...weights].map(([node, weight]) => ({ node, weight }));
}

/** The parts of one part; undefined where it is a single array. */
function opened(g: GraphBuilder, n: Node, weight: number, moving: Set<Node>): Part[] | undefined {
  switch (n.op) {
    case "binary": {
      if (n.fn === "add" || n.fn === "sub") {
        const sign = n.fn === "add" ? 1 : -1;
        return [
          { node: n.x, weight },
          { node: n.y, weight: sign * weight },
        ];
      }
      const [x, y] = [uniformValue(n.x), uniformValue(n.y)];
      if (n.fn === "mul" && isFactor(x)) return [{ node: n.y, weight: weight * x }];
      if (n.fn === "mul" && isFactor(y)) return [{ node: n.x, weight: weight * y }];
      return undefined;
    }
    case "ternary": {
      // −∞ outside of a support: the density inside, and a guard. Where the guard is −∞ the rest may
      // be any number, or NaN, which both mean that there is no density.
      if (n.fn !== "select" || uniformValue(n.z) !== -Infinity || !(weight > 0)) return undefined;
      if (uniformValue(n.y) === 0) return undefined;
      const guard = g.select(n.x, g.zeros(n.shape), n.z);
      // The builder may have made several nodes of it.
      for (const made of dependents(topological([guard]), moving)) moving.add(made);
      return [
        { node: guard, weight },
        { node: n.y, weight },
      ];
    }
    case "unary":
      return n.fn === "neg" ? [{ node: n.x, weight: -weight }] : undefined;
    case "reduce":
      return n.fn === "sum" ? [{ node: n.x, weight }] : undefined;
    case "reshape":
    case "transpose":
    case "pad":
      return [{ node: n.x, weight }];
    case "broadcast":
      return [{ node: n.x, weight: (weight * sizeOf(n.shape)) / sizeOf(n.x.shape) }];
    case "concat":
      return n.xs.map((node) => ({ node, weight }));
    default:
      return undefined;
  }
}

const isFactor = (x: number | undefined): x is number => x !== undefined && Number.isFinite(x);
