/**
 * Standard normal draws by the ziggurat of Marsaglia and Tsang (2000), with 256 layers and, as
 * Doornik ("An improved ziggurat method", 2005) asks, separate bits for the layer and the value:
 * 8 bits choose the layer, one the sign and 53 the position. 64 random bits settle 98.8 % of the
 * draws with one multiplication and one comparison.
 */

import { erfc } from "../../math/special/erf.js";

export const LAYERS = 256;
/** Start of the tail for 256 layers of equal area (Marsaglia and Tsang 2000). */
export const TAIL_START = 3.6541528853610088;

const density = (x: number): number => Math.exp(-0.5 * x * x);

/** Of each layer: the base is a rectangle up to the tail's start, and the tail. */
const LAYER_AREA =
  TAIL_START * density(TAIL_START) + Math.sqrt(Math.PI / 2) * erfc(TAIL_START / Math.SQRT2);

/** Right edges of the layers: x[0] is the width the base would have as a rectangle, x[256] = 0. */
export function zigguratEdges(): Float64Array {
  const x = new Float64Array(LAYERS + 1);
  x[0] = LAYER_AREA / density(TAIL_START);
  x[1] = TAIL_START;
  for (let i = 2; i < LAYERS; i++) {
    x[i] = Math.sqrt(-2 * Math.log(LAYER_AREA / x[i - 1] + density(x[i - 1])));
  }
  return x;
}

/** The density at the edges. */
export function zigguratHeights(edges: Float64Array): Float64Array {
  return edges.map(density);
}
