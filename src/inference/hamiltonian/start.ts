/** Starting points. */
import { stream } from "../../math/rng/index.js";
import type { ChainKey, KernelInstance, StartFailure } from "../contract.js";
import { SITES } from "./random.js";

/** As many random points are tried as Stan tries. */
export const MOST_TRIES = 100;

/**
 * Sets `q` to a point where log density and gradient are finite: `given`, or points uniform on
 * [-radius, radius]^d until one will do. The point's log density stays in `mc_lp`.
 */
export function findStart(
  instance: KernelInstance,
  key: ChainKey,
  radius: number,
  given?: Float64Array,
): StartFailure | undefined {
  const q = instance.f64("q");
  const grad = instance.f64("grad");
  const tries = given === undefined && radius > 0 ? MOST_TRIES : 1;
  let lp = Number.NaN;
  for (let attempt = 0; attempt < tries; attempt++) {
    if (given !== undefined) q.set(given);
    else {
      const random = stream(key.seed, key.chain, SITES.start, attempt);
      for (let i = 0; i < q.length; i++) q[i] = radius * (2 * random.uniform() - 1);
    }
    lp = instance.call("mc_refresh");
    if (Number.isFinite(lp) && grad.every(Number.isFinite)) return undefined;
  }
  const badGradient = [...grad.keys()].filter((i) => !Number.isFinite(grad[i]));
  return { kind: "start", tries, position: q.slice(), lp, badGradient };
}
