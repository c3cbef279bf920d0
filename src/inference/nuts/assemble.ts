/** NUTS as a kernel module, from its parts. */
import { internalError } from "../../base/internal.js";
import type { KernelModule } from "../../kernel/ir.js";
import { blockFunction } from "../hamiltonian/block.js";
import { hamiltonianKernels } from "../hamiltonian/index.js";
import { f64Buffer, hamiltonianShape, i32Buffer, type MetricKind } from "../hamiltonian/shape.js";
import { extendFunction, HALF_LENGTH, mergeFunction } from "./trajectory.js";
import { transitionFunction } from "./transition.js";
import { DEEPEST_TREE, joinFunction, pairFunction, treeBuffers, treeSlots } from "./tree.js";

/**
 * The model's kernels with NUTS added: `nuts_transition(iteration)` and
 * `nuts_block(first, count, thin)`, which read the step size, metric, key and tree depth from
 * their buffers (see hamiltonian/shape.ts; `nuts_depth` holds the largest tree depth, 1 to
 * `maxDepth`). The model must export nothing but have functions `lp_grad` and `constrain`.
 */
export function withNuts(model: KernelModule, metric: MetricKind, maxDepth: number): KernelModule {
  if (!(maxDepth >= 1 && maxDepth <= DEEPEST_TREE)) internalError(`tree depth ${maxDepth}`);
  const shape = hamiltonianShape(model, metric);
  const slots = treeSlots(shape, maxDepth);
  const shared = hamiltonianKernels(shape);
  return {
    buffers: [
      ...model.buffers,
      ...shared.buffers,
      ...treeBuffers(shape, maxDepth),
      f64Buffer("nuts_half", HALF_LENGTH),
      i32Buffer("nuts_depth", 1),
    ],
    functions: [
      ...model.functions,
      ...shared.functions,
      pairFunction(shape),
      joinFunction(shape),
      mergeFunction(slots),
      extendFunction(shape, slots),
      transitionFunction(shape, slots),
      blockFunction(shape, "nuts_block", "nuts_transition"),
    ],
  };
}
