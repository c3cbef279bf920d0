/** Sums over discrete sites by listing every assignment, with the interpreter's log joint. */
import type { DiscreteSite } from "../../../src/inference/logjoint/discrete/index.js";
import type { DataSet } from "../../../src/model/data.js";
import type { Conditioned } from "../../../src/passes/condition/index.js";
import { logJointOf } from "../../../src/passes/interpret/log-joint.js";

export interface Assignment {
  /** A value for each element, in the order of the sites' offsets. */
  readonly values: readonly number[];
  readonly logJoint: number;
}

/**
 * Every assignment of the discrete elements with its log joint. A value beyond an element's own
 * support is none: `counts` tells how many values an element has where they differ.
 */
export function assignments(
  conditioned: Conditioned,
  sites: readonly DiscreteSite[],
  continuous: DataSet,
  own: (site: string, element: number) => number | undefined = () => undefined,
): Assignment[] {
  const elements = sites.flatMap((site) => {
    const n = site.dims.reduce((m, d) => m * d, 1);
    return Array.from({ length: n }, (_, k) => ({
      site,
      k,
      count: own(site.name, k) ?? site.count,
    }));
  });
  const out: Assignment[] = [];
  const state = elements.map(() => 0);
  for (;;) {
    const values = new Map(continuous);
    for (const site of sites) {
      const n = site.dims.reduce((m, d) => m * d, 1);
      const data = Float64Array.from({ length: n }, (_, k) => site.low + state[site.offset + k]);
      values.set(site.name, { dims: site.dims, data });
    }
    const joint = logJointOf(conditioned, values);
    out.push({ values: elements.map((e, i) => e.site.low + state[i]), logJoint: joint });
    let at = state.length - 1;
    while (at >= 0 && state[at] === elements[at].count - 1) state[at--] = 0;
    if (at < 0) return out;
    state[at]++;
  }
}

export function logSumExp(xs: readonly number[]): number {
  const top = Math.max(...xs);
  if (top === Number.NEGATIVE_INFINITY) return top;
  return top + Math.log(xs.reduce((n, x) => n + Math.exp(x - top), 0));
}
