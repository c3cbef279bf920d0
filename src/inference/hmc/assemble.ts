/** Static HMC as a kernel module, from its parts. */
import type { KernelModule } from "../../kernel/ir.js";
import { blockFunction } from "../hamiltonian/block.js";
import { hamiltonianKernels } from "../hamiltonian/index.js";
import { f64Buffer, hamiltonianShape, type MetricKind } from "../hamiltonian/shape.js";
import { PATH_LENGTH, transitionFunction } from "./transition.js";

/**
 * The model's kernels with HMC added: `hmc_transition(iteration)` and
 * `hmc_block(first, count, thin)`, which read their path from `hmc_path` and the rest from the
 * buffers of hamiltonian/shape.ts.
 */
export function withHmc(model: KernelModule, metric: MetricKind): KernelModule {
  const shape = hamiltonianShape(model, metric);
  const shared = hamiltonianKernels(shape);
  return {
    buffers: [...model.buffers, ...shared.buffers, f64Buffer("hmc_path", PATH_LENGTH)],
    functions: [
      ...model.functions,
      ...shared.functions,
      transitionFunction(shape),
      blockFunction(shape, "hmc_block", "hmc_transition"),
    ],
  };
}
