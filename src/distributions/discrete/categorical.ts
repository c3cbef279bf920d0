import type { Node } from "../../tensor/ops.js";
import type { Distribution } from "../contract.js";
import { alongEvent, pick, spread, sumEvent } from "../shared/batch.js";
import { isCountUpTo, onSupport, toBatch } from "../shared/guard.js";
import { logProbability } from "../shared/logs.js";
import { arg, array, vector } from "../shared/spec.js";

/** Categorical(p | logits:): k with probability p[k]; p = softmax(logits). */
export const categorical: Distribution = {
  name: "Categorical",
  parameterisations: [[vector("p", "simplex")], [vector("logits", "real")]],
  event: { rank: 0, scalar: "int" },
  support: (present) => ({ kind: "category", param: present.has("logits") ? "logits" : "p" }),
  logProb: (g, x, args, batch) => {
    const weights = args.logits ?? arg(args, "p");
    const size = weights.shape[weights.shape.length - 1];
    const mass = (index: Node): Node => {
      const picked = pick(g, weights, index, batch);
      return args.logits === undefined ? logProbability(g, picked) : picked;
    };
    const kernel = onSupport(g, isCountUpTo(g, x, size - 1), x, 0, mass);
    if (args.logits === undefined) return kernel;
    return g.sub(kernel, g.logsumexp(weights, [weights.shape.length - 1]));
  },
  sample: (rng, args) =>
    args.logits === undefined
      ? rng.categorical(array(args, "p"))
      : rng.categoricalLog(array(args, "logits")),
  /** Σ k p[k], of the labels as numbers. */
  mean: (g, args, batch) => {
    const weights = args.logits ?? arg(args, "p");
    const last = weights.shape.length - 1;
    const total = g.logsumexp(weights, [last]);
    const p =
      args.logits === undefined
        ? weights
        : g.exp(g.sub(weights, alongEvent(g, total, [weights.shape[last]])));
    const labels = spread(g, g.iota(weights.shape[last]), 1, p.shape.slice(0, -1));
    return toBatch(g, sumEvent(g, g.mul(p, labels), 1), batch);
  },
};
