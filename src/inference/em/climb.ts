/**
 * An M-step without a closed form: L-BFGS on Q in unconstrained coordinates, accepted only where Q
 * does not fall (generalised EM: Dempster, Laird & Rubin 1977, section 3).
 */
import { lbfgs } from "../../math/lbfgs.js";
import type { Objective } from "../../math/line-search.js";
import type { Coordinates } from "./coordinates.js";

/** Q and its gradient in the parameter's own scalars. */
export type OwnObjective = (own: Float64Array) => {
  readonly value: number;
  readonly slope: Float64Array;
};

/** Unconstrained numbers of values on the edge of a support are taken to be this far out. */
const EDGE = 30;

/** The values after at most so many steps uphill; undefined where none goes up. */
export function climb(
  coordinates: Coordinates,
  q: OwnObjective,
  from: Float64Array,
  maxIterations: number,
): Float64Array | undefined {
  const start = coordinates.free(from).map((u) => Math.min(Math.max(u, -EDGE), EDGE));
  const inside = coordinates.free(from).every(Number.isFinite) ? coordinates.free(from) : start;
  const objective: Objective = (u, gradient) => {
    const { value, slope } = q(coordinates.own(u));
    const pulled = coordinates.pull(u, slope);
    for (let i = 0; i < gradient.length; i++) gradient[i] = -pulled[i];
    return -value;
  };
  const before = q(from).value;
  const found = lbfgs(objective, inside, { maxIterations });
  if (found.status === "non-finite-start" || !(-found.value >= before)) return undefined;
  return coordinates.own(found.x);
}
