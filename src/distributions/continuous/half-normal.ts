import { normalQuantile } from "../../math/special/normal.js";
import type { Distribution } from "../contract.js";
import { nonnegativeFinite, onSupport, toBatch } from "../shared/guard.js";
import { HALF_LOG_2PI, LOG_2, logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

const SQRT_HALF = Math.SQRT1_2;

/** HalfNormal(sigma): |Normal(0, σ)|; 2 exp(−x²/2σ²) / (σ √2π) on x ≥ 0. */
export const halfNormal: Distribution = {
  name: "HalfNormal",
  parameterisations: [[scalar("sigma", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => {
    const sigma = arg(args, "sigma");
    const kernel = onSupport(g, nonnegativeFinite(g, x), x, 1, (v) =>
      g.mul(g.square(g.div(v, sigma)), -0.5),
    );
    return g.sub(kernel, g.add(g.log(sigma), HALF_LOG_2PI - LOG_2));
  },
  sample: (rng, args) => number(args, "sigma") * Math.abs(rng.normal()),
  mean: (g, args, batch) => toBatch(g, g.mul(arg(args, "sigma"), Math.sqrt(2 / Math.PI)), batch),
  cdf: (g, x, args) => g.erf(g.mul(g.div(g.max(x, 0), arg(args, "sigma")), SQRT_HALF)),
  logCdf: (g, x, args) => {
    const z = g.div(g.max(x, 0), arg(args, "sigma"));
    const upper = g.gt(z, 1);
    const near = logProbability(g, g.erf(g.mul(g.select(upper, 1, z), SQRT_HALF)));
    const tail = g.log1p(g.neg(g.erfc(g.mul(g.select(upper, z, 1), SQRT_HALF))));
    return g.select(upper, tail, near);
  },
  logCcdf: (g, x, args) => g.add(g.logNdtr(g.neg(g.div(g.max(x, 0), arg(args, "sigma")))), LOG_2),
  quantile: (p, args) => -number(args, "sigma") * normalQuantile((1 - p) / 2),
};
