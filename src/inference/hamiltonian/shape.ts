/**
 * Buffers shared by the samplers that move by Hamiltonian dynamics, all in the workspace of one
 * chain. The model's own, which its kernel module declares, are `q` (the unconstrained position),
 * `grad` (the gradient of its log density there) and `constrained` (what `constrain` makes of q).
 */
import { internalError } from "../../base/internal.js";
import type { Buffer, KernelModule } from "../../kernel/ir.js";
import { zigguratBuffers } from "./normal.js";

export type MetricKind = "diag" | "dense";

export interface HamiltonianShape {
  /** Length of q. */
  readonly dimension: number;
  /** Length of `constrained`. */
  readonly constrained: number;
  readonly metric: MetricKind;
  /** Draws that fit into the block buffers. */
  readonly blockDraws: number;
}

/** Per-draw statistics, in the order of the `mc_stats` and `block_stats` buffers. */
export const STATISTICS = [
  "lp",
  "accept_stat",
  "stepsize",
  "treedepth",
  "n_leapfrog",
  "divergent",
  "energy",
] as const;
export type Statistic = (typeof STATISTICS)[number];
export const STATISTIC_COUNT = STATISTICS.length;

/** The draws of a block take at most this much memory, so that blocks stay in cache. */
const BLOCK_BYTES = 1 << 16;
const MAX_BLOCK_DRAWS = 64;

/** The shape of a model's kernels under a metric; lacking buffers are an internal error. */
export function hamiltonianShape(model: KernelModule, metric: MetricKind): HamiltonianShape {
  const lengthOf = (name: string): number =>
    model.buffers.find((b) => b.name === name && b.element === "f64")?.length ??
    internalError(`the model's kernels have no f64 buffer ${name}`);
  const constrained = lengthOf("constrained");
  const fitting = Math.floor(BLOCK_BYTES / (8 * Math.max(constrained, 1)));
  const blockDraws = Math.max(1, Math.min(MAX_BLOCK_DRAWS, fitting));
  if (lengthOf("grad") !== lengthOf("q")) internalError("q and grad differ in length");
  return { dimension: lengthOf("q"), constrained, metric, blockDraws };
}

/** Elements from one vector to the next in buffers of many: even, to keep 16-byte alignment. */
export function vectorStride({ dimension }: HamiltonianShape): number {
  return dimension + (dimension % 2);
}

export function f64Buffer(name: string, length: number): Buffer {
  return { name, element: "f64", length, region: "workspace" };
}
export function i32Buffer(name: string, length: number): Buffer {
  return { name, element: "i32", length, region: "workspace" };
}

/**
 * - `mc_key` the two words of the seed's key, low first, and the chain's number
 * - `mc_epsilon` the step size
 * - `mc_gradients` leapfrog steps of all transitions so far
 * - `mc_lp` the log density at q, which the transitions keep together with `grad`
 * - `mc_inverse` the inverse metric: its diagonal, or the whole symmetric matrix
 * - `mc_factor` 1/√ of the diagonal, or the lower Cholesky factor of the inverse metric
 * - `p` the momentum (one element more where d is odd: normals are drawn in pairs); `p_sharp` the velocity M⁻¹p (dense metric only)
 * - `mc_words` two blocks of random words
 * - `cand_q`, `cand_grad` two saved points (a sample and a proposal)
 */
export function hamiltonianBuffers(shape: HamiltonianShape): readonly Buffer[] {
  const { dimension: d, constrained, metric, blockDraws } = shape;
  const stride = vectorStride(shape);
  const square = metric === "dense" ? d * d : d;
  return [
    i32Buffer("mc_key", 3),
    f64Buffer("mc_epsilon", 1),
    f64Buffer("mc_gradients", 1),
    f64Buffer("mc_lp", 1),
    f64Buffer("mc_inverse", square),
    f64Buffer("mc_factor", square),
    f64Buffer("p", stride),
    ...(metric === "dense" ? [f64Buffer("p_sharp", d)] : []),
    i32Buffer("mc_words", 8),
    ...zigguratBuffers(),
    f64Buffer("cand_q", 2 * stride),
    f64Buffer("cand_grad", 2 * stride),
    f64Buffer("mc_stats", STATISTIC_COUNT),
    f64Buffer("block_draws", blockDraws * constrained),
    f64Buffer("block_stats", blockDraws * STATISTIC_COUNT),
  ];
}
