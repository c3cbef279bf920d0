import type { Distribution } from "../contract.js";
import { onSupport, toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";

/** Delta(x): the whole number x with certainty, as a component of mixtures. */
export const delta: Distribution = {
  name: "Delta",
  parameterisations: [[scalar("x", "count")]],
  event: { rank: 0, scalar: "int" },
  support: () => ({ kind: "integers", lower: { param: "x" }, upper: { param: "x" } }),
  logProb: (g, x, args, batch) =>
    toBatch(
      g,
      onSupport(g, g.eq(x, arg(args, "x")), x, 0, (v) => g.mul(v, 0)),
      batch,
    ),
  sample: (_rng, args) => number(args, "x"),
  mean: (g, args, batch) => toBatch(g, arg(args, "x"), batch),
};
