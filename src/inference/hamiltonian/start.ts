/** Starting points. */
import { lbfgs } from "../../math/lbfgs.js";
import { stream } from "../../math/rng/index.js";
import type { ChainKey, KernelInstance, StartFailure } from "../contract.js";
import { SITES } from "./random.js";

/** As many random points are tried as Stan tries. */
export const MOST_TRIES = 100;

/**
 * Energies below this are known to about 10⁻⁶. Far beyond it (a recurrence that explodes gives log
 * densities of −10⁷⁹) differences of energy drown in rounding: a chain that starts there takes
 * rounding errors for divergences, shrinks its steps and stays.
 */
const RESOLVABLE = 1e10;
/** Where no random point is resolvable, the best one is moved uphill in rounds of this length. */
const CLIMB_ROUNDS = 50;
/** The search is for a slope that one can stand on, not for the mode: no test of convergence. */
const climbOptions = {
  maxIterations: 20,
  objectiveTolerance: 0,
  relativeObjectiveTolerance: 0,
  gradientTolerance: 0,
  relativeGradientTolerance: 0,
  parameterTolerance: 0,
} as const;

/**
 * Sets `q` to a point where log density and gradient are finite and energies can be told apart:
 * `given`, or points uniform on [-radius, radius]^d until one will do. Where none does, the best of
 * them is moved uphill until it does. The point's log density stays in `mc_lp`.
 */
export function findStart(
  instance: KernelInstance,
  key: ChainKey,
  radius: number,
  given?: Float64Array,
): StartFailure | undefined {
  const q = instance.f64("q");
  const grad = instance.f64("grad");
  const isUsable = (lp: number): boolean => Number.isFinite(lp) && grad.every(Number.isFinite);
  const tries = given === undefined && radius > 0 ? MOST_TRIES : 1;
  let lp = Number.NaN;
  let best: { readonly q: Float64Array; readonly lp: number } | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    if (given !== undefined) q.set(given);
    else {
      const random = stream(key.seed, key.chain, SITES.start, attempt);
      for (let i = 0; i < q.length; i++) q[i] = radius * (2 * random.uniform() - 1);
    }
    lp = instance.call("mc_refresh");
    if (!isUsable(lp)) continue;
    if (lp > -RESOLVABLE) return undefined;
    if (best === undefined || lp > best.lp) best = { q: q.slice(), lp };
  }
  if (best !== undefined) {
    climb(instance, best.q);
    if (isUsable(instance.call("mc_refresh"))) return undefined;
    q.set(best.q);
    instance.call("mc_refresh");
    return undefined;
  }
  const badGradient = [...grad.keys()].filter((i) => !Number.isFinite(grad[i]));
  return { kind: "start", tries, position: q.slice(), lp, badGradient };
}

/** Moves `q` from `from` uphill until its log density is resolvable or nothing is gained. */
function climb(instance: KernelInstance, from: Float64Array): void {
  const q = instance.f64("q");
  const grad = instance.f64("grad");
  const objective = (x: Float64Array, gradient: Float64Array): number => {
    q.set(x);
    const value = -instance.call("mc_refresh");
    for (let i = 0; i < gradient.length; i++) gradient[i] = -grad[i];
    return value;
  };
  let at = from;
  let value = Number.POSITIVE_INFINITY;
  for (let round = 0; round < CLIMB_ROUNDS; round++) {
    const found = lbfgs(objective, at, climbOptions);
    if (!(found.value < value)) break;
    at = found.x;
    value = found.value;
    if (value < RESOLVABLE) break;
  }
  q.set(at);
}
