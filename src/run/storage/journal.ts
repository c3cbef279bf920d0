/**
 * The draws of a Dirichlet-process mixture on their way to the file of their chain. Their number of
 * components changes from draw to draw, so that a block has the log joint densities as its column,
 * and all else, with what the sampler needs to go on, as its state.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { LabelRows } from "../../inference/dp/index.js";
import { type DpLeft, type DpSink, rowsIn } from "../../inference/dp/model/chain.js";
import type { DpPlan } from "../../inference/dp/model/dp-plan.js";
import type { DpDraws } from "../../inference/dp/samplers/run.js";
import {
  type BlockPlace,
  type DrawsLayout,
  DrawsWriter,
  readNumbers,
  type Scanned,
  scanDraws,
} from "./blocks.js";
import { drawsFile, stateFile, unwritable } from "./folder.js";
import { BLOCK_BYTES, BLOCK_MS, readState, type StreamJob, writeState } from "./stream.js";

/** Numbers of a draw: labels, and θ of each cluster. */
export type MixtureSize = Pick<DpDraws, "items" | "width">;

/** Those of a model. */
export function sizeOfMixture({ structure, layout }: DpPlan): MixtureSize {
  return { items: structure.items, width: layout.length };
}

export interface Journal {
  readonly sink: DpSink;
  readonly past?: DpLeft;
  readonly close: () => void;
}

/**
 * Opens the files of a chain behind what they hold, or makes them.
 * @throws TildeError where that fails; so does the sink
 */
export function openJournal(
  { directory, layout }: StreamJob,
  chain: number,
  size: MixtureSize,
): Journal {
  const path = drawsFile(directory, chain);
  const beside = stateFile(directory, chain);
  const found = readJournal(directory, layout.fingerprint, chain, size);
  const writer = guarded(path, () => new DrawsWriter(path, layout, found?.end));
  let last = performance.now();
  return {
    ...(found !== undefined && { past: found }),
    sink: {
      isDue: (bytes) => bytes > BLOCK_BYTES || performance.now() - last > BLOCK_MS,
      warmup: (state) => {
        guarded(beside, () => writeState(beside, state));
        last = performance.now();
      },
      draws: (first, statistics, block) => {
        const rows = { constrained: new Float64Array(0), statistics };
        guarded(path, () => writer.append(first, statistics.length, rows, block));
        last = performance.now();
      },
      labels: new StoredLabels(path, size),
    },
    close: () => writer.close(),
  };
}

/** What a chain left, and where its last good block ends; undefined where it left nothing. */
export function readJournal(
  directory: string,
  fingerprint: DrawsLayout["fingerprint"],
  chain: number,
  size: MixtureSize,
): (DpLeft & { readonly draws: number; readonly end?: number }) | undefined {
  const path = drawsFile(directory, chain);
  const warmup = guarded(path, () => readState(stateFile(directory, chain)));
  const found = guarded(path, () => (existsSync(path) ? scanDraws(path) : undefined));
  const isOurs = found?.layout.fingerprint === fingerprint;
  if (!isOurs || (found.draws === 0 && warmup === undefined)) return undefined;
  const { draws, end } = found;
  return {
    ...(warmup !== undefined && { warmup }),
    blocks: blocksOf(path, found),
    labels: new StoredLabels(path, size),
    draws,
    end,
  };
}

/** What stands behind the densities of each block, one block at a time. */
function blocksOf(path: string, { blocks, layout }: Scanned): Iterable<Float64Array> {
  return {
    *[Symbol.iterator]() {
      const fd = guarded(path, () => openSync(path, "r"));
      try {
        for (const place of blocks) yield guarded(path, () => stateBehind(fd, place, layout));
      } finally {
        closeSync(fd);
      }
    },
  };
}

function stateBehind(fd: number, place: BlockPlace, layout: DrawsLayout): Float64Array {
  const state = new Float64Array(place.state);
  readNumbers(fd, place.offset + 8 * place.draws * (layout.width + layout.statistics), state);
  return state;
}

/** The labels of a chain, read from its file block by block; the last one read stays in memory. */
class StoredLabels implements LabelRows {
  readonly #path: string;
  readonly #size: MixtureSize;
  #scanned: Scanned | undefined;
  #first = 0;
  #rows: Int32Array = new Int32Array(0);

  constructor(path: string, size: MixtureSize) {
    this.#path = path;
    this.#size = size;
  }

  get length(): number {
    return this.#scan().draws * this.#size.items;
  }

  subarray(from: number, to: number): Int32Array {
    const { items } = this.#size;
    if (to - from <= items) return this.#row(from / items);
    const out = new Int32Array(to - from);
    for (let at = from; at < to; at += items) out.set(this.#row(at / items), at - from);
    return out;
  }

  #row(t: number): Int32Array {
    const { items } = this.#size;
    if (t < this.#first || (t - this.#first + 1) * items > this.#rows.length) this.#read(t);
    const at = (t - this.#first) * items;
    return this.#rows.subarray(at, at + items);
  }

  /** The block that has draw t. Of a draw: its clusters, α, density, labels and the clusters' θ. */
  #read(t: number): void {
    const { blocks, layout } = this.#scan();
    const place = blocks.findLast((b) => b.first <= t);
    if (place === undefined || t >= place.first + place.draws)
      internalError(`no labels of draw ${t}`);
    const rows = guarded(this.#path, () => {
      const fd = openSync(this.#path, "r");
      try {
        return rowsIn(stateBehind(fd, place, layout));
      } finally {
        closeSync(fd);
      }
    });
    const { items } = this.#size;
    const labels = new Int32Array(place.draws * items);
    for (let at = 0, k = 0; k < place.draws; k++) {
      labels.set(rows.subarray(at + 3, at + 3 + items), k * items);
      at += 3 + items + rows[at] * this.#size.width;
    }
    this.#rows = labels;
    this.#first = place.first;
  }

  #scan(): Scanned {
    const found = this.#scanned ?? guarded(this.#path, () => scanDraws(this.#path));
    this.#scanned = found ?? internalError(`${this.#path} is no file of draws`);
    return this.#scanned;
  }
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TildeError) throw error;
    return unwritable(path, error);
  }
}
