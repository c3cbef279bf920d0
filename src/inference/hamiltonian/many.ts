/** Densities of many chains at once, as tensor graphs: what the samplers' loops on devices share. */
import { internalError } from "../../base/internal.js";
import { batch } from "../../passes/batch/index.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Graph, Node } from "../../tensor/ops.js";

/**
 * Densities and gradients at `at`, `[chains, dimension]`.
 * @param density outputs `lp` and `grad` of its one input
 */
export function densitiesAt(
  g: SimplifyingBuilder,
  density: Graph,
  at: Node,
): { readonly lp: Node; readonly grad: Node } {
  const [q] = density.inputs;
  const outputOf = (name: string): Node =>
    density.outputs.find((o) => o.name === name)?.node ?? internalError(`no output ${name}`);
  const outputs = [outputOf("lp"), outputOf("grad")];
  const [lp, grad] = batch(g, outputs, at.shape[0], new Map([[q, at]]));
  return { lp, grad };
}

/** Density and gradient of all chains: input `q` `[chains, d]`, outputs `lp` and `grad`. */
export function manyDensities(density: Graph, chains: number): Graph {
  const [q] = density.inputs;
  const g = new SimplifyingBuilder();
  const all = g.input("q", [chains, ...q.shape]);
  const { lp, grad } = densitiesAt(g, density, all);
  return simplify({
    inputs: [all],
    outputs: [
      { name: "lp", node: lp },
      { name: "grad", node: grad },
    ],
  });
}
