/**
 * Whether what an objective returns is linear in the densities that it evaluates, such as the ELBO:
 * then its expectation is a sum over statements, and each site answers for those that depend on it.
 */

import { gradient } from "../../passes/grad/index.js";
import { evaluateNode } from "../../tensor/evaluate.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { inputsOf } from "../../tensor/transform.js";
import type { StoppingBuilder } from "./stopping.js";

/**
 * The constant factors of the evaluations in `value`, each in the evaluation's shape; undefined
 * where `value` is not linear in them.
 * @param places the inputs of `value` that stand for evaluations, by their names
 */
export function linearFactors(
  g: StoppingBuilder,
  value: Node,
  places: ReadonlyMap<string, InputNode>,
): ReadonlyMap<string, Node> | undefined {
  // A stopped density is one that the derivative does not see.
  if (inputsOf([value]).some((n) => n.name.startsWith("stop#"))) return undefined;
  const slopes = gradient(g, value, [...places.values()]);
  if (inputsOf(slopes).length > 0) return undefined;
  return new Map(
    [...places.keys()].map((name, k) => [
      name,
      g.constant(evaluateNode(slopes[k]), slopes[k].shape),
    ]),
  );
}
