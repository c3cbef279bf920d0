/**
 * `node:fs` in a page: the standard library can be read, and nothing else; nothing can be written.
 * The texts of the library are put in place of `tilde:stdlib` by the bundler.
 */
import texts from "tilde:stdlib";
import { noFiles, notFound } from "./missing.js";

/** The name of a text of the library, from the path of its file. */
function entryOf(path: string): string | undefined {
  const entry = /\/stdlib\/(.*)$/.exec(path)?.[1];
  return entry !== undefined && Object.hasOwn(texts, entry) ? entry : undefined;
}

/**
 * Threads of chains need memory that is shared, which a page has only where it is isolated, and a
 * module of their own beside the one that asks.
 */
function hasThreads(): boolean {
  const page = globalThis as { readonly crossOriginIsolated?: boolean };
  return page.crossOriginIsolated === true && "Worker" in globalThis;
}

/**
 * Whether there is a text of the library, its folder (`…/stdlib/`), the root, or a thread's module. Helpers of
 * one instance are none of them: the thread that they help waits, and a page's must not.
 */
export function existsSync(path: string | URL): boolean {
  if (typeof path !== "string") return path.pathname.endsWith("/worker.js") && hasThreads();
  return path === "/" || path.endsWith("/stdlib/") || entryOf(path) !== undefined;
}

export function readFileSync(path: string): string {
  const entry = entryOf(path);
  if (entry === undefined) throw notFound(path);
  return texts[entry];
}

export const closeSync = noFiles;
export const ftruncateSync = noFiles;
export const mkdirSync = noFiles;
export const mkdtempSync = noFiles;
export const openSync = noFiles;
export const readSync = noFiles;
export const readdirSync = noFiles;
export const renameSync = noFiles;
export const rmSync = noFiles;
export const statSync = noFiles;
export const writeFileSync = noFiles;
export const writeSync = noFiles;
export const appendFileSync = noFiles;
export const copyFileSync = noFiles;
export const fstatSync = noFiles;
export const fsyncSync = noFiles;
export const unlinkSync = noFiles;
