/**
 * A builder for graphs with constants of the gradient. `stopGradient(x)` is an input of its own
 * until gradients have been taken; then `x` takes its place. Nothing that differentiates needs to
 * know of it.
 */
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { substitute } from "../../tensor/transform.js";

export class StoppingBuilder extends GraphBuilder {
  readonly #stops = new Map<Node, InputNode>();

  override stopGradient(x: Node): Node {
    if (x.op === "const" || x.dtype !== "real") return x;
    let stop = this.#stops.get(x);
    if (stop === undefined) {
      stop = this.input(`stop#${this.#stops.size}`, x.shape);
      this.#stops.set(x, stop);
    }
    return stop;
  }

  /** The nodes with every stop replaced by what it stands for. */
  resolve(nodes: readonly Node[]): Node[] {
    const values = new Map<Node, Node>();
    // A stop stands for nodes that were made before it: those hold earlier stops only.
    for (const [x, stop] of [...this.#stops]) {
      const [value] = substitute(this, [x], values);
      values.set(stop, value);
    }
    return substitute(this, nodes, values);
  }
}
