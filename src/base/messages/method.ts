/** Diagnostic texts of the method stage. */
import { error } from "./entry.js";

export const methodMessages = {
  method_placeholder: error((_: Record<string, never>) => ({ message: "placeholder" })),
} as const;
