import type { Distribution } from "../contract.js";
import { alongEvent, spread, sumEvent } from "../shared/batch.js";
import { lgammaDifference } from "../shared/gamma.js";
import { isCount, onSupport } from "../shared/guard.js";
import { arg, array, number, scalar, vector } from "../shared/spec.js";

/**
 * DirichletMultinomial(n, alpha): Multinomial(n, p) with p drawn from Dirichlet(alpha), that is
 * n! Γ(A) / Γ(n + A) Π Γ(x[k] + α[k]) / (x[k]! Γ(α[k])) with A = Σ α.
 */
export const dirichletMultinomial: Distribution = {
  name: "DirichletMultinomial",
  parameterisations: [[scalar("n", "count"), vector("alpha", "positive_vector")]],
  event: { rank: 1, scalar: "int", sizeFrom: "alpha" },
  support: () => ({ kind: "count" }),
  logProb: (g, x, args, batch) => {
    const n = arg(args, "n");
    const own = arg(args, "alpha");
    const size = x.shape[x.shape.length - 1];
    const alpha = spread(g, own, 1, batch);
    const each = isCount(g, x);
    const counts = g.select(each, x, 0);
    const term = g.sub(lgammaDifference(g, alpha, counts), g.lgamma(g.add(counts, 1)));
    const wrong = sumEvent(g, g.select(each, 0, 1), 1);
    const inside = g.and(g.eq(wrong, 0), g.eq(sumEvent(g, counts, 1), n));
    const kernel = onSupport(g, alongEvent(g, inside, [size]), term, 0, (v) => v);
    const normaliser = g.sub(lgammaDifference(g, sumEvent(g, own, 1), n), g.lgamma(g.add(n, 1)));
    return g.sub(sumEvent(g, kernel, 1), normaliser);
  },
  sample: (rng, args) => {
    const p = rng.dirichlet(array(args, "alpha"));
    let left = number(args, "n");
    let rest = 1;
    return p.map((share, k) => {
      if (k === p.length - 1) return left;
      const hits = rest > 0 ? rng.binomial(left, Math.min(1, share / rest)) : 0;
      left -= hits;
      rest -= share;
      return hits;
    });
  },
  mean: (g, args, batch) => {
    const own = arg(args, "alpha");
    const size = own.shape[own.shape.length - 1];
    const share = g.div(own, alongEvent(g, sumEvent(g, own, 1), [size]));
    const n = arg(args, "n");
    return g.mul(spread(g, share, 1, batch), n.shape.length === 0 ? n : alongEvent(g, n, [size]));
  },
};
