/** `node:zlib` in a page: only files have checksums. */
import { noFiles } from "./missing.js";

export const crc32 = noFiles;
