/**
 * Runs that wait: before a run asks its kernels for what takes a pass over the data, it tells what
 * is pending. On the CPU the kernels answer when they are asked; a device does the pass first, and
 * what the run then asks for is already there.
 */

export type Pending =
  /** The discrete sites' distribution at the present statistics. */
  | { readonly kind: "discrete" }
  /** Sums at the counts that were just written. */
  | { readonly kind: "counts" }
  /** Sums at the last counts with `share` of each row moved to its largest. */
  | { readonly kind: "sharpen"; readonly share: number }
  /** Marginals of the discrete sites at the present statistics. */
  | { readonly kind: "marginals" };

/** `own`: the kernels answer. `done`: a device did. `lost`: it cannot any more. */
export type Answer = "own" | "done" | "lost";

export type Waiting<T> = Generator<Pending, T, Answer>;

/** Runs to the end on the kernels alone. */
export function finish<T>(run: Waiting<T>): T {
  for (let step = run.next("own"); ; step = run.next("own")) {
    if (step.done === true) return step.value;
  }
}
