/** What is thrown at users: diagnostics, requests for a report, and their own errors as they are. */
import { diagnostic, TildeError } from "../base/diagnostic.js";
import { InternalError } from "../base/internal.js";
import { renderDiagnostics } from "../base/render.js";
import { CallbackError } from "./callback.js";
import { DivergedError } from "./svi/diverged.js";

/** What the engine says where an array does not fit into memory. */
const noMemory = /allocation failed|could not allocate|Invalid (typed )?array (buffer )?length/i;

/** The same failure as a diagnostic, where memory is what lacks. */
export function withoutMemory(error: unknown): unknown {
  if (!(error instanceof RangeError && noMemory.test(error.message))) return error;
  return new TildeError([diagnostic("out_of_memory", undefined, {})]);
}

/** Diagnostics become text with the lines they point at; nothing raw gets through. */
export function presentable(error: unknown): unknown {
  if (error instanceof CallbackError) return error.cause;
  const known = withoutMemory(error);
  if (known instanceof DivergedError) return known.rendered();
  if (known instanceof TildeError) {
    return new TildeError(known.diagnostics, renderDiagnostics(known.diagnostics));
  }
  if (known instanceof InternalError) return known;
  const what = known instanceof Error ? known.message : String(known);
  return new InternalError(what, { cause: known });
}
