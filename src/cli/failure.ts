/** How failures reach the terminal: diagnostics as such, our own bugs as a request for a report. */
import { TildeError } from "../base/diagnostic.js";
import { InternalError } from "../base/internal.js";
import { renderDiagnostics } from "../base/render.js";

/** Colours where the stream is a terminal and nobody asked for none. */
export function wantsColor(stream: NodeJS.WriteStream): boolean {
  if (process.env.NO_COLOR !== undefined && process.env.NO_COLOR !== "") return false;
  return stream.isTTY === true;
}

/** Prints what went wrong to stderr; the exit code is 1. */
export function reportFailure(error: unknown): 1 {
  if (error instanceof TildeError) {
    const text = renderDiagnostics(error.diagnostics, { color: wantsColor(process.stderr) });
    process.stderr.write(`${text}\n`);
    return 1;
  }
  const internal =
    error instanceof InternalError
      ? error
      : new InternalError(error instanceof Error ? error.message : String(error));
  process.stderr.write(`${internal.message}\n`);
  if (process.env.TILDE_DEBUG !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  return 1;
}
