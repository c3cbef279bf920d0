/** Program text from files, and the files that it imports. */
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fail } from "../base/diagnostic.js";
import type { Source } from "../base/span.js";
import type { LoadImport } from "../elaborate/index.js";
import { parseSource } from "../syntax/parse.js";

/** @throws TildeError where the file cannot be read. */
export async function loadSource(path: string): Promise<Source> {
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch (error) {
    return fail("file_unreadable", undefined, { path, reason: readReason(error) });
  }
}

export function readReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES") return "access is denied";
  return `the system says ${code ?? String(error)}`;
}

/** The folder of the standard library: beside `dist` in a package, beside `src` in a checkout. */
const stdlib = ["../../../stdlib/", "../../stdlib/"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

/**
 * The file that an import names: a path relative to the importing file, or a stdlib entry. Only
 * `.ppl` files are ever opened, so that a model from a stranger cannot look around.
 */
export const loadImport: LoadImport = (path, from) => {
  const file =
    typeof path === "string"
      ? resolve(dirname(from.path), path)
      : stdlib === undefined
        ? undefined
        : `${resolve(stdlib, ...path)}.ppl`;
  if (file === undefined || !file.endsWith(".ppl") || !existsSync(file)) return undefined;
  const { ast, diagnostics } = parseSource({ path: file, text: readFileSync(file, "utf8") });
  return diagnostics.some((d) => d.severity === "error") ? diagnostics : ast;
};
