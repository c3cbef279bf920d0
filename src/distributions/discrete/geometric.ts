import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { isCount, onSupport, toBatch } from "../shared/guard.js";
import { countTimesLog, logComplement, logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** log P(X > k) = (k + 1) log(1 − p), 0 below the support. */
function logCcdf(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const count = g.add(g.floor(g.max(x, -1)), 1);
  return countTimesLog(g, count, logComplement(g, arg(args, "p")));
}

/** Geometric(p): failures before the first success, (1 − p)ˣ p; 0 < p ≤ 1. */
export const geometric: Distribution = {
  name: "Geometric",
  parameterisations: [[scalar("p", "unit")]],
  event: { rank: 0, scalar: "int" },
  support: () => ({ kind: "count" }),
  logProb: (g, x, args) => {
    const p = arg(args, "p");
    const kernel = onSupport(g, isCount(g, x), x, 0, (v) =>
      countTimesLog(g, v, logComplement(g, p)),
    );
    return g.add(kernel, logProbability(g, p));
  },
  sample: (rng, args) => rng.geometric(number(args, "p")),
  mean: (g, args, batch) => {
    const p = arg(args, "p");
    return toBatch(g, g.div(g.sub(1, p), p), batch);
  },
  cdf: (g, x, args) => g.neg(g.expm1(logCcdf(g, x, args))),
  logCdf: (g, x, args) => {
    const t = logCcdf(g, x, args);
    const possible = g.lt(t, 0);
    return g.select(possible, g.log1mexp(g.select(possible, t, -1)), -Infinity);
  },
  logCcdf,
  quantile: (p, args) => {
    const failure = Math.log1p(-number(args, "p"));
    if (failure === -Infinity) return 0;
    return Math.max(0, Math.ceil(Math.log1p(-p) / failure - 1));
  },
};
