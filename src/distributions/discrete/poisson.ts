import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { isCount, onSupport, toBatch } from "../shared/guard.js";
import { countTimesLog, logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";
import { logGammaP, logGammaQ } from "../shared/tails.js";

function rateOf(g: GraphBuilder, args: NodeArgs): Node {
  return args.log_rate === undefined ? arg(args, "rate") : g.exp(args.log_rate);
}

/** P(X ≤ k) = Q(k + 1, rate) and P(X > k) = P(k + 1, rate), in logs. */
function logTail(g: GraphBuilder, x: Node, args: NodeArgs, lower: boolean): Node {
  const inside = g.ge(x, 0);
  const shape = g.add(g.floor(g.select(inside, x, 0)), 1);
  const rate = rateOf(g, args);
  const value = lower
    ? logGammaQ(g, shape, rate)
    : logGammaP(g, shape, rate, args.log_rate ?? logProbability(g, rate));
  return g.select(inside, value, lower ? -Infinity : 0);
}

/** Poisson(rate | log_rate:): rateˣ exp(−rate) / x!. A rate of 0 gives 0 always. */
export const poisson: Distribution = {
  name: "Poisson",
  parameterisations: [[scalar("rate", "nonnegative")], [scalar("log_rate", "real")]],
  event: { rank: 0, scalar: "int" },
  support: () => ({ kind: "count" }),
  logProb: (g, x, args) => {
    const kernel = onSupport(g, isCount(g, x), x, 0, (v) => {
      const eta = args.log_rate;
      const power =
        eta === undefined
          ? countTimesLog(g, v, logProbability(g, arg(args, "rate")))
          : g.mul(v, eta);
      return g.sub(power, g.lgamma(g.add(v, 1)));
    });
    return g.sub(kernel, rateOf(g, args));
  },
  sample: (rng, args) =>
    rng.poisson(
      args.log_rate === undefined ? number(args, "rate") : Math.exp(number(args, "log_rate")),
    ),
  mean: (g, args, batch) => toBatch(g, rateOf(g, args), batch),
  cdf: (g, x, args) => g.exp(logTail(g, x, args, true)),
  logCdf: (g, x, args) => logTail(g, x, args, true),
  logCcdf: (g, x, args) => logTail(g, x, args, false),
};
