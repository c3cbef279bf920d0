/** `node:os` in a page. */
import { noFiles } from "./missing.js";

/** What is used of a page's `navigator`. */
interface Navigator {
  readonly hardwareConcurrency?: number;
  readonly deviceMemory?: number;
}
const { navigator } = globalThis as unknown as { readonly navigator: Navigator };

export const availableParallelism = (): number => navigator.hardwareConcurrency ?? 1;

/** Bytes of memory; browsers tell at most 8 GiB, and some nothing. */
export function totalmem(): number {
  return (navigator.deviceMemory ?? 4) * 2 ** 30;
}

export const homedir = noFiles;
export const tmpdir = noFiles;
