/** `node:fs/promises` in a page: what is read is fetched; nothing can be written. */
import { noFiles, notFound } from "./missing.js";

export async function readFile(path: string): Promise<Uint8Array>;
export async function readFile(path: string, encoding: "utf8"): Promise<string>;
export async function readFile(path: string, encoding?: "utf8"): Promise<Uint8Array | string> {
  const response = await fetch(path);
  if (response.status === 404) throw notFound(path);
  if (!response.ok) throw Object.assign(new Error(path), { code: String(response.status) });
  return encoding === "utf8" ? await response.text() : new Uint8Array(await response.arrayBuffer());
}

export const mkdir = noFiles;
export const open = noFiles;
export const readdir = noFiles;
export const rm = noFiles;
export const rename = noFiles;
export const writeFile = noFiles;
