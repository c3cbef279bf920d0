/** Diagnostic texts of the data stage. */
import { error } from "./entry.js";

export const dataMessages = {
  data_placeholder: error((_: Record<string, never>) => ({ message: "placeholder" })),
} as const;
