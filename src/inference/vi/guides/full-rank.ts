/**
 * A normal with any covariance LLᵀ: φ = (mean, log of the diagonal of L, its lower part row by row).
 */
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";
import { type Guide, HALF_LOG_2PI } from "./contract.js";

export function fullRank(d: number): Guide {
  const below = (d * (d - 1)) / 2;
  // Of each entry of L the place of its parameter behind the means; the zero is the last.
  const places = new Float64Array(d * d).fill(d + below);
  let next = d;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) places[i * d + j] = next++;
    places[i * d + i] = i;
  }
  const factor = (g: GraphBuilder, phi: Node): { l: Node; logDiagonal: Node } => {
    const logDiagonal = g.slice(phi, [d], [d]);
    const entries = [g.exp(logDiagonal), g.slice(phi, [2 * d], [below]), g.zeros([1])];
    const all = g.concat(
      entries.filter((e) => e.shape[0] > 0),
      0,
    );
    const l = g.gather(all, g.constant(places, [d * d], "int"), 0);
    return { l: g.reshape(l, [d, d]), logDiagonal };
  };
  return {
    params: 2 * d + below,
    noise: d,
    build: (g, phi, frozen, eps) => {
      const z = g.add(g.slice(phi, [0], [d]), g.matvec(factor(g, phi).l, eps));
      const { l, logDiagonal } = factor(g, frozen);
      const offset = g.reshape(g.sub(z, g.slice(frozen, [0], [d])), [d, 1]);
      const r = g.triangularSolve(l, offset);
      const logDensity = g.sub(
        g.sub(g.mul(-0.5, g.sum(g.square(r))), g.sum(logDiagonal)),
        g.constant(d * HALF_LOG_2PI),
      );
      return { z, logDensity };
    },
    start: ({ center, scale, factor: known }) => {
      const phi = new Float64Array(2 * d + below);
      phi.set(center);
      for (let i = 0; i < d; i++) {
        phi[d + i] = Math.log(known === undefined ? scale[i] : known[i * d + i]);
        if (known === undefined) continue;
        for (let j = 0; j < i; j++) phi[d + places[i * d + j]] = known[i * d + j];
      }
      return phi;
    },
  };
}
