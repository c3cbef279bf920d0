/** The first step size: doubled or halved until one leapfrog step accepts about as often as δ. */

/** Beyond these the density is improper, or not continuous (Stan's limits). */
const LARGEST_STEP = 1e7;
const LOG_THRESHOLD = Math.log(0.8);

export type StepSizeSearch =
  | { readonly kind: "found"; readonly stepSize: number }
  /** Any step is accepted: the density does not fall off. */
  | { readonly kind: "unbounded" }
  /** No step is: the density jumps, or its gradient is wrong. */
  | { readonly kind: "vanishing" };

/**
 * Stan's `init_stepsize` (after Hoffman and Gelman 2014, algorithm 4). `probe(epsilon)` makes one
 * leapfrog step with a new momentum and gives the fall in energy; NaN counts as -∞.
 */
export function findStepSize(start: number, probe: (epsilon: number) => number): StepSizeSearch {
  const accepts = (epsilon: number): boolean => probe(epsilon) > LOG_THRESHOLD;
  let epsilon = start;
  const grow = accepts(epsilon);
  while (accepts(epsilon) === grow) {
    epsilon *= grow ? 2 : 0.5;
    if (epsilon > LARGEST_STEP) return { kind: "unbounded" };
    if (epsilon === 0) return { kind: "vanishing" };
  }
  return { kind: "found", stepSize: epsilon };
}
