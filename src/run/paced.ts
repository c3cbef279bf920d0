/** Runs that wait, on the CPU's own kernels. */
import type { Waiting } from "../inference/ascent/pending.js";

/** So long a run works between looks at timers and signals. */
const SLICE_MS = 50;

/** Runs to the end; timers and signals are heard between passes. */
export async function paced<T>(run: Waiting<T>): Promise<T> {
  let begun = performance.now();
  for (;;) {
    const step = run.next("own");
    if (step.done === true) return step.value;
    if (performance.now() - begun < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    begun = performance.now();
  }
}
