/** What every Hamiltonian sampler's kernel module holds beside the model's functions. */
import type { Buffer, KernelFunction } from "../../kernel/ir.js";
import { probeFunction, refreshFunction } from "./integrator.js";
import { momentumFunction } from "./metric.js";
import { normalRetryFunction, normalsFunction } from "./normal.js";
import { philoxFunction } from "./random.js";
import { type HamiltonianShape, hamiltonianBuffers } from "./shape.js";

/** Buffers and functions (momentum draws, the step-size probe) that the samplers share. */
export function hamiltonianKernels(shape: HamiltonianShape): {
  readonly buffers: readonly Buffer[];
  readonly functions: readonly KernelFunction[];
} {
  return {
    buffers: hamiltonianBuffers(shape),
    functions: [
      philoxFunction(),
      normalRetryFunction(),
      normalsFunction(),
      momentumFunction(shape),
      refreshFunction(),
      probeFunction(shape),
    ],
  };
}
