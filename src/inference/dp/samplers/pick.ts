/** One index in proportion to the exponentials of log weights. */
import { internalError } from "../../../base/internal.js";

/** Below this, a weight changes no sum of doubles that holds the largest. */
const NEGLIGIBLE = -45;

/**
 * The index that the uniform number `u` in (0, 1) points at; `logWeights` are used up. NaN counts
 * as −∞; that nothing is possible is an internal error, since every item can at least be alone.
 */
export function pick(logWeights: Float64Array, count: number, u: number): number {
  let top = -Infinity;
  for (let k = 0; k < count; k++) if (logWeights[k] > top) top = logWeights[k];
  if (top === -Infinity) internalError("no cluster has a positive weight");
  let total = 0;
  for (let k = 0; k < count; k++) {
    const d = logWeights[k] - top;
    const w = d > NEGLIGIBLE ? Math.exp(d) : 0;
    total += w;
    logWeights[k] = w;
  }
  let left = u * total;
  let last = 0;
  for (let k = 0; k < count; k++) {
    const w = logWeights[k];
    if (w === 0) continue;
    last = k;
    left -= w;
    if (left < 0) return k;
  }
  return last;
}
