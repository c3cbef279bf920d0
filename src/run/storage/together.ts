/**
 * Chains that move together, thousands of them, in one file of draws: a block's columns are the
 * latent scalars one after another, of each all chains, so that what summaries read lies in one piece.
 */
import { closeSync, openSync } from "node:fs";
import type { ChainDraws, DrawPage, DrawStatistic } from "../results/fit.js";
import { type BlockPlace, DrawsWriter, readNumbers, type Scanned } from "./blocks.js";
import { drawsFile, unwritable } from "./folder.js";
import type { Adapted } from "./stored-chain.js";
import type { StreamJob } from "./stream.js";

/** The file that holds all chains. */
export const TOGETHER_FILE = 0;

/** A block is written when it has so many bytes or after so long, but not of fewer draws. */
const BLOCK_BYTES = 1 << 23;
const BLOCK_MS = 1000;
const LEAST_ROWS = 8;
/** Very slow draws are written one by one after so long. */
const PATIENCE_MS = 15_000;

/** Numbers of one draw of all chains. */
export interface TogetherShape {
  readonly chains: number;
  /** Latent scalars of a chain. */
  readonly width: number;
  /** Statistics of a chain. */
  readonly statistics: number;
}

/** Appends draws of all chains. Every method may throw a TildeError where the file refuses. */
export class TogetherWriter {
  readonly #path: string;
  readonly #shape: TogetherShape;
  readonly #writer: DrawsWriter;
  readonly #rows: { constrained: Float64Array; statistics: Float64Array };
  readonly #most: number;
  #waiting = 0;
  #written: number;
  #last = performance.now();

  /** @param found the blocks of an earlier run, behind which it goes on */
  constructor({ directory, layout, draws }: StreamJob, shape: TogetherShape, found?: Scanned) {
    const { chains, width, statistics } = shape;
    this.#path = drawsFile(directory, TOGETHER_FILE);
    this.#shape = shape;
    const bytes = 8 * chains * (width + statistics);
    this.#most = Math.max(1, Math.min(draws, Math.max(LEAST_ROWS, Math.ceil(BLOCK_BYTES / bytes))));
    this.#rows = {
      constrained: new Float64Array(this.#most * chains * width),
      statistics: new Float64Array(this.#most * chains * statistics),
    };
    this.#written = found?.draws ?? 0;
    this.#writer = this.#guarded(() => new DrawsWriter(this.#path, layout, found?.end));
  }

  /** Draws that are written or wait to be. */
  get draws(): number {
    return this.#written + this.#waiting;
  }

  /**
   * Takes the next draw.
   * @param constrained `[chains, width]`
   * @param statistics of each all chains
   */
  add(constrained: Float64Array, statistics: readonly ArrayLike<number>[]): void {
    const { chains, width } = this.#shape;
    const own = this.#rows.constrained;
    const at = this.#waiting * chains * width;
    for (let c = 0; c < chains; c++) {
      for (let k = 0; k < width; k++) own[at + k * chains + c] = constrained[c * width + k];
    }
    const from = this.#waiting * chains * statistics.length;
    statistics.forEach((column, s) => {
      this.#rows.statistics.set(column, from + s * chains);
    });
    this.#waiting++;
  }

  /** Whether it is time to write what waits. */
  isDue(): boolean {
    if (this.#waiting >= this.#most) return true;
    const passed = performance.now() - this.#last;
    return passed > (this.#waiting >= LEAST_ROWS ? BLOCK_MS : PATIENCE_MS);
  }

  /** Writes what waits. @param state what the sampler needs to go on behind it */
  write(state: ArrayLike<number>): void {
    if (this.#waiting === 0) return;
    this.#guarded(() => this.#writer.append(this.#written, this.#waiting, this.#rows, state));
    this.#written += this.#waiting;
    this.#waiting = 0;
    this.#last = performance.now();
  }

  close(): void {
    this.#writer.close();
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      return unwritable(this.#path, error);
    }
  }
}

/** Numbers that a reader keeps of what it has read last. */
const ROOM = 1 << 22;

/** The first `draws` draws of every chain of a scanned file. */
export function chainsTogether(
  directory: string,
  scanned: Scanned,
  names: readonly DrawStatistic[],
  chains: number,
  draws: number,
  adapted: Adapted = {},
): readonly ChainDraws[] {
  const reader = new TogetherReader(drawsFile(directory, TOGETHER_FILE), scanned, chains, draws);
  const width = scanned.layout.width / chains;
  return Array.from({ length: chains }, (_, chain): ChainDraws => {
    const statistics: Partial<Record<DrawStatistic, Float64Array>> = {};
    names.forEach((name, k) => {
      Object.defineProperty(statistics, name, {
        enumerable: true,
        get: () => {
          const all = reader.statistic(width + k);
          return all.subarray(chain * draws, (chain + 1) * draws);
        },
      });
    });
    return {
      draws,
      statistics,
      ...adapted,
      pages: {
        file: TOGETHER_FILE,
        page: (draw) => reader.page(chain, draw),
        columns: (from, to) => reader.columnsOf(chain, from, to),
        together: reader,
      },
      get values() {
        const values = new Float64Array(width * draws);
        for (let first = 0; first < draws; ) {
          const page = reader.page(chain, first);
          const count = page.draws - (first - page.first);
          const from = (first - page.first) * width;
          values.set(page.values.subarray(from, from + count * width), first * width);
          first += count;
        }
        return values;
      },
    };
  });
}

/** Pieces of the file: scalars of all chains, or draws of some chains. */
class TogetherReader {
  readonly #path: string;
  readonly #places: readonly BlockPlace[];
  readonly #width: number;
  readonly #statistics = new Map<number, WeakRef<Float64Array>>();
  #columns:
    | { readonly from: number; readonly to: number; readonly values: Float64Array }
    | undefined;
  /** Draws `first` to `end` of chains `from` to `to`, `[chains, draws, width]`. */
  #piece = { from: 0, to: 0, first: 0, end: 0, values: new Float64Array(0) };

  constructor(
    path: string,
    { layout, blocks }: Scanned,
    readonly chains: number,
    readonly draws: number,
  ) {
    this.#path = path;
    this.#width = layout.width / chains;
    this.#places = blocks.filter((b) => b.first < draws);
  }

  /** Scalars `from` to `to`, `[scalars, chains, draws]`, into `out`. */
  columns(from: number, to: number, out: Float64Array): void {
    const { chains, draws } = this;
    this.#each((fd, { offset, first, draws: rows }, count) => {
      const length = chains * rows;
      const piece = new Float64Array(length);
      for (let k = from; k < to; k++) {
        readNumbers(fd, offset + 8 * k * length, piece);
        const at = (k - from) * chains * draws + first;
        for (let c = 0; c < chains; c++) {
          for (let t = 0; t < count; t++) out[at + c * draws + t] = piece[c * rows + t];
        }
      }
    });
  }

  /** Scalars of one chain, `[scalars, draws]`. Those of all chains are kept for the next one. */
  columnsOf(chain: number, from: number, to: number): Float64Array {
    const { chains, draws } = this;
    const out = new Float64Array((to - from) * draws);
    const total = chains * draws;
    if (total * (to - from) > 2 * ROOM && to - from > 1) {
      for (let k = from; k < to; k++) out.set(this.columnsOf(chain, k, k + 1), (k - from) * draws);
      return out;
    }
    if (this.#columns?.from !== from || this.#columns.to !== to) {
      const values = new Float64Array(total * (to - from));
      this.columns(from, to, values);
      this.#columns = { from, to, values };
    }
    const { values } = this.#columns;
    for (let k = 0; k < to - from; k++) {
      const at = k * total + chain * draws;
      out.set(values.subarray(at, at + draws), k * draws);
    }
    return out;
  }

  /** A statistic of all chains, `[chains, draws]`, read again when it was let go. */
  statistic(column: number): Float64Array {
    const known = this.#statistics.get(column)?.deref();
    if (known !== undefined) return known;
    const read = new Float64Array(this.chains * this.draws);
    this.columns(column, column + 1, read);
    this.#statistics.set(column, new WeakRef(read));
    return read;
  }

  /** Draws of one chain, as many as a piece of the file in memory has. */
  page(chain: number, draw: number): DrawPage {
    const width = this.#width;
    const { from, to, first, end } = this.#piece;
    if (chain < from || chain >= to || draw < first || draw >= end) this.#read(chain, draw);
    const piece = this.#piece;
    const count = piece.end - piece.first;
    const at = (chain - piece.from) * count * width;
    return {
      first: piece.first,
      draws: count,
      values: piece.values.subarray(at, at + count * width),
    };
  }

  /** A group of chains with all of their draws; of very long ones a part of one chain's. */
  #read(chain: number, draw: number): void {
    const { chains, draws } = this;
    const width = this.#width;
    const group = Math.max(1, Math.min(chains, Math.floor(ROOM / (draws * width))));
    const from = Math.floor(chain / group) * group;
    const to = Math.min(chains, from + group);
    const window = Math.max(1, Math.min(draws, Math.floor(ROOM / (group * width))));
    const first = Math.floor(draw / window) * window;
    const end = Math.min(draws, first + window);
    const count = end - first;
    const length = (to - from) * count * width;
    const room = this.#piece.values;
    const values = room.length >= length ? room : new Float64Array(length);
    this.#each((fd, place, most) => {
      const low = Math.max(first, place.first);
      const high = Math.min(end, place.first + most);
      if (high <= low) return;
      const rows = place.draws;
      const piece = new Float64Array((to - from) * rows);
      for (let k = 0; k < width; k++) {
        readNumbers(fd, place.offset + 8 * rows * (k * chains + from), piece);
        for (let c = 0; c < to - from; c++) {
          for (let t = low; t < high; t++) {
            values[(c * count + t - first) * width + k] = piece[c * rows + t - place.first];
          }
        }
      }
    });
    this.#piece = { from, to, first, end, values };
  }

  /** Calls back with each block and how many of its draws count. */
  #each(visit: (fd: number, place: BlockPlace, count: number) => void): void {
    const fd = openSync(this.#path, "r");
    try {
      for (const place of this.#places) {
        visit(fd, place, Math.min(place.draws, this.draws - place.first));
      }
    } finally {
      closeSync(fd);
    }
  }
}
