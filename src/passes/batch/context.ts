/** What the rules of batching see. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";

/** What rules ask: operands as they are, or for all items; `size` items. */
export interface BatchContext {
  readonly g: GraphBuilder;
  readonly size: number;
  /** The operand, with the new axis where `isBatched`. */
  readonly at: (old: Node) => Node;
  /** The operand for all items, repeated where it does not depend on the item. */
  readonly all: (old: Node) => Node;
  readonly isBatched: (old: Node) => boolean;
}
