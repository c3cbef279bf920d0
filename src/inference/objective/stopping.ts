/**
 * A builder for graphs with constants of the gradient. `stopGradient(x)` is an input of its own
 * until gradients have been taken; then `x` takes its place. Nothing that differentiates needs to
 * know of it.
 */
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { inputsOf, substitute } from "../../tensor/transform.js";

export class StoppingBuilder extends GraphBuilder {
  readonly #stops = new Map<Node, InputNode>();
  readonly #places = new Map<InputNode, Node>();

  override stopGradient(x: Node): Node {
    if (x.op === "const" || x.dtype !== "real") return x;
    let stop = this.#stops.get(x);
    if (stop === undefined) {
      stop = this.input(`stop#${this.#stops.size}`, x.shape);
      this.#stops.set(x, stop);
    }
    return stop;
  }

  /** From here on the input stands for `node`, until `resolve` puts that in its place. */
  override stand(input: InputNode, node: Node): void {
    this.#places.set(input, node);
  }

  /** The nodes with every stop and every stand-in replaced by what it stands for. */
  resolve(nodes: readonly Node[]): Node[] {
    const table = new Map<Node, Node>(this.#places);
    for (const [x, stop] of this.#stops) table.set(stop, x);
    // What a stop stands for may hold others; as nodes are made of earlier ones, this ends.
    let resolved = [...nodes];
    while (inputsOf(resolved).some((n) => table.has(n))) {
      resolved = substitute(this, resolved, table);
    }
    return resolved;
  }
}
