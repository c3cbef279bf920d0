/**
 * A normalising flow: affine couplings (Dinh, Sohl-Dickstein & Bengio 2017, "RealNVP") with one
 * hidden layer of tanh, then a sinh–arcsinh in each coordinate (Jones & Pewsey 2009), which bends
 * and fattens tails, then a shift and a scale. At the start all but the last are the identity.
 */
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";
import { type Guide, HALF_LOG_2PI } from "./contract.js";

/** A coupling's log scale lies within this. */
const MOST = 2;

export function flow(d: number, layers: number, hidden: number): Guide {
  const couplings = d > 1 ? layers : 0;
  const first = Math.ceil(d / 2);
  /** Coordinates that a layer reads, and those that it moves: they change places. */
  const split = (layer: number) => {
    const reads = layer % 2 === 0 ? first : d - first;
    return { reads, moves: d - reads, start: layer % 2 === 0 ? 0 : first };
  };
  const sizeOf = (layer: number): number => {
    const { reads, moves } = split(layer);
    return hidden * reads + hidden + 2 * moves * hidden + 2 * moves;
  };
  const nets = Array.from({ length: couplings }, (_, k) => sizeOf(k));
  const params = 4 * d + nets.reduce((n, s) => n + s, 0);

  const coupling = (g: GraphBuilder, phi: Node, at: number, layer: number, x: Node) => {
    const { reads, moves, start } = split(layer);
    let next = at;
    const take = (...shape: readonly number[]): Node => {
      const length = shape.reduce((n, s) => n * s, 1);
      next += length;
      return g.reshape(g.slice(phi, [next - length], [length]), shape);
    };
    const other = start === 0 ? reads : 0;
    const input = g.slice(x, [start], [reads]);
    const moved = g.slice(x, [other], [moves]);
    const h = g.tanh(g.add(g.matvec(take(hidden, reads), input), take(hidden)));
    const out = g.add(g.matvec(take(2 * moves, hidden), h), take(2 * moves));
    const logScale = g.mul(MOST, g.tanh(g.mul(1 / MOST, g.slice(out, [0], [moves]))));
    const y = g.add(g.mul(moved, g.exp(logScale)), g.slice(out, [moves], [moves]));
    const parts = start === 0 ? [input, y] : [y, input];
    return { x: g.concat(parts, 0), logDet: g.sum(logScale) };
  };

  return {
    params,
    noise: d,
    build: (g, phi, _frozen, eps) => {
      let x = eps;
      const logDets: Node[] = [];
      let at = 4 * d;
      for (let layer = 0; layer < couplings; layer++) {
        const done = coupling(g, phi, at, layer, x);
        x = done.x;
        logDets.push(done.logDet);
        at += nets[layer];
      }
      const part = (k: number): Node => g.slice(phi, [k * d], [d]);
      const [mean, logSd, skew, logTail] = [part(0), part(1), part(2), part(3)];
      const inner = g.add(g.mul(g.asinh(x), g.exp(logTail)), skew);
      const y = g.sinh(inner);
      const z = g.add(mean, g.mul(g.exp(logSd), y));
      // |dz/dx| = sd · tail · √(1 + y²) / √(1 + x²).
      const slope = g.mul(0.5, g.sub(g.log1p(g.square(y)), g.log1p(g.square(x))));
      logDets.push(g.sum(g.add(g.add(logSd, logTail), slope)));
      const base = g.sub(g.mul(-0.5, g.sum(g.square(eps))), g.constant(d * HALF_LOG_2PI));
      const logDensity = logDets.reduce((sum, l) => g.sub(sum, l), base);
      return { z, logDensity };
    },
    start: ({ center, scale }, rng) => {
      const phi = new Float64Array(params);
      phi.set(center);
      phi.set(scale.map(Math.log), d);
      let at = 4 * d;
      for (let layer = 0; layer < couplings; layer++) {
        const { reads } = split(layer);
        // The weights out of the hidden layer are zero: the coupling starts as the identity.
        for (let k = 0; k < hidden * reads; k++) phi[at + k] = rng.normal() / Math.sqrt(reads);
        at += nets[layer];
      }
      return phi;
    },
  };
}
