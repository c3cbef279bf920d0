/** Files of a fit's folder: their names, and writes that are whole or not there at all. */
import { existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fail } from "../../base/diagnostic.js";
import { readReason } from "../sources.js";

export const drawsFile = (directory: string, chain: number): string =>
  join(directory, `chain-${chain}.draws`);
export const stateFile = (directory: string, chain: number): string =>
  join(directory, `chain-${chain}.state`);

/**
 * Makes the folder for results, and the folders around it.
 * @throws TildeError where that fails.
 */
export async function makeFolder(directory: string): Promise<void> {
  // Some systems never answer a request to make folders inside of what holds none (`/proc/x`), so
  // the innermost folder that is there is tried first, and then one after another.
  const missing: string[] = [];
  let at = resolve(directory);
  while (!existsSync(at)) {
    missing.unshift(at);
    at = dirname(at);
  }
  if (!statSync(at).isDirectory()) {
    fail("file_unwritable", undefined, { path: directory, reason: `\`${at}\` is no folder` });
  }
  for (const folder of missing) {
    try {
      await mkdir(folder);
    } catch (error) {
      // Another run may have made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") unwritable(directory, error);
    }
  }
}

/** Replaces a file at once: whoever reads it sees the one before or all of this one. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const beside = `${path}.new`;
  try {
    writeFileSync(beside, content);
    renameSync(beside, path);
  } catch (error) {
    unwritable(path, error);
  }
}

/** What the system refuses is told as a diagnostic. */
export async function explained<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    return unwritable(path, error);
  }
}

export function unwritable(path: string, error: unknown): never {
  return fail("file_unwritable", undefined, { path, reason: writeReason(error) });
}

/** Why a write failed, in words. */
export function writeReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOSPC") return "the disk is full";
  if (code === "EDQUOT") return "the quota of disk space is used up";
  if (code === "EFBIG") return "the file would be larger than is allowed";
  if (code === "EROFS") return "it can only be read";
  if (code === "ENOENT") return "its folder is not there, or makes no files";
  return readReason(error);
}
