import { logistic } from "../../math/special/logspace.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, Shape } from "../../tensor/ops.js";
import type { Distribution } from "../contract.js";
import { alongEvent, isShared, pick, spread, sumEvent } from "../shared/batch.js";
import { isCountUpTo, onSupport, toBatch } from "../shared/guard.js";
import { arg, array, number, scalar, vector } from "../shared/spec.js";

/** One element put before (`first`) or behind a vector along its last axis. */
function extend(g: GraphBuilder, x: Node, value: number, first: boolean): Node {
  const last = x.shape.length - 1;
  const extra = g.full([...x.shape.slice(0, -1), 1], value);
  return g.concat(first ? [extra, x] : [x, extra], last);
}

/** log(1 − exp(c[k−1] − c[k])) at 1 ≤ k < K − 1, 0 at both ends. */
function logGaps(g: GraphBuilder, cuts: Node): Node {
  const outer = cuts.shape.slice(0, -1);
  const size = cuts.shape[cuts.shape.length - 1];
  const zeros = outer.map(() => 0);
  if (size < 2) return g.zeros([...outer, size + 1]);
  const upper = g.slice(cuts, [...zeros, 1], [...outer, size - 1]);
  const lower = g.slice(cuts, [...zeros, 0], [...outer, size - 1]);
  const inner = g.log1mexp(g.sub(lower, upper));
  return extend(g, extend(g, inner, 0, true), 0, false);
}

/**
 * OrderedLogistic(eta, cuts): k in 0 … K − 1 with probability s(c[k] − η) − s(c[k−1] − η), where s
 * is the logistic function, c = cuts is increasing of length K − 1, c[−1] = −∞ and c[K−1] = ∞.
 */
export const orderedLogistic: Distribution = {
  name: "OrderedLogistic",
  parameterisations: [[scalar("eta", "real"), vector("cuts", "ordered")]],
  event: { rank: 0, scalar: "int" },
  support: () => ({ kind: "category", param: "cuts", extra: 1 }),
  logProb: (g, x, args, batch) => {
    const eta = arg(args, "eta");
    const cuts = arg(args, "cuts");
    const last = cuts.shape[cuts.shape.length - 1];
    return onSupport(g, isCountUpTo(g, x, last), x, 0, (k) => {
      // s(u) − s(l) = s(u) s(−l) (1 − exp(l − u)): each factor keeps its digits in the tails.
      const upper = g.sub(pick(g, extend(g, cuts, 0, false), k, batch), eta);
      const lower = g.sub(pick(g, extend(g, cuts, 0, true), k, batch), eta);
      const logUpper = g.select(g.eq(k, last), 0, g.softplus(g.neg(upper)));
      const logLower = g.select(g.eq(k, 0), 0, g.softplus(lower));
      return g.sub(pick(g, logGaps(g, cuts), k, batch), g.add(logUpper, logLower));
    });
  },
  sample: (rng, args) => {
    const cuts = array(args, "cuts");
    const eta = number(args, "eta");
    const u = rng.uniform();
    let k = 0;
    while (k < cuts.length && u > logistic(cuts[k] - eta)) k++;
    return k;
  },
  /** Σ P(X > k), of the labels as numbers. */
  mean: (g, args, batch) => {
    const eta = arg(args, "eta");
    const cuts = arg(args, "cuts");
    const outer: Shape = isShared(cuts, 1) ? eta.shape : cuts.shape.slice(0, -1);
    const size = cuts.shape[cuts.shape.length - 1];
    const above = g.sigmoid(
      g.sub(alongEvent(g, toBatch(g, eta, outer), [size]), spread(g, cuts, 1, outer)),
    );
    return toBatch(g, sumEvent(g, above, 1), batch);
  },
};
