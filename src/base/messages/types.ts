/** Diagnostic texts of the types stage. */
import { error } from "./entry.js";

export const typeMessages = {
  type_placeholder: error((_: Record<string, never>) => ({ message: "placeholder" })),
} as const;
