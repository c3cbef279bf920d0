/** Random choices of the generator: all follow from a seed, by the library's own Philox. */
import { type RandomStream, stream } from "../../src/math/rng/index.js";

export class Choices {
  readonly #rng: RandomStream;
  /** @param number which model of the seed, from 0 */
  constructor(seed: number, number: number) {
    this.#rng = stream(seed, 0, 0, number);
  }
  /** Whole, from 0 up to n, n excluded. */
  below(n: number): number {
    return this.#rng.int(n);
  }
  /** Whole, both ends included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  chance(p: number): boolean {
    return this.#rng.uniform() < p;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
  /** By weights, of which at least one is above 0. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    return items[this.#rng.categorical(items.map(([w]) => w))][1];
  }
  /** A number of a few digits from −2 to 2, as data have. */
  number(): number {
    return Math.round((4 * this.#rng.uniform() - 2) * 1000) / 1000;
  }
  normal(): number {
    return this.#rng.normal();
  }
}
