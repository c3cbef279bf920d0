/** Arrow's own files and streams (IPC), which are also what Feather version 2 is. */

import { decodeLz4Frame } from "./lz4.js";
import { type RawData, readColumns } from "./values.js";

/** @throws an `Error` of the reader where the bytes are no whole table */
export async function parseArrow(path: string, bytes: Uint8Array): Promise<RawData> {
  // Loaded on first use: most runs read JSON.
  const { CompressionType, setCompressionCodec, tableFromIPC } = await import("@uwdata/flechette");
  const { decompressZstd } = await import("hyparquet-compressors");
  const encode = (): never => {
    throw new Error("files are only read");
  };
  setCompressionCodec(CompressionType.LZ4_FRAME, {
    encode,
    decode: (data: Uint8Array, length: number) => decodeLz4Frame(data, length),
  });
  setCompressionCodec(CompressionType.ZSTD, {
    encode,
    // A copy, since views of numbers begin at multiples of eight.
    decode: (data: Uint8Array) => Uint8Array.from(decompressZstd(data)),
  });
  checkEnd(bytes);
  const table = tableFromIPC(bytes, { useBigInt: true, useDate: true, useMap: true });
  return readColumns(
    path,
    table.names.map((name, k) => ({
      name: String(name),
      values: () => table.getChildAt(k).toArray() as ArrayLike<unknown>,
    })),
  );
}

/** A file ends with its name; a stream with a mark, without which some of it may be lacking. */
function checkEnd(bytes: Uint8Array): void {
  const isFile = String.fromCharCode(...bytes.subarray(-6)) === "ARROW1";
  if (isFile || bytes.subarray(-8).join() === "255,255,255,255,0,0,0,0") return;
  throw new Error("its end is missing");
}
