import type { Distribution } from "../contract.js";
import { lchoose } from "../shared/gamma.js";
import { between, isCountUpTo, onSupport, toBatch } from "../shared/guard.js";
import { arg, number, scalar } from "../shared/spec.js";

/**
 * Hypergeometric(n, hits, total): how many of `n` draws without putting back are among the `hits`
 * of a population of `total`, C(hits, x) C(total − hits, n − x) / C(total, n).
 */
export const hypergeometric: Distribution = {
  name: "Hypergeometric",
  parameterisations: [[scalar("n", "count"), scalar("hits", "count"), scalar("total", "count")]],
  event: { rank: 0, scalar: "int" },
  support: () => ({ kind: "integers", lower: 0, upper: { param: "n" } }),
  logProb: (g, x, args) => {
    const n = arg(args, "n");
    const hits = arg(args, "hits");
    const others = g.sub(arg(args, "total"), hits);
    const least = g.max(g.sub(n, others), 0);
    const inside = g.and(isCountUpTo(g, x, n), between(g, x, least, hits));
    // n draws do not fit into a population that is smaller.
    const isPossible = g.le(n, arg(args, "total"));
    const kernel = onSupport(g, g.and(inside, isPossible), x, least, (v) =>
      g.add(lchoose(g, hits, v), lchoose(g, others, g.sub(n, v))),
    );
    return g.sub(kernel, lchoose(g, arg(args, "total"), n));
  },
  sample: (rng, args) => {
    let hits = number(args, "hits");
    let left = number(args, "total");
    let found = 0;
    for (let k = number(args, "n"); k > 0 && left > 0; k--) {
      if (rng.uniform() * left < hits) {
        found++;
        hits--;
      }
      left--;
    }
    return found;
  },
  mean: (g, args, batch) => {
    const share = g.div(arg(args, "hits"), arg(args, "total"));
    return toBatch(g, g.mul(arg(args, "n"), share), batch);
  },
};
