import type { Distribution } from "../contract.js";
import { nonnegativeFinite, onSupport } from "../shared/guard.js";
import { LOG_2, LOG_PI, log1pSquare, logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** HalfCauchy(sigma): |Cauchy(0, σ)|; 2 / (π σ (1 + x²/σ²)) on x ≥ 0. It has no mean. */
export const halfCauchy: Distribution = {
  name: "HalfCauchy",
  parameterisations: [[scalar("sigma", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => {
    const sigma = arg(args, "sigma");
    const kernel = onSupport(g, nonnegativeFinite(g, x), x, 1, (v) =>
      g.neg(log1pSquare(g, g.div(v, sigma))),
    );
    return g.sub(kernel, g.add(g.log(sigma), LOG_PI - LOG_2));
  },
  sample: (rng, args) => number(args, "sigma") * Math.tan((Math.PI / 2) * rng.uniform()),
  cdf: (g, x, args) => g.mul(g.atan(g.div(g.max(x, 0), arg(args, "sigma"))), 2 / Math.PI),
  logCdf: (g, x, args) =>
    logProbability(g, g.mul(g.atan(g.div(g.max(x, 0), arg(args, "sigma"))), 2 / Math.PI)),
  logCcdf: (g, x, args) => {
    const z = g.div(g.max(x, 0), arg(args, "sigma"));
    return g.log(g.mul(g.atan2(g.add(g.mul(z, 0), 1), z), 2 / Math.PI));
  },
  quantile: (p, args) => number(args, "sigma") * Math.tan((Math.PI / 2) * p),
};
