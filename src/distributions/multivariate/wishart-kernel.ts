/** Traces and draws that Wishart and InverseWishart share. */

import type { RandomStream } from "../../math/rng/random.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, Shape } from "../../tensor/ops.js";
import { isShared, spread, sumEvent } from "../shared/batch.js";

/**
 * tr((L L')⁻¹ M M') = |L⁻¹ M|² for lower factors L and M of shape `[D, D]` or `batch ++ [D, D]`;
 * shape of their batch.
 */
export function traceOfRatio(g: GraphBuilder, l: Node, m: Node, batch: Shape): Node {
  const right = isShared(l, 2) ? m : spread(g, m, 2, batch);
  return sumEvent(g, g.square(g.triangularSolve(l, right)), 2);
}

/** `value`, or −∞ where the factor of x met a matrix that is not positive definite. */
export function whereDefinite(g: GraphBuilder, factor: Node, value: Node): Node {
  const probe = sumEvent(g, factor, 2);
  return g.select(g.eq(probe, probe), value, -Infinity);
}

/**
 * Bartlett's factor A of a standard Wishart draw A A' (Smith and Hocking, 1972): normals below
 * the diagonal, A[i, i]² chi-squared with ν − i degrees of freedom.
 */
export function bartlettFactor(rng: RandomStream, nu: number, n: number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) a[i * n + j] = rng.normal();
    a[i * n + i] = Math.sqrt(rng.chiSquared(nu - i));
  }
  return a;
}

/** B B' of a square matrix, symmetric to the last bit. */
export function gram(b: Float64Array, n: number): Float64Array {
  const x = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += b[i * n + k] * b[j * n + k];
      x[i * n + j] = sum;
      x[j * n + i] = sum;
    }
  }
  return x;
}
