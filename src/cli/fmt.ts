/** `tilde fmt`: formats files in place. */
import { writeFile } from "node:fs/promises";
import { fail, TildeError } from "../base/diagnostic.js";
import { loadSource, readReason } from "../run/sources.js";
import { formatSource } from "../syntax/format.js";
import { reportFailure } from "./failure.js";
import type { ExitCode } from "./main.js";

export async function formatCommand(
  files: readonly string[],
  options: { readonly check?: boolean; readonly stdout?: boolean },
): Promise<ExitCode> {
  let code: ExitCode = 0;
  for (const file of files) {
    const source = await loadSource(file);
    const result = formatSource(source);
    if ("diagnostics" in result) {
      code = reportFailure(new TildeError(result.diagnostics));
    } else if (options.stdout) {
      process.stdout.write(result.text);
    } else if (result.text !== source.text) {
      process.stderr.write(`${file}${options.check ? " is not formatted" : " formatted"}\n`);
      if (options.check) code = 1;
      else await write(file, result.text);
    }
  }
  return code;
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    fail("file_unwritable", undefined, { path, reason: readReason(error) });
  }
}
