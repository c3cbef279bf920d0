/**
 * Maximum a posteriori by L-BFGS. The search runs in unconstrained coordinates, where no step can
 * leave the support, on one of two densities:
 *
 * - without Jacobian (`lp_grad_nojac`, the default): the density of the constrained parameters, in
 *   whose coordinates the mode is what statistics calls the MAP estimate (with flat priors, the
 *   maximum likelihood estimate);
 * - with Jacobian (`lp_grad`): the density of the unconstrained coordinates, whose mode depends on
 *   the transforms but exists more often, and is where a Laplace approximation belongs.
 */
import { type LbfgsStatus, lbfgs } from "../../math/lbfgs.js";
import { stream } from "../../math/rng/index.js";
import type { KernelInstance } from "../contract.js";
import { SITES } from "../hamiltonian/random.js";

export interface ModeOptions {
  /** Random starting points; the best mode found from any of them is given. */
  readonly starts: number;
  /** Of each search. */
  readonly maxIterations: number;
  /** Starting points are uniform on [-initRadius, initRadius]. Default 2. */
  readonly initRadius?: number;
  /** Whether the density includes the Jacobian of the transforms. */
  readonly jacobian: boolean;
}

/** A search's end. `status` says which test ended it, as in src/math/lbfgs.ts. */
export interface ModeSearch {
  readonly q: Float64Array;
  /** Log density at q, of the kind that was searched. */
  readonly lp: number;
  readonly gradientNorm: number;
  readonly iterations: number;
  readonly evaluations: number;
  readonly status: LbfgsStatus | "interrupted";
  readonly converged: boolean;
}

export interface Mode {
  readonly kind: "found";
  readonly best: ModeSearch;
  /** The mode in constrained coordinates. */
  readonly constrained: Float64Array;
  /** Every start's search, best first; those that began where the density is not finite are out. */
  readonly searches: readonly ModeSearch[];
}

/** No start had a finite density and gradient; see `StartFailure`. */
export interface NoMode {
  readonly kind: "failed";
  readonly tries: number;
  readonly position: Float64Array;
  readonly lp: number;
  readonly badGradient: readonly number[];
}

/** Random points tried until one will do, for every start. */
export const TRIES_PER_START = 100;

/** The point that try `attempt` of a start begins at. */
export function startPoint(
  seed: number | bigint,
  start: number,
  attempt: number,
  dimension: number,
  radius = 2,
): Float64Array {
  const random = stream(seed, start, SITES.start, attempt);
  return Float64Array.from({ length: dimension }, () => radius * (2 * random.uniform() - 1));
}

/** A search that converged is better than one that ran away up an unbounded density. */
export function bestFirst(searches: readonly ModeSearch[]): ModeSearch[] {
  return [...searches].sort((a, b) => Number(b.converged) - Number(a.converged) || b.lp - a.lp);
}

/** One search, from a given point. */
export function searchFrom(
  instance: KernelInstance,
  from: Float64Array,
  { jacobian, maxIterations }: Pick<ModeOptions, "jacobian" | "maxIterations">,
): ModeSearch {
  const q = instance.f64("q");
  const grad = instance.f64("grad");
  const evaluate = instance.fn(jacobian ? "lp_grad" : "lp_grad_nojac");
  const objective = (x: Float64Array, gradient: Float64Array): number => {
    q.set(x);
    const lp = evaluate();
    for (let i = 0; i < gradient.length; i++) gradient[i] = -grad[i];
    return -lp;
  };
  const found = lbfgs(objective, from, { maxIterations });
  const { x, value, gradientNorm, iterations, evaluations, status, converged } = found;
  return { q: x, lp: -value, gradientNorm, iterations, evaluations, status, converged };
}

/**
 * Finds the posterior mode of a model's kernels (`lp_grad`, `lp_grad_nojac`, `constrain`). The
 * starting points depend on the seed alone. Leaves q at the mode.
 */
export function findMode(
  instance: KernelInstance,
  options: ModeOptions,
  seed: number | bigint,
): Mode | NoMode {
  const q = instance.f64("q");
  const grad = instance.f64("grad");
  const searches: ModeSearch[] = [];
  let tries = 0;
  let failure: NoMode | undefined;
  for (let start = 0; start < options.starts; start++) {
    for (let attempt = 0; attempt < TRIES_PER_START; attempt++) {
      const from = startPoint(seed, start, attempt, q.length, options.initRadius);
      tries += 1;
      const found = searchFrom(instance, from, options);
      if (found.status !== "non-finite-start") {
        searches.push(found);
        break;
      }
      const badGradient = [...grad.keys()].filter((i) => !Number.isFinite(grad[i]));
      failure = { kind: "failed", tries, position: from, lp: found.lp, badGradient };
    }
    // Where no random point at all is usable for one start, the others fare no better.
    if (searches.length <= start && failure !== undefined) break;
  }
  if (searches.length === 0) return failure!;
  const sorted = bestFirst(searches);
  const [best] = sorted;
  q.set(best.q);
  instance.call("constrain");
  return {
    kind: "found",
    best,
    constrained: instance.f64("constrained").slice(),
    searches: sorted,
  };
}
