/**
 * Densities of the combinators, as functions of the densities that they combine. `iid` needs none:
 * its copies are axes of the batch.
 */
import { internalError } from "../base/internal.js";
import type { GraphBuilder } from "../tensor/builder.js";
import type { Node, Shape } from "../tensor/ops.js";
import type { Distribution, NodeArgs } from "./contract.js";
import { onSupport } from "./shared/guard.js";
import { logDiffExp } from "./shared/logs.js";

/** Whether `Truncated` can be taken of a distribution: it has both log tails. */
export function canTruncate(base: Distribution): boolean {
  return base.event.rank === 0 && base.logCdf !== undefined && base.logCcdf !== undefined;
}

/**
 * log P(lower ≤ X ≤ upper), of the common shape of arguments and bounds; bounds count as inside.
 * With two bounds it is a difference of two tails, taken in the tail where it does not cancel:
 * the upper one where the lower bound lies above the median. It is accurate wherever both
 * log tails are.
 */
export function logMassBetween(
  g: GraphBuilder,
  base: Distribution,
  args: NodeArgs,
  lower: Node | undefined,
  upper: Node | undefined,
): Node {
  const { logCdf, logCcdf } = base;
  if (logCdf === undefined || logCcdf === undefined) {
    return internalError(`${base.name} has no tails to truncate`);
  }
  // P(X ≥ a) = P(X > a − 1) where X is an integer and a is rounded up to one.
  const discrete = base.event.scalar !== "real";
  const low = lower !== undefined && discrete ? g.sub(g.ceil(lower), 1) : lower;
  if (low === undefined) {
    return upper === undefined ? g.constant(0) : finite(g, upper, 0, (b) => logCdf(g, b, args));
  }
  if (upper === undefined) return finite(g, low, 0, (b) => logCcdf(g, b, args));
  const below = finite(g, low, -Infinity, (b) => logCdf(g, b, args));
  const inUpperTail = g.gt(below, -Math.LN2);
  const untilUpper = finite(g, upper, 0, (b) => logCdf(g, b, args));
  const aboveLower = finite(g, low, 0, (b) => logCcdf(g, b, args));
  const aboveUpper = finite(g, upper, -Infinity, (b) => logCcdf(g, b, args));
  const fromBelow = logDiffExp(g, untilUpper, below);
  const fromAbove = logDiffExp(g, aboveLower, aboveUpper);
  return g.select(inUpperTail, fromAbove, fromBelow);
}

/** A log tail at a bound, or its limit where the bound is infinite and no gradient exists. */
function finite(g: GraphBuilder, bound: Node, limit: number, tail: (bound: Node) => Node): Node {
  const bounded = g.lt(g.abs(bound), Infinity);
  return g.select(bounded, tail(g.select(bounded, bound, 0)), limit);
}

/**
 * Log density of `base` restricted to lower ≤ x ≤ upper and normalised; −∞ outside. Bounds are
 * scalars or of the batch's shape; shared bounds and arguments give one normaliser for the batch.
 * −∞ everywhere where the interval has no mass that floating point can tell from 0.
 */
export function truncatedLogProb(
  g: GraphBuilder,
  base: Distribution,
  x: Node,
  args: NodeArgs,
  lower: Node | undefined,
  upper: Node | undefined,
  batch: Shape,
): Node {
  const conditions: Node[] = [];
  if (lower !== undefined) conditions.push(g.ge(x, lower));
  if (upper !== undefined) conditions.push(g.le(x, upper));
  if (conditions.length === 0) return base.logProb(g, x, args, batch);
  const inside = conditions.reduce((a, b) => g.and(a, b));
  // Outside, the density is taken at a bound, which is a point of the truncated support.
  const bound = safePoint(g, lower, upper);
  const kernel = onSupport(g, inside, x, bound, (v) => base.logProb(g, v, args, batch));
  const mass = logMassBetween(g, base, args, lower, upper);
  return g.sub(kernel, g.select(g.gt(mass, -Infinity), mass, 0));
}

/**
 * Log density of a draw of `base` that is seen as the bound where it lies beyond one: at a bound
 * the log of the mass there and beyond, between them the density, −∞ outside. Tobin (1958).
 */
export function censoredLogProb(
  g: GraphBuilder,
  base: Distribution,
  x: Node,
  args: NodeArgs,
  lower: Node | undefined,
  upper: Node | undefined,
  batch: Shape,
): Node {
  const above = lower === undefined ? undefined : g.gt(x, lower);
  const below = upper === undefined ? undefined : g.lt(x, upper);
  const inside = [above, below].filter((c) => c !== undefined).reduce((a, b) => g.and(a, b));
  const bound = safePoint(g, lower, upper);
  const kernel = onSupport(g, inside, x, bound, (v) => base.logProb(g, v, args, batch));
  const low = lower === undefined ? undefined : logMassBetween(g, base, args, undefined, lower);
  const high = upper === undefined ? undefined : logMassBetween(g, base, args, upper, undefined);
  let out = kernel;
  if (lower !== undefined && low !== undefined) out = g.select(g.eq(x, lower), low, out);
  if (upper !== undefined && high !== undefined) out = g.select(g.eq(x, upper), high, out);
  return out;
}

/** A finite bound if there is one, else 0. */
function safePoint(g: GraphBuilder, lower: Node | undefined, upper: Node | undefined): Node {
  const at = (b: Node | undefined, otherwise: Node): Node =>
    b === undefined ? otherwise : g.select(g.lt(g.abs(b), Infinity), b, otherwise);
  return at(lower, at(upper, g.constant(0)));
}

/**
 * log Σ_k w[k] p_k(x) from the components' log densities, each of shape `batch`. `logWeights` has
 * shape `[K]` or `batch ++ [K]`; they need not be normalised, and −∞ switches a component off.
 */
export function mixtureLogProb(
  g: GraphBuilder,
  logWeights: Node,
  components: readonly Node[],
): Node {
  const last = logWeights.shape.length - 1;
  const terms = components.map((c, k) => g.add(c, g.at(logWeights, last, k)));
  // Components first: the loops over the batch stay innermost and contiguous.
  return g.logsumexp(g.stack(terms, 0), [0]);
}
