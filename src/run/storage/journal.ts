/**
 * The draws of a Dirichlet-process mixture on their way to the file of their chain. Their number of
 * components changes from draw to draw, so that a block has the log joint densities as its column,
 * and all else, with what the sampler needs to go on, as its state.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { TildeError } from "../../base/diagnostic.js";
import type { DpLeft, DpSink } from "../../inference/dp/model/chain.js";
import { type DrawsLayout, DrawsWriter, readNumbers, scanDraws } from "./blocks.js";
import { drawsFile, stateFile, unwritable } from "./folder.js";
import { BLOCK_BYTES, BLOCK_MS, readState, type StreamJob, writeState } from "./stream.js";

export interface Journal {
  readonly sink: DpSink;
  readonly past?: DpLeft;
  readonly close: () => void;
}

/**
 * Opens the files of a chain behind what they hold, or makes them.
 * @throws TildeError where that fails; so does the sink
 */
export function openJournal({ directory, layout }: StreamJob, chain: number): Journal {
  const path = drawsFile(directory, chain);
  const beside = stateFile(directory, chain);
  const found = readJournal(directory, layout.fingerprint, chain);
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
    },
    close: () => writer.close(),
  };
}

/** What a chain left, and where its last good block ends; undefined where it left nothing. */
export function readJournal(
  directory: string,
  fingerprint: DrawsLayout["fingerprint"],
  chain: number,
): (DpLeft & { readonly draws: number; readonly end?: number }) | undefined {
  const path = drawsFile(directory, chain);
  const warmup = guarded(path, () => readState(stateFile(directory, chain)));
  const found = guarded(path, () => (existsSync(path) ? scanDraws(path) : undefined));
  const isOurs = found?.layout.fingerprint === fingerprint;
  if (!isOurs || (found.draws === 0 && warmup === undefined)) return undefined;
  const { layout, blocks: places, draws, end } = found;
  const blocks = guarded(path, () => {
    const fd = openSync(path, "r");
    try {
      return places.map((place) => {
        const block = new Float64Array(place.state);
        readNumbers(fd, place.offset + 8 * place.draws * (layout.width + layout.statistics), block);
        return block;
      });
    } finally {
      closeSync(fd);
    }
  });
  return { ...(warmup !== undefined && { warmup }), blocks, draws, end };
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TildeError) throw error;
    return unwritable(path, error);
  }
}
