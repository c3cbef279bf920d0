/** Diagnostic texts of the types stage. */
import { error } from "./entry.js";

export const typesMessages = {
  types_placeholder: error((_: Record<string, never>) => ({ message: "placeholder" })),
} as const;
