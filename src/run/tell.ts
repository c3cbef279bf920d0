/** What runs that are no chains tell of their way. */

import { CallbackError } from "./callback.js";
import type { InferOptions } from "./options.js";

/** Tells of `done` steps, each of which takes a gradient or a pass over the data. */
export function tellSteps(
  { onProgress }: Pick<InferOptions, "onProgress">,
  done: number,
  total: number,
  stepSize = 0,
  phase: "warmup" | "sampling" = "sampling",
): void {
  try {
    const progress = { done, total, divergences: 0, gradients: done, stepSize };
    onProgress?.({ chain: 0, phase, ...progress });
  } catch (error) {
    throw new CallbackError("onProgress", { cause: error });
  }
}
