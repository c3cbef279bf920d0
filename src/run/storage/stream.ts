/**
 * A chain's draws on their way to its file, and the place where an interrupted run goes on. States
 * between draws lie behind their blocks; those of the warmup, which hold the metric, in a file
 * beside that is replaced as a whole.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { crc32 } from "node:zlib";
import { TildeError } from "../../base/diagnostic.js";
import type { ChainControls, ChainStorage } from "../../inference/contract.js";
import { type DrawsLayout, DrawsWriter, lastState, scanDraws } from "./blocks.js";
import { drawsFile, replaceFile, stateFile, writeReason } from "./folder.js";

/** What a thread needs to know of the files. */
export interface StreamJob {
  readonly directory: string;
  readonly layout: DrawsLayout;
  /** Draws of each chain. */
  readonly draws: number;
}

/** What the system said of a chain's file. */
export class StreamError extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`);
  }
}

export type ChainStream = Required<Pick<ChainControls, "sink">> &
  Pick<ChainControls, "past"> & {
    readonly storage: ChainStorage;
    readonly close: () => void;
  };

/** A block is written when it has so many bytes, or after so long. */
export const BLOCK_BYTES = 1 << 20;
export const BLOCK_MS = 1000;
/** Short rows do not make long blocks, and long ones not blocks of one: states take room too. */
const MOST_ROWS = 4096;
const LEAST_ROWS = 8;

/**
 * Opens the files of a chain behind what they hold, or makes them.
 * @throws StreamError where that fails; so does the sink
 */
export function openStream({ directory, layout, draws }: StreamJob, chain: number): ChainStream {
  const path = drawsFile(directory, chain);
  const beside = stateFile(directory, chain);
  const { width, statistics } = layout;
  const fitting = Math.floor(BLOCK_BYTES / (8 * (width + statistics)));
  const rows = Math.max(1, Math.min(draws, Math.max(LEAST_ROWS, Math.min(MOST_ROWS, fitting))));
  const storage = {
    constrained: new Float64Array(rows * width),
    statistics: new Float64Array(rows * statistics),
  };
  const guarded = <T>(at: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof TildeError) throw new StreamError(at, reasonOf(error));
      throw new StreamError(at, writeReason(error));
    }
  };
  const warmup = guarded(beside, () => readState(beside));
  const found = guarded(path, () => {
    if (warmup === undefined || !existsSync(path)) return undefined;
    const scanned = scanDraws(path);
    return scanned?.layout.fingerprint === layout.fingerprint ? scanned : undefined;
  });
  const state = found && guarded(path, () => lastState(path, found));
  const writer = guarded(path, () => new DrawsWriter(path, layout, found?.end));
  let last = performance.now();
  return {
    storage,
    ...(warmup !== undefined && {
      past: { warmup, ...(state !== undefined && { draws: state }) },
    }),
    sink: {
      isDue: () => performance.now() - last > BLOCK_MS,
      warmup: (numbers) => {
        guarded(beside, () => writeState(beside, numbers));
        last = performance.now();
      },
      draws: (first, count, numbers) => {
        guarded(path, () => writer.append(first, count, storage, numbers));
        last = performance.now();
      },
    },
    close: () => writer.close(),
  };
}

function reasonOf({ diagnostics, message }: TildeError): string {
  // "cannot write to `…`: the disk is full".
  const [first] = diagnostics;
  return first?.message.replace(/^.*?`: /, "") ?? message;
}

/** Replaces the state in a file. @throws what the system says */
export function writeState(path: string, state: Float64Array): void {
  const bytes = Buffer.alloc(8 + state.byteLength);
  bytes.set(new Uint8Array(state.buffer, state.byteOffset, state.byteLength), 8);
  bytes.writeUInt32LE(state.length, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  replaceFile(path, bytes);
}

/** The state in a file; undefined where there is none, or it is damaged: the chain begins anew. */
export function readState(path: string): Float64Array | undefined {
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  if (bytes.length < 8 || bytes.length !== 8 + 8 * bytes.readUInt32LE(0)) return undefined;
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8))) return undefined;
  return new Float64Array(Uint8Array.from(bytes.subarray(8)).buffer);
}

/** Removes what an earlier run left in a folder. @throws what the system says */
export function clearRun(directory: string, chains: number): void {
  for (let chain = 0; chain < chains || existsSync(drawsFile(directory, chain)); chain++) {
    rmSync(drawsFile(directory, chain), { force: true });
    rmSync(stateFile(directory, chain), { force: true });
  }
}
