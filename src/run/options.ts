/** Options of `infer`. */
import type { Method } from "./methods.js";
import type { SessionProgress } from "./session.js";

export interface InferOptions {
  /** Inputs and observed sites by name: numbers, booleans, null for missing, (typed) arrays. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly method?: Method;
  /** A whole number; the same seed gives the same draws. Default 1. */
  readonly seed?: number;
  readonly threads?: number;
  /** Aborting ends the run with the draws so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SessionProgress) => void;
}
