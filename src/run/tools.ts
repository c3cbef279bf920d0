/** Tools over program text that need no data: what editors call. */
import { type Diagnostic, TildeError } from "../base/diagnostic.js";
import { formatSource } from "../syntax/format.js";
import { checkSource } from "./compile.js";

/** Every error and warning of a text, in its order; empty where nothing is wrong. */
export function check(text: string, path = "<ppl>"): readonly Diagnostic[] {
  return checkSource({ path, text }).diagnostics;
}

/**
 * The text in standard format.
 * @throws TildeError where the text does not parse.
 */
export function format(text: string, path = "<ppl>"): string {
  const result = formatSource({ path, text });
  if ("diagnostics" in result) throw new TildeError(result.diagnostics);
  return result.text;
}
