/** `tilde fmt`: formats files in place. */
import { writeFile } from "node:fs/promises";
import { fail, TildeError } from "../base/diagnostic.js";
import { loadSource, readReason } from "../run/sources.js";
import { formatSource } from "../syntax/format.js";
import type { ExitCode } from "./exit-code.js";
import { reportFailure } from "./failure.js";

export async function formatCommand(
  files: readonly string[],
  options: { readonly check?: boolean; readonly stdout?: boolean },
): Promise<ExitCode> {
  let code: ExitCode = 0;
  for (const file of files) {
    // One file that cannot be read or formatted leaves the others to be.
    try {
      if (!(await formatFile(file, options))) code = 1;
    } catch (error) {
      code = reportFailure(error);
    }
  }
  return code;
}

/** False where `--check` finds the file not formatted. */
async function formatFile(
  file: string,
  options: { readonly check?: boolean; readonly stdout?: boolean },
): Promise<boolean> {
  const source = await loadSource(file);
  const result = formatSource(source);
  if ("diagnostics" in result) throw new TildeError(result.diagnostics);
  if (options.stdout) {
    process.stdout.write(result.text);
    return true;
  }
  if (result.text === source.text) return true;
  process.stderr.write(`${file}${options.check ? " is not formatted" : " formatted"}\n`);
  if (!options.check) await write(file, result.text);
  return options.check !== true;
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    fail("file_unwritable", undefined, { path, reason: readReason(error) });
  }
}
