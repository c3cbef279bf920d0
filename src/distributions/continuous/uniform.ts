import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { between, toBatch } from "../shared/guard.js";
import { logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** (x − a)/(b − a) and (b − x)/(b − a), cut to [0, 1]. */
function below(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const a = arg(args, "a");
  const width = g.sub(arg(args, "b"), a);
  return g.min(g.max(g.div(g.sub(x, a), width), 0), 1);
}
function above(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const b = arg(args, "b");
  const width = g.sub(b, arg(args, "a"));
  return g.min(g.max(g.div(g.sub(b, x), width), 0), 1);
}

/** Uniform(a, b): 1/(b − a) on [a, b], a < b. */
export const uniform: Distribution = {
  name: "Uniform",
  parameterisations: [[scalar("a", "real"), scalar("b", "real")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "interval", lower: { param: "a" }, upper: { param: "b" } }),
  logProb: (g, x, args) => {
    const a = arg(args, "a");
    const b = arg(args, "b");
    const indicator = g.select(between(g, x, a, b), 0, -Infinity);
    return g.sub(indicator, g.log(g.sub(b, a)));
  },
  sample: (rng, args) => {
    const a = number(args, "a");
    return a + (number(args, "b") - a) * rng.uniform();
  },
  mean: (g, args, batch) => toBatch(g, g.mul(g.add(arg(args, "a"), arg(args, "b")), 0.5), batch),
  cdf: below,
  logCdf: (g, x, args) => logProbability(g, below(g, x, args)),
  logCcdf: (g, x, args) => logProbability(g, above(g, x, args)),
  quantile: (p, args) => number(args, "a") * (1 - p) + number(args, "b") * p,
};
