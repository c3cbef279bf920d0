/**
 * A normal with covariance UUᵀ + diag(s²), U of r columns (Ong, Nott & Smith 2018): φ = (mean, log
 * s, U row by row). The density is by Woodbury's identity, in O(d r²).
 */
import { type Guide, HALF_LOG_2PI } from "./contract.js";

export function lowRank(d: number, rank: number): Guide {
  return {
    params: 2 * d + d * rank,
    noise: d + rank,
    build: (g, phi, frozen, eps) => {
      const columns = (from: typeof phi) =>
        g.reshape(g.slice(from, [2 * d], [d * rank]), [d, rank]);
      const own = g.mul(g.exp(g.slice(phi, [d], [d])), g.slice(eps, [rank], [d]));
      const shared = g.matvec(columns(phi), g.slice(eps, [0], [rank]));
      const z = g.add(g.slice(phi, [0], [d]), g.add(own, shared));
      const logS = g.slice(frozen, [d], [d]);
      const inverse = g.exp(g.neg(logS));
      const r = g.mul(g.sub(z, g.slice(frozen, [0], [d])), inverse);
      const scaled = g.mul(columns(frozen), g.broadcast(inverse, [d, rank], [0]));
      const gram = g.matmul(g.transpose(scaled, [1, 0]), scaled);
      const identity = Float64Array.from({ length: rank * rank }, (_, k) =>
        k % (rank + 1) === 0 ? 1 : 0,
      );
      const l = g.cholesky(g.add(gram, g.constant(identity, [rank, rank])));
      const projected = g.matmul(g.transpose(scaled, [1, 0]), g.reshape(r, [d, 1]));
      const explained = g.triangularSolve(l, projected);
      const squares = g.sub(g.sum(g.square(r)), g.sum(g.square(explained)));
      const diagonal = g.gather(
        g.reshape(l, [rank * rank]),
        g.constant(
          Float64Array.from({ length: rank }, (_, k) => k * (rank + 1)),
          [rank],
          "int",
        ),
        0,
      );
      const logRoot = g.add(g.sum(logS), g.sum(g.log(diagonal)));
      const logDensity = g.sub(g.sub(g.mul(-0.5, squares), logRoot), g.constant(d * HALF_LOG_2PI));
      return { z, logDensity };
    },
    start: ({ center, scale }, rng) => {
      const phi = new Float64Array(2 * d + d * rank);
      phi.set(center);
      phi.set(scale.map(Math.log), d);
      // At zero the columns would have no gradient that tells them apart.
      for (let k = 0; k < d * rank; k++) {
        phi[2 * d + k] = 0.1 * scale[Math.floor(k / rank)] * rng.normal();
      }
      return phi;
    },
  };
}
