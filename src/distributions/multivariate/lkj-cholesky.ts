import type { Distribution } from "../contract.js";
import { alongEvent, diagonal, spread, sumEvent } from "../shared/batch.js";
import { onSupport } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";
import { lkjFactor, logLkjNormaliser } from "./lkj-kernel.js";

/**
 * LKJCholesky(eta, D): the lower Cholesky factor L of R = L L' ~ LKJ(η). Density with respect to
 * the elements below the diagonal: Π_{i=1}^{D−1} L[i, i]^{D−1−i+2(η−1)}, i from 0 (Stan Functions
 * Reference, lkj_corr_cholesky; Lewandowski et al. 2009).
 */
export const lkjCholesky: Distribution = {
  name: "LKJCholesky",
  parameterisations: [[scalar("eta", "positive"), scalar("D", "size")]],
  event: { rank: 2, scalar: "real", sizeFrom: "D" },
  support: () => ({ kind: "cholesky_corr" }),
  logProb: (g, x, args, batch) => {
    const eta = arg(args, "eta");
    const size = x.shape[x.shape.length - 1];
    const d = diagonal(g, x);
    const wrong = sumEvent(g, g.select(g.gt(d, 0), 0, 1), 1);
    const inside = alongEvent(g, g.eq(wrong, 0), [size]);
    const logs = g.log(g.select(inside, d, 1));
    // L[0, 0] = 1 always: its exponent plays no part.
    const fixed = g.constant(
      Float64Array.from({ length: size }, (_, i) => (i === 0 ? 0 : size - 1 - i)),
      [size],
    );
    const counted = g.constant(
      Float64Array.from({ length: size }, (_, i) => (i === 0 ? 0 : 2)),
      [size],
    );
    const corner = sumEvent(g, g.mul(logs, spread(g, fixed, 1, batch)), 1);
    const determinant = sumEvent(g, g.mul(logs, spread(g, counted, 1, batch)), 1);
    const kernel = g.add(corner, g.mul(determinant, g.sub(eta, 1)));
    const guarded = onSupport(g, g.eq(wrong, 0), kernel, 0, (v) => v);
    return g.sub(guarded, logLkjNormaliser(g, eta, size));
  },
  sample: (rng, args) => lkjFactor(rng, number(args, "eta"), number(args, "D")),
};
