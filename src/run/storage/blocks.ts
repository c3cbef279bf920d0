/**
 * Draws in a file, block by block. A block is a number of draws, column after column, and what its
 * sampler needs to go on behind it, under a checksum: of a file whose writer was killed, every block
 * that was finished can be read, and the run goes on behind the last of them. Bytes are in the order
 * of the machine, which is little-endian wherever Node runs.
 *
 *     file    "TILDRAW1" · width u32 · statistics u32 · fingerprint of the run, 32 bytes
 *     block   magic u32 · draws u32 · first draw f64 · length of the state u32 · crc32 of the rest
 *             u32 · crc32 of this header u32 · 0 u32, then f64: columns, statistics, state
 */
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const FILE_MAGIC = "TILDRAW1";
const FILE_HEADER = 48;
const BLOCK_MAGIC = 0x4b4c4254;
const BLOCK_HEADER = 32;
/** Longer blocks are no blocks: their header is broken. */
const MOST_BYTES = 2 ** 31;

/** Numbers of a draw, and of which run they are. */
export interface DrawsLayout {
  /** Latent scalars. */
  readonly width: number;
  readonly statistics: number;
  /** SHA-256 of what decides the draws, in hex. */
  readonly fingerprint: string;
}

export interface BlockPlace {
  readonly first: number;
  readonly draws: number;
  /** Of the columns, in bytes from the file's start. */
  readonly offset: number;
  readonly state: number;
}

/** Rows of draws and statistics in memory. */
export interface Rows {
  readonly constrained: Float64Array;
  readonly statistics: Float64Array;
}

/** Appends blocks. Every method may throw what the system says. */
export class DrawsWriter {
  readonly #fd: number;
  readonly #layout: DrawsLayout;
  #buffer = new Float64Array(0);
  #end: number;

  /** @param end behind the blocks of an earlier run that stay; undefined for a new file */
  constructor(path: string, layout: DrawsLayout, end?: number) {
    this.#layout = layout;
    this.#fd = openSync(path, end === undefined ? "w" : "r+");
    if (end === undefined) {
      this.#end = 0;
      this.#write(fileHeader(layout));
    } else {
      ftruncateSync(this.#fd, end);
      this.#end = end;
    }
  }

  /** The first `draws` rows, which are the draws from `first` on, and the state behind them. */
  append(first: number, draws: number, rows: Rows, state: ArrayLike<number>): void {
    const { width, statistics } = this.#layout;
    const head = BLOCK_HEADER / 8;
    const length = head + draws * (width + statistics) + state.length;
    if (this.#buffer.length < length) this.#buffer = new Float64Array(length);
    const block = this.#buffer.subarray(0, length);
    transpose(rows.constrained, draws, width, block, head);
    transpose(rows.statistics, draws, statistics, block, head + draws * width);
    block.set(state, length - state.length);
    const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
    const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_HEADER);
    view.setUint32(0, BLOCK_MAGIC, true);
    view.setUint32(4, draws, true);
    view.setFloat64(8, first, true);
    view.setUint32(16, state.length, true);
    view.setUint32(20, crc32(bytes.subarray(BLOCK_HEADER)), true);
    view.setUint32(24, crc32(bytes.subarray(0, 24)), true);
    view.setUint32(28, 0, true);
    this.#write(bytes);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#end + done);
    }
    this.#end += bytes.length;
  }
}

function fileHeader({ width, statistics, fingerprint }: DrawsLayout): Uint8Array {
  const bytes = Buffer.alloc(FILE_HEADER);
  bytes.write(FILE_MAGIC, 0, "latin1");
  bytes.writeUInt32LE(width, 8);
  bytes.writeUInt32LE(statistics, 12);
  bytes.write(fingerprint, 16, "hex");
  return bytes;
}

function transpose(
  rows: Float64Array,
  count: number,
  width: number,
  into: Float64Array,
  at: number,
): void {
  for (let k = 0; k < width; k++) {
    for (let t = 0; t < count; t++) into[at + k * count + t] = rows[t * width + k];
  }
}

/** What a file of draws holds. */
export interface Scanned {
  readonly layout: DrawsLayout;
  readonly blocks: readonly BlockPlace[];
  readonly draws: number;
  /** Behind the last good block, in bytes. */
  readonly end: number;
  /** What stands behind it: a block that was not finished, or is damaged. */
  readonly rest: number;
}

/**
 * Reads the headers and checks every block.
 * @returns undefined where this is no file of draws
 * @throws what the system says where the file cannot be read
 */
export function scanDraws(path: string): Scanned | undefined {
  const fd = openSync(path, "r");
  try {
    const header = Buffer.alloc(FILE_HEADER);
    if (readFully(fd, header, 0) < FILE_HEADER) return undefined;
    if (header.toString("latin1", 0, 8) !== FILE_MAGIC) return undefined;
    const width = header.readUInt32LE(8);
    const statistics = header.readUInt32LE(12);
    const layout = { width, statistics, fingerprint: header.toString("hex", 16, 48) };
    const blocks: BlockPlace[] = [];
    const head = Buffer.alloc(BLOCK_HEADER);
    let end = FILE_HEADER;
    let draws = 0;
    let bytes = Buffer.alloc(0);
    for (;;) {
      if (readFully(fd, head, end) < BLOCK_HEADER) break;
      if (
        head.readUInt32LE(0) !== BLOCK_MAGIC ||
        head.readUInt32LE(24) !== crc32(head.subarray(0, 24))
      )
        break;
      const count = head.readUInt32LE(4);
      const first = head.readDoubleLE(8);
      const state = head.readUInt32LE(16);
      const length = 8 * (count * (width + statistics) + state);
      if (first !== draws || length > MOST_BYTES) break;
      if (bytes.length < length) bytes = Buffer.alloc(length);
      const payload = bytes.subarray(0, length);
      if (readFully(fd, payload, end + BLOCK_HEADER) < length) break;
      if (crc32(payload) !== head.readUInt32LE(20)) break;
      blocks.push({ first, draws: count, offset: end + BLOCK_HEADER, state });
      draws += count;
      end += BLOCK_HEADER + length;
    }
    // One byte more tells whether anything stands behind.
    const rest = readFully(fd, Buffer.alloc(1), end);
    return { layout, blocks, draws, end, rest };
  } finally {
    closeSync(fd);
  }
}

/** Numbers of a file from a byte on, into `into`. @throws where there are not so many */
export function readNumbers(fd: number, offset: number, into: Float64Array): void {
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  if (readFully(fd, bytes, offset) < bytes.length)
    throw new Error("a file of draws became shorter");
}

/** The state behind the last block. */
export function lastState(path: string, { blocks, layout }: Scanned): Float64Array | undefined {
  const last = blocks.at(-1);
  if (last === undefined) return undefined;
  const fd = openSync(path, "r");
  try {
    const state = new Float64Array(last.state);
    readNumbers(fd, last.offset + 8 * last.draws * (layout.width + layout.statistics), state);
    return state;
  } finally {
    closeSync(fd);
  }
}

function readFully(fd: number, into: Uint8Array, from: number): number {
  let done = 0;
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, from + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
