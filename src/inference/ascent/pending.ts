/**
 * Runs that wait: before a run asks its kernels for what takes a pass over the data, it tells what
 * is pending. On the CPU the kernels answer when they are asked; a device does the pass first, and
 * what the run then asks for is already there.
 */
import type { Graph } from "../../tensor/ops.js";

export type Pending =
  /** The discrete sites' distribution at the present statistics. */
  | { readonly kind: "discrete" }
  /** Sums at the counts that were just written. */
  | { readonly kind: "counts" }
  /** Sums at the last counts with `share` of each row moved to its largest. */
  | { readonly kind: "sharpen"; readonly share: number }
  /** Marginals of the discrete sites at the present statistics. */
  | { readonly kind: "marginals" }
  /** Whole iterations, which only a device takes. */
  | Iterate;

/** A loop whose steps are whole iterations; for a count of numbers that are room enough. */
export interface IterationLoop {
  readonly step: (room: number) => {
    readonly graph: Graph;
    /** Inputs that a step changes, each with the output that is its next value. */
    readonly state: Readonly<Record<string, string>>;
    /** Outputs of which every step's value is wanted. */
    readonly trace: readonly string[];
  };
}

export interface Iterate {
  readonly kind: "iterate";
  readonly loop: IterationLoop;
  /** State to begin with; absent, what the last steps left. */
  readonly begin?: Readonly<Record<string, Float64Array>>;
  /** At most so many steps. */
  readonly steps: number;
  readonly take: (steps: IteratedSteps) => void;
}

export interface IteratedSteps {
  readonly count: number;
  /** A row for each step. */
  readonly rows: Readonly<Record<string, Float64Array>>;
  /** After the steps. */
  readonly state: Readonly<Record<string, Float64Array>>;
}

/** `own`: the kernels answer. `done`: a device did. `lost`: it cannot any more. */
export type Answer = "own" | "done" | "lost";

export type Waiting<T> = Generator<Pending, T, Answer>;

/** Runs to the end on the kernels alone. */
export function finish<T>(run: Waiting<T>): T {
  for (let step = run.next("own"); ; step = run.next("own")) {
    if (step.done === true) return step.value;
  }
}
