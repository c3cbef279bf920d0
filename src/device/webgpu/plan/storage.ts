/** Where arrays live on the device, by name; `memory.ts` gives the names their places. */
import type { Node, ScanNode } from "../../../tensor/ops.js";

/**
 * Where an array lies: `work` is written and read by kernels, f32; `data` is read by them and written
 * from outside, f32, in one buffer or (above the device's limit on bindings) in several; `words` are
 * whole numbers of 32 bits that kernels write and read.
 */
export type Space = "work" | "data" | "words";

/** An array on the device. Kernels name its first element by `name`. */
export interface Region {
  readonly name: string;
  readonly length: number;
  /** Lives as long as the program: inputs, outputs, the state of loops. */
  readonly pinned: boolean;
  readonly space: Space;
}

/** Loops within loops, at most. */
export const MOST_LEVELS = 16;
/** Counters of the loops, two a level, at the beginning of `words`; see `CounterRole`. */
export const COUNTER_WORDS = 2 * MOST_LEVELS;

/** Data known at compile time: f32 numbers in `data`, whole ones in `idx`. */
export class ConstantTables {
  readonly #floats = new Map<string | Float64Array, number>();
  readonly #words = new Map<string | Float64Array, number>();
  readonly #floatParts: (readonly [offset: number, values: Float64Array])[] = [];
  readonly #places = new Map<Region, number>();
  readonly #wordParts: (readonly [offset: number, values: ArrayLike<number>])[] = [];
  #floatCount = 0;
  #wordCount = 0;
  #ownWords = COUNTER_WORDS;

  /** The offset of the values in `data`; the same array (or key) is stored once. */
  floats(values: Float64Array, key: string | Float64Array = values): number {
    const known = this.#floats.get(key);
    if (known !== undefined) return known;
    const offset = this.#floatCount;
    this.#floats.set(key, offset);
    this.#floatParts.push([offset, values]);
    this.#floatCount += Math.ceil(values.length / 4) * 4;
    return offset;
  }

  /** The offset of unsigned words in `idx`. */
  words(values: ArrayLike<number>, key: string | Float64Array): number {
    const known = this.#words.get(key);
    if (known !== undefined) return known;
    const offset = this.#wordCount;
    this.#words.set(key, offset);
    this.#wordParts.push([offset, values]);
    this.#wordCount += values.length;
    return offset;
  }

  /** Room for a region that is not in working memory. */
  reserve(region: Region): Region {
    if (region.space === "data") {
      this.#places.set(region, this.#floatCount);
      this.#floatCount += Math.ceil(region.length / 4) * 4;
    } else {
      this.#places.set(region, this.#ownWords);
      this.#ownWords += region.length;
    }
    return region;
  }
  /** First elements of the regions with room here, by their spaces. */
  get places(): ReadonlyMap<Region, number> {
    return this.#places;
  }
  /** Numbers in `data`. */
  get floatCount(): number {
    return Math.max(4, this.#floatCount);
  }
  /** Constants of `data`, with the places of their first elements. */
  get floatParts(): readonly (readonly [offset: number, values: Float64Array])[] {
    return this.#floatParts;
  }
  /** Words that kernels write. */
  get ownWordCount(): number {
    return this.#ownWords;
  }
  wordData(): Uint32Array {
    const all = new Uint32Array(Math.max(4, this.#wordCount));
    for (const [offset, values] of this.#wordParts) all.set(values, offset);
    return all;
  }
}

/** Names of the regions of nodes, and what stands in for the inputs of scan bodies. */
export class Regions {
  readonly all: Region[] = [];
  readonly #ofNode = new Map<Node, Region>();
  readonly #results = new Map<Node, readonly Region[]>();

  make(hint: string, length: number, pinned = false, space: Space = "work"): Region {
    const name = `${hint}_at_${this.all.length}`;
    const region = { name, length: Math.max(1, length), pinned, space };
    this.all.push(region);
    return region;
  }
  set(node: Node, region: Region): void {
    this.#ofNode.set(node, region);
  }
  /** The regions of a scan's results, in the order of its outputs. */
  setResults(scan: ScanNode, regions: readonly Region[]): void {
    this.#results.set(scan, regions);
  }
  of(node: Node): Region | undefined {
    const own = this.#ofNode.get(node);
    if (own !== undefined || node.op !== "output") return own;
    return this.#results.get(node.source)?.[node.index];
  }
}
