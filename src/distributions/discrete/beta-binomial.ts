import type { Distribution } from "../contract.js";
import { lchoose, lgammaDifference } from "../shared/gamma.js";
import { isCountUpTo, onSupport, toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";

/** BetaBinomial(n, a, b): Binomial(n, p) with p drawn from Beta(a, b). */
export const betaBinomial: Distribution = {
  name: "BetaBinomial",
  parameterisations: [[scalar("n", "count"), scalar("a", "positive"), scalar("b", "positive")]],
  event: { rank: 0, scalar: "int" },
  support: () => ({ kind: "integers", lower: 0, upper: { param: "n" } }),
  logProb: (g, x, args) => {
    const n = arg(args, "n");
    const a = arg(args, "a");
    const b = arg(args, "b");
    const kernel = onSupport(g, isCountUpTo(g, x, n), x, 0, (v) => {
      const hits = lgammaDifference(g, a, v);
      const misses = lgammaDifference(g, b, g.sub(n, v));
      return g.add(lchoose(g, n, v), g.add(hits, misses));
    });
    return g.sub(kernel, lgammaDifference(g, g.add(a, b), n));
  },
  sample: (rng, args) =>
    rng.binomial(number(args, "n"), rng.beta(number(args, "a"), number(args, "b"))),
  mean: (g, args, batch) => {
    const a = arg(args, "a");
    const share = g.div(a, g.add(a, arg(args, "b")));
    return toBatch(g, g.mul(arg(args, "n"), share), batch);
  },
};
