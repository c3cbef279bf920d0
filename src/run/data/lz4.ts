/**
 * Frames of LZ4 ("LZ4 Frame Format Description" and "LZ4 Block Format Description", version 1.6): a
 * header, blocks with their lengths, and checksums, which are stepped over. Arrow files are
 * compressed so by default.
 */

const MAGIC = 0x184d2204;
/** Bits of the header's flags. */
const BLOCK_SUMS = 0x10;
const CONTENT_SIZE = 0x08;
const DICTIONARY = 0x01;

/**
 * @param length of what the frame holds, in bytes
 * @throws an `Error` where the frame is broken or holds another number of bytes
 */
export function decodeLz4Frame(frame: Uint8Array, length: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("no LZ4 frame");
  const flags = frame[4];
  if ((flags & DICTIONARY) !== 0) throw new Error("an LZ4 frame with a dictionary");
  const out = new Uint8Array(length);
  let at = (flags & CONTENT_SIZE) === 0 ? 7 : 15;
  let done = 0;
  for (;;) {
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const size = word & 0x7fffffff;
    const block = frame.subarray(at, at + size);
    if (block.length < size) throw new Error("an LZ4 frame that ends too early");
    at += size + ((flags & BLOCK_SUMS) === 0 ? 0 : 4);
    // The highest bit marks a block that is stored as it is.
    if (word >>> 31 === 1) {
      if (done + size > length) throw new Error("an LZ4 frame that is too long");
      out.set(block, done);
      done += size;
    } else {
      done = decodeBlock(block, out, done);
    }
  }
  if (done !== length) throw new Error(`an LZ4 frame of ${done} bytes where ${length} are`);
  return out;
}

/** Decodes a block behind the ones before it, which its matches may reach into; gives the end. */
function decodeBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let at = 0;
  let end = start;
  const lengthOf = (short: number): number => {
    let length = short;
    for (let more = short === 15; more; ) {
      const byte = block[at++];
      if (byte === undefined) throw new Error("an LZ4 block that ends too early");
      length += byte;
      more = byte === 255;
    }
    return length;
  };
  while (at < block.length) {
    const token = block[at++];
    const literals = lengthOf(token >> 4);
    if (at + literals > block.length || end + literals > out.length) {
      throw new Error("an LZ4 block that is too long");
    }
    out.set(block.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    // The last sequence has no match.
    if (at === block.length) break;
    const distance = block[at] | (block[at + 1] << 8);
    at += 2;
    const length = lengthOf(token & 15) + 4;
    if (distance === 0 || distance > end || end + length > out.length) {
      throw new Error("an LZ4 block with a match out of reach");
    }
    // A match may overlap what it makes: byte by byte.
    for (let k = 0; k < length; k++, end++) out[end] = out[end - distance];
  }
  return end;
}
