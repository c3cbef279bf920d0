import type { Distribution } from "../contract.js";
import { alongEvent, spread, sumEvent } from "../shared/batch.js";
import { isCount, onSupport } from "../shared/guard.js";
import { countTimesLog, logProbability } from "../shared/logs.js";
import { arg, array, number, scalar, vector } from "../shared/spec.js";

/** Multinomial(n, p): counts of the K outcomes in n trials, n! Π p[k]^x[k] / x[k]!. */
export const multinomial: Distribution = {
  name: "Multinomial",
  parameterisations: [[scalar("n", "count"), vector("p", "simplex")]],
  event: { rank: 1, scalar: "int", sizeFrom: "p" },
  support: () => ({ kind: "count" }),
  logProb: (g, x, args, batch) => {
    const n = arg(args, "n");
    const size = x.shape[x.shape.length - 1];
    const logP = spread(g, logProbability(g, arg(args, "p")), 1, batch);
    const each = isCount(g, x);
    const counts = g.select(each, x, 0);
    const term = g.sub(countTimesLog(g, counts, logP), g.lgamma(g.add(counts, 1)));
    const wrong = sumEvent(g, g.select(each, 0, 1), 1);
    const total = sumEvent(g, counts, 1);
    const inside = g.and(g.eq(wrong, 0), g.eq(total, n));
    const kernel = onSupport(g, alongEvent(g, inside, [size]), term, 0, (v) => v);
    return g.add(sumEvent(g, kernel, 1), g.lgamma(g.add(n, 1)));
  },
  sample: (rng, args) => {
    const p = array(args, "p");
    let left = number(args, "n");
    let rest = p.reduce((sum, v) => sum + v, 0);
    // One outcome after the other: each is binomial among the trials that are left.
    return p.map((share, k) => {
      if (k === p.length - 1) return left;
      const hits = rest > 0 ? rng.binomial(left, Math.min(1, share / rest)) : 0;
      left -= hits;
      rest -= share;
      return hits;
    });
  },
  mean: (g, args, batch) => {
    const p = spread(g, arg(args, "p"), 1, batch);
    const n = arg(args, "n");
    const size = p.shape[p.shape.length - 1];
    return g.mul(p, n.shape.length === 0 ? n : alongEvent(g, n, [size]));
  },
};
