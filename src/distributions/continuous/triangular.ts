import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import type { Distribution, NodeArgs } from "../contract.js";
import { between, onSupport, toBatch } from "../shared/guard.js";
import { LOG_2, logProbability } from "../shared/logs.js";
import { arg, number, scalar } from "../shared/spec.js";

/** A width that is divided by only where it is positive. */
function positive(g: GraphBuilder, width: Node): Node {
  return g.select(g.gt(width, 0), width, 1);
}

/** Height over the peak's at x in [a, b]: a straight line on each side of c. */
function relativeHeight(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const a = arg(args, "a");
  const b = arg(args, "b");
  const c = arg(args, "c");
  const rising = g.div(g.sub(x, a), positive(g, g.sub(c, a)));
  const falling = g.div(g.sub(b, x), positive(g, g.sub(b, c)));
  return g.select(g.lt(x, c), rising, g.select(g.gt(x, c), falling, 1));
}

/** P(X ≤ x) for x ≤ c and P(X > x) for x ≥ c: the small triangle beside x. */
function corner(g: GraphBuilder, x: Node, args: NodeArgs): Node {
  const a = arg(args, "a");
  const b = arg(args, "b");
  const c = arg(args, "c");
  const v = g.min(g.max(x, a), b);
  const width = g.sub(b, a);
  const left = g.div(g.square(g.sub(v, a)), g.mul(width, positive(g, g.sub(c, a))));
  const right = g.div(g.square(g.sub(b, v)), g.mul(width, positive(g, g.sub(b, c))));
  return g.select(g.lt(x, c), left, right);
}

/** Triangular(a, c, b): from 0 at a up to 2/(b − a) at the mode c, down to 0 at b; a ≤ c ≤ b. */
export const triangular: Distribution = {
  name: "Triangular",
  parameterisations: [[scalar("a", "real"), scalar("c", "real"), scalar("b", "real")]],
  event: { rank: 0, scalar: "real" },
  support: () => ({ kind: "interval", lower: { param: "a" }, upper: { param: "b" } }),
  logProb: (g, x, args) => {
    const a = arg(args, "a");
    const b = arg(args, "b");
    const kernel = onSupport(g, between(g, x, a, b), x, arg(args, "c"), (v) =>
      logProbability(g, relativeHeight(g, v, args)),
    );
    return g.sub(kernel, g.sub(g.log(g.sub(b, a)), LOG_2));
  },
  sample: (rng, args) => quantile(rng.uniform(), args),
  mean: (g, args, batch) => {
    const sum = g.add(g.add(arg(args, "a"), arg(args, "b")), arg(args, "c"));
    return toBatch(g, g.div(sum, 3), batch);
  },
  cdf: (g, x, args) => {
    const p = corner(g, x, args);
    return g.select(g.lt(x, arg(args, "c")), p, g.sub(1, p));
  },
  logCdf: (g, x, args) => logSide(g, x, args, true),
  logCcdf: (g, x, args) => logSide(g, x, args, false),
  quantile,
};

/** log P(X ≤ x) (`lower`) or log P(X > x). */
function logSide(g: GraphBuilder, x: Node, args: NodeArgs, lower: boolean): Node {
  const p = corner(g, x, args);
  const left = g.lt(x, arg(args, "c"));
  const small = logProbability(g, p);
  const rest = g.select(g.lt(p, 1), g.log1p(g.neg(g.select(g.lt(p, 1), p, 0))), -Infinity);
  return lower ? g.select(left, small, rest) : g.select(left, rest, small);
}

function quantile(p: number, args: Parameters<Distribution["sample"]>[1]): number {
  const a = number(args, "a");
  const b = number(args, "b");
  const c = number(args, "c");
  const width = b - a;
  if (p * width < c - a) return a + Math.sqrt(p * width * (c - a));
  return b - Math.sqrt((1 - p) * width * (b - c));
}
