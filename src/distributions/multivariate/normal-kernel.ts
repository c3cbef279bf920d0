/** What MvNormal and MvStudentT share: the Mahalanobis distance and draws of a scale matrix. */

import { internalError } from "../../base/internal.js";
import { cholesky, triangularSolve } from "../../math/linalg/index.js";
import type { RandomStream } from "../../math/rng/random.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, Shape } from "../../tensor/ops.js";
import type { HostArgs, NodeArgs } from "../contract.js";
import { spread, squaredProduct, squaredSolve, sumLogDiagonal } from "../shared/batch.js";
import { arg, array } from "../shared/spec.js";

/**
 * d' Σ⁻¹ d for each row d = x − μ (shape `batch`), and log √det Σ (of the shape of Σ's batch). A
 * shared matrix is factorised once; a precision matrix is never inverted.
 */
export function mahalanobis(
  g: GraphBuilder,
  x: Node,
  args: NodeArgs,
  batch: Shape,
): { readonly squared: Node; readonly logScale: Node } {
  const d = g.sub(x, spread(g, arg(args, "mu"), 1, batch));
  if (args.precision !== undefined) {
    const root = g.cholesky(args.precision);
    return {
      squared: squaredProduct(g, root, d, batch),
      logScale: g.neg(sumLogDiagonal(g, root)),
    };
  }
  const l = args.cholesky ?? g.cholesky(arg(args, "cov"));
  return { squared: squaredSolve(g, l, d, batch), logScale: sumLogDiagonal(g, l) };
}

/** Lower Cholesky factor of an argument that must be positive definite. */
export function factor(m: Float64Array, n: number, what: string): Float64Array {
  return cholesky(m, n) ?? internalError(`a draw with ${what} not positive definite`);
}

/** One draw of a centred normal vector with the covariance that the arguments give. */
export function centredNormal(rng: RandomStream, args: HostArgs, n: number): Float64Array {
  const z = Float64Array.from({ length: n }, () => rng.normal());
  if (args.precision !== undefined) {
    const root = factor(array(args, "precision"), n, "precision");
    return triangularSolve(root, z, n, 1, "lower-transposed");
  }
  const l =
    args.cholesky === undefined ? factor(array(args, "cov"), n, "cov") : array(args, "cholesky");
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) x[i] += l[i * n + j] * z[j];
  return x;
}
