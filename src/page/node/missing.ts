/** What a page has not: the diagnostic that says so. */
import { fail } from "../../base/diagnostic.js";

/** @throws TildeError */
export function noFiles(): never {
  return fail("page_files", undefined, {});
}

/** An error as the file system's, for what is not found. */
export function notFound(path: string): Error {
  return Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
}
