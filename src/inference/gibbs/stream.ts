/**
 * The random stream of Gibbs updates: normals by the ziggurat, which needs one block of words for
 * two draws and seldom a logarithm. Kernels draw the same numbers from the same words
 * (`kernel/random.ts`); gamma draws and all that rest on normals follow.
 */
import { philoxKey } from "../../math/rng/index.js";
import { RandomStream } from "../../math/rng/random.js";
import type { ChainKey } from "../contract.js";
import { LAYERS, TAIL_START, zigguratEdges, zigguratHeights } from "../hamiltonian/ziggurat.js";

const edges = zigguratEdges();
const heights = zigguratHeights(edges);

export class GibbsStream extends RandomStream {
  /**
   * Marsaglia and Tsang (2000) with Doornik's (2005) separate bits: of the first word, 8 bits are
   * the layer, one the sign, 21 the low bits of the position; the second has its high bits.
   */
  override normal(): number {
    const low = this.word();
    const high = this.word();
    let layer = low & (LAYERS - 1);
    const isNegative = (low & LAYERS) !== 0;
    let x = position(low, high) * edges[layer];
    while (!(x < edges[layer + 1])) {
      if (layer === 0) {
        // The tail, by Marsaglia (1964): an exponential beyond its start.
        for (;;) {
          const beyond = this.exponential() / TAIL_START;
          if (2 * this.exponential() > beyond * beyond) {
            x = TAIL_START + beyond;
            break;
          }
        }
        break;
      }
      const level = heights[layer] + this.uniform() * (heights[layer + 1] - heights[layer]);
      if (level < Math.exp(-0.5 * x * x)) break;
      const again = this.word();
      layer = again & (LAYERS - 1);
      x = position(again, this.word()) * edges[layer];
    }
    return isNegative ? -x : x;
  }
}

/** 53 bits of two words, as a fraction in [0, 1). */
const position = (low: number, high: number): number => (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;

/** The stream of a chain's block (`site`) and sweep. */
export function gibbsStream(key: ChainKey, site: number, sweep: number): GibbsStream {
  return new GibbsStream(philoxKey(key.seed), key.chain, site, sweep);
}
