/** Independent normals (Kucukelbir et al. 2017, section 2.4): φ = (mean, log sd). */
import { type Guide, HALF_LOG_2PI } from "./contract.js";

export function meanField(d: number): Guide {
  return {
    params: 2 * d,
    noise: d,
    build: (g, phi, frozen, eps) => {
      const [mean, logSd] = [g.slice(phi, [0], [d]), g.slice(phi, [d], [d])];
      const z = g.add(mean, g.mul(g.exp(logSd), eps));
      const [m, s] = [g.slice(frozen, [0], [d]), g.slice(frozen, [d], [d])];
      const r = g.mul(g.sub(z, m), g.exp(g.neg(s)));
      const logDensity = g.sub(
        g.sub(g.mul(-0.5, g.sum(g.square(r))), g.sum(s)),
        g.constant(d * HALF_LOG_2PI),
      );
      return { z, logDensity };
    },
    start: ({ center, scale }) => {
      const phi = new Float64Array(2 * d);
      phi.set(center);
      phi.set(scale.map(Math.log), d);
      return phi;
    },
  };
}
