import { normalQuantile } from "../../math/special/normal.js";
import type { Distribution } from "../contract.js";
import { toBatch } from "../shared/guard.js";
import { standardise } from "../shared/location-scale.js";
import { HALF_LOG_2PI } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** Normal(mu, sigma): exp(−z²/2) / (σ √2π), z = (x − μ)/σ. */
export const normal: Distribution = {
  name: "Normal",
  parameterisations: [[scalar("mu", "real"), scalar("sigma", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "real" }),
  logProb: (g, x, args) => {
    const z = standardise(g, x, args, "mu", "sigma");
    const normaliser = g.add(g.log(arg(args, "sigma")), HALF_LOG_2PI);
    return g.sub(g.mul(g.square(z), -0.5), normaliser);
  },
  sample: (rng, args) => number(args, "mu") + number(args, "sigma") * rng.normal(),
  mean: (g, args, batch) => toBatch(g, arg(args, "mu"), batch),
  cdf: (g, x, args) => g.exp(g.logNdtr(standardise(g, x, args, "mu", "sigma"))),
  logCdf: (g, x, args) => g.logNdtr(standardise(g, x, args, "mu", "sigma")),
  logCcdf: (g, x, args) => g.logNdtr(g.neg(standardise(g, x, args, "mu", "sigma"))),
  quantile: (p, args) => number(args, "mu") + number(args, "sigma") * normalQuantile(p),
};
