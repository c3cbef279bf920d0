/** Diagnostic texts of the syntax stage. */
import { error } from "./entry.js";

export const syntaxMessages = {
  syntax_placeholder: error((_: Record<string, never>) => ({ message: "placeholder" })),
} as const;
