/** `tilde check`: every diagnostic of the files. */
import { type Diagnostic, TildeError } from "../base/diagnostic.js";
import { diagnosticToJson, renderDiagnostics } from "../base/render.js";
import { checkSource } from "../run/compile.js";
import { loadSource } from "../run/sources.js";
import type { ExitCode } from "./exit-code.js";
import { wantsColor } from "./failure.js";

export async function checkCommand(
  files: readonly string[],
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const all: Diagnostic[] = [];
  for (const file of files) all.push(...(await diagnosticsOf(file)));
  const errors = all.filter((d) => d.severity === "error").length;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(all.map(diagnosticToJson), null, 2)}\n`);
  } else if (all.length > 0) {
    process.stdout.write(`${renderDiagnostics(all, { color: wantsColor(process.stdout) })}\n`);
  }
  if (!options.json) {
    const count = (n: number, word: string) => `${n} ${word}${n === 1 ? "" : "s"}`;
    const summary = `${count(errors, "error")}, ${count(all.length - errors, "warning")}`;
    process.stderr.write(`${summary}\n`);
  }
  return errors > 0 ? 1 : 0;
}

/** A file that cannot be read is one diagnostic among the others. */
async function diagnosticsOf(file: string): Promise<readonly Diagnostic[]> {
  try {
    return checkSource(await loadSource(file)).diagnostics;
  } catch (error) {
    if (error instanceof TildeError) return error.diagnostics;
    throw error;
  }
}
