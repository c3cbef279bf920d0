import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { lchoose } from "../shared/gamma.js";
import { isCountUpTo, onSupport, toBatch } from "../shared/guard.js";
import { countTimesLog } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";
import { logBetaInc, opposite, type UnitPoint } from "../shared/tails.js";
import { hostProbability, logOdds, successProbability } from "./bernoulli.js";

/** P(X ≤ k) = I_{1−p}(n − k, k + 1) and P(X > k) = I_p(k + 1, n − k), in logs. */
function logTail(g: GraphBuilder, x: Node, args: NodeArgs, lower: boolean): Node {
  const n = arg(args, "n");
  const k = g.floor(x);
  const inside = g.and(g.ge(k, 0), g.lt(k, n));
  const failures = g.select(inside, g.sub(n, k), 1);
  const successes = g.select(inside, g.add(k, 1), 1);
  const { success, failure } = logOdds(g, args);
  const p: UnitPoint = {
    z: successProbability(g, args),
    rest: g.exp(failure),
    logZ: success,
    logRest: failure,
  };
  const value = lower
    ? logBetaInc(g, failures, successes, opposite(p))
    : logBetaInc(g, successes, failures, p);
  const below = g.lt(k, 0);
  const [impossible, certain] = [-Infinity, 0];
  const beyond = g.select(below, lower ? impossible : certain, lower ? certain : impossible);
  return g.select(inside, value, beyond);
}

/** Binomial(n, p | logits:): successes in n trials, (n over x) pˣ (1 − p)ⁿ⁻ˣ. */
export const binomial: Distribution = {
  name: "Binomial",
  parameterisations: [
    [scalar("n", "count"), scalar("p", "unit")],
    [scalar("n", "count"), scalar("logits", "real")],
  ],
  event: { rank: 0, scalar: "int" },
  support: () => ({ kind: "integers", lower: 0, upper: { param: "n" } }),
  logProb: (g, x, args) => {
    const n = arg(args, "n");
    return onSupport(g, isCountUpTo(g, x, n), x, 0, (v) => {
      const ways = lchoose(g, n, v);
      const eta = args.logits;
      if (eta !== undefined) {
        return g.add(ways, g.sub(g.mul(v, eta), g.mul(n, g.softplus(eta))));
      }
      const { success, failure } = logOdds(g, args);
      const hits = countTimesLog(g, v, success);
      return g.add(ways, g.add(hits, countTimesLog(g, g.sub(n, v), failure)));
    });
  },
  sample: (rng, args) => rng.binomial(number(args, "n"), hostProbability(args)),
  mean: (g, args, batch) => toBatch(g, g.mul(arg(args, "n"), successProbability(g, args)), batch),
  cdf: (g, x, args) => g.exp(logTail(g, x, args, true)),
  logCdf: (g, x, args) => logTail(g, x, args, true),
  logCcdf: (g, x, args) => logTail(g, x, args, false),
};
