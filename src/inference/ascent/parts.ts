/** Long sums in parts, which the host adds up in f64. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";

/** Rows whose parts of a long sum are added up on the device. */
const PART = 1024;

/** Numbers that add up to `total`, those of long sums in blocks: `[parts]`. */
export function inParts(g: GraphBuilder, total: Node): Node {
  const found: Node[] = [];
  const split = (n: Node): void => {
    if (n.op === "binary" && n.fn === "add") {
      split(n.x);
      split(n.y);
      return;
    }
    const isSum = n.op === "reduce" && n.fn === "sum" && sizeOf(n.x.shape) > PART;
    if (!isSum) {
      found.push(g.reshape(n, [1]));
      return;
    }
    const length = sizeOf(n.x.shape);
    const blocks = Math.floor(length / PART);
    const flat = g.reshape(n.x, [length]);
    const main = g.slice(flat, [0], [blocks * PART]);
    found.push(g.sum(g.reshape(main, [blocks, PART]), [1]));
    if (length > blocks * PART) {
      const rest = g.slice(flat, [blocks * PART], [length - blocks * PART]);
      found.push(g.reshape(g.sum(rest), [1]));
    }
  };
  split(total);
  return found.length === 1 ? found[0] : g.concat(found, 0);
}
