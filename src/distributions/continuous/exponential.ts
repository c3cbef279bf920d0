import type { Distribution } from "../contract.js";
import { nonnegativeFinite, onSupport, toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";

/** Exponential(rate): rate · exp(−rate · x) on x ≥ 0. */
export const exponential: Distribution = {
  name: "Exponential",
  parameterisations: [[scalar("rate", "positive")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "positive" }),
  logProb: (g, x, args) => {
    const rate = arg(args, "rate");
    const kernel = onSupport(g, nonnegativeFinite(g, x), x, 1, (v) => g.neg(g.mul(rate, v)));
    return g.add(kernel, g.log(rate));
  },
  sample: (rng, args) => rng.exponential() / number(args, "rate"),
  mean: (g, args, batch) => toBatch(g, g.reciprocal(arg(args, "rate")), batch),
  cdf: (g, x, args) => g.neg(g.expm1(g.neg(g.mul(arg(args, "rate"), g.max(x, 0))))),
  logCdf: (g, x, args) => {
    const positive = g.gt(x, 0);
    const t = g.neg(g.mul(arg(args, "rate"), g.select(positive, x, 1)));
    return g.select(positive, g.log1mexp(t), -Infinity);
  },
  logCcdf: (g, x, args) => g.neg(g.mul(arg(args, "rate"), g.max(x, 0))),
  quantile: (p, args) => -Math.log1p(-p) / number(args, "rate"),
};
