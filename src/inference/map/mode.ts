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
  readonly status: LbfgsStatus;
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
const TRIES_PER_START = 100;

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
  const evaluate = instance.fn(options.jacobian ? "lp_grad" : "lp_grad_nojac");
  const radius = options.initRadius ?? 2;
  const objective = (x: Float64Array, gradient: Float64Array): number => {
    q.set(x);
    const lp = evaluate();
    for (let i = 0; i < gradient.length; i++) gradient[i] = -grad[i];
    return -lp;
  };

  const searches: ModeSearch[] = [];
  let tries = 0;
  let failure: NoMode | undefined;
  for (let start = 0; start < options.starts; start++) {
    for (let attempt = 0; attempt < TRIES_PER_START; attempt++) {
      const random = stream(seed, start, SITES.start, attempt);
      const from = Float64Array.from(q, () => radius * (2 * random.uniform() - 1));
      tries += 1;
      const found = lbfgs(objective, from, { maxIterations: options.maxIterations });
      if (found.status !== "non-finite-start") {
        const { x, value, gradientNorm, iterations, evaluations, status, converged } = found;
        searches.push({
          q: x,
          lp: -value,
          gradientNorm,
          iterations,
          evaluations,
          status,
          converged,
        });
        break;
      }
      const badGradient = [...grad.keys()].filter((i) => !Number.isFinite(grad[i]));
      failure = { kind: "failed", tries, position: from, lp: -found.value, badGradient };
    }
    // Where no random point at all is usable for one start, the others fare no better.
    if (searches.length <= start && failure !== undefined) break;
  }
  if (searches.length === 0) return failure!;
  // A search that converged is better than one that ran away up an unbounded density.
  searches.sort((a, b) => Number(b.converged) - Number(a.converged) || b.lp - a.lp);
  const [best] = searches;
  q.set(best.q);
  instance.call("constrain");
  return { kind: "found", best, constrained: instance.f64("constrained").slice(), searches };
}
