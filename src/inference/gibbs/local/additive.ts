/**
 * A sum of terms as a list of arrays whose entries are summed, without what does not change: the
 * density of one element is then a sum over few entries.
 */

import { uniformValue } from "../../../tensor/elementwise-builder.js";
import type { Node } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";

/** The entries of `node`, summed and times `weight`. */
export interface Part {
  readonly node: Node;
  readonly weight: number;
}

/**
 * Parts whose weighted sums of entries add up to Σ terms, up to what does not depend on `moving`
 * nodes. Sums leave through sums, signs, constant factors and changes of shape.
 */
export function additiveParts(terms: readonly Node[], moving: ReadonlySet<Node>): Part[] {
  const weights = new Map<Node, number>();
  const stack: Part[] = terms.map((node) => ({ node, weight: 1 })).reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, weight } = top;
    if (!moving.has(node)) continue;
    const inner = opened(node, weight);
    if (inner === undefined) weights.set(node, (weights.get(node) ?? 0) + weight);
    else stack.push(...inner);
  }
  return [...weights].map(([node, weight]) => ({ node, weight }));
}

/** The parts of one part; undefined where it is a single array. */
function opened(n: Node, weight: number): Part[] | undefined {
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
