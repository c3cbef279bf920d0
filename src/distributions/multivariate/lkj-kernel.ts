/** Normaliser and draws of the LKJ distribution, on matrices and on their factors. */

import type { RandomStream } from "../../math/rng/random.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { LOG_PI } from "../shared/logs.js";

/**
 * log ∫ det(R)^{η−1} dR over correlation matrices of side D, by Lewandowski, Kurowicka and Joe,
 * "Generating random correlation matrices based on vines and extended onion method" (2009), in
 * the form of Stan's reference: Σ_{k=1}^{D−1} (k/2 log π + lgamma(η + (D−1−k)/2)) −
 * (D − 1) lgamma(η + (D−1)/2). Of the shape of η.
 */
export function logLkjNormaliser(g: GraphBuilder, eta: Node, size: number): Node {
  let sum: Node = g.constant((size * (size - 1) * LOG_PI) / 4);
  for (let k = 1; k < size; k++) sum = g.add(sum, g.lgamma(g.add(eta, (size - 1 - k) / 2)));
  return g.sub(sum, g.mul(g.lgamma(g.add(eta, (size - 1) / 2)), size - 1));
}

/**
 * The lower Cholesky factor of a draw, row by row (the onion method, section 3.2 there): row i is
 * a uniform direction of squared length y ~ Beta(i/2, η + (D−1−i)/2), and √(1 − y).
 */
export function lkjFactor(rng: RandomStream, eta: number, size: number): Float64Array {
  const l = new Float64Array(size * size);
  l[0] = 1;
  for (let i = 1; i < size; i++) {
    const logit = rng.logitBeta(i / 2, eta + (size - 1 - i) / 2);
    const direction = Float64Array.from({ length: i }, () => rng.normal());
    const norm = Math.sqrt(direction.reduce((sum, v) => sum + v * v, 0));
    const length = Math.sqrt(1 / (1 + Math.exp(-logit)));
    for (let j = 0; j < i; j++) l[i * size + j] = (direction[j] / norm) * length;
    l[i * size + i] = Math.sqrt(1 / (1 + Math.exp(logit)));
  }
  return l;
}
