import { logistic } from "../../math/special/logspace.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, HostArgs, NodeArgs } from "../contract.js";
import { onSupport, toBatch } from "../shared/guard.js";
import { countTimesLog, logComplement, logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** log p and log(1 − p) from either parameterisation; p is not formed from logits. */
export function logOdds(
  g: GraphBuilder,
  args: NodeArgs,
): { readonly success: Node; readonly failure: Node } {
  const eta = args.logits;
  if (eta !== undefined) {
    return { success: g.neg(g.softplus(g.neg(eta))), failure: g.neg(g.softplus(eta)) };
  }
  const p = arg(args, "p");
  return { success: logProbability(g, p), failure: logComplement(g, p) };
}

/** p as a node. */
export function successProbability(g: GraphBuilder, args: NodeArgs): Node {
  return args.logits === undefined ? arg(args, "p") : g.sigmoid(args.logits);
}

/** p of a draw. */
export function hostProbability(args: HostArgs): number {
  return args.logits === undefined ? number(args, "p") : logistic(number(args, "logits"));
}

/** Bernoulli(p | logits:): true with probability p = 1/(1 + exp(−logits)). */
export const bernoulli: Distribution = {
  name: "Bernoulli",
  parameterisations: [[scalar("p", "unit")], [scalar("logits", "real")]],
  event: { rank: 0, scalar: "bool" },
  support: () => ({ kind: "bool" }),
  logProb: (g, x, args) => {
    const mass = (v: Node): Node => {
      // η x − log(1 + e^η): the linear part is linear in the data, and sums factor.
      const eta = args.logits;
      if (eta !== undefined) return g.sub(g.mul(v, eta), g.softplus(eta));
      const { success, failure } = logOdds(g, args);
      return g.add(countTimesLog(g, v, success), countTimesLog(g, g.sub(1, v), failure));
    };
    if (x.dtype === "bool") return mass(x);
    return onSupport(g, g.or(g.eq(x, 0), g.eq(x, 1)), x, 0, mass);
  },
  sample: (rng, args) => rng.bernoulli(hostProbability(args)),
  mean: (g, args, batch) => toBatch(g, successProbability(g, args), batch),
  cdf: (g, x, args) => {
    const zero = g.exp(logOdds(g, args).failure);
    return g.select(g.lt(x, 0), 0, g.select(g.lt(x, 1), zero, 1));
  },
  logCdf: (g, x, args) => {
    const zero = logOdds(g, args).failure;
    return g.select(g.lt(x, 0), -Infinity, g.select(g.lt(x, 1), zero, 0));
  },
  logCcdf: (g, x, args) => {
    const one = logOdds(g, args).success;
    return g.select(g.lt(x, 0), 0, g.select(g.lt(x, 1), one, -Infinity));
  },
  quantile: (p, args) => (p <= 1 - hostProbability(args) ? 0 : 1),
};
