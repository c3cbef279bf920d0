/**
 * Control variates of the score of bits and labels, which are exact in the mean: REBAR and MuProp.
 * The cost at other values of a site is that of the program with everything that depends on it
 * drawn again, as a differentiable function of it, on the same noise. Any such function serves: what
 * is needed is that it depends on the draw by way of these values alone.
 */
import { internalError } from "../../base/internal.js";
import { gradient } from "../../passes/grad/index.js";
import type { Node } from "../../tensor/ops.js";
import { type Block, type BlockSite, blockOf } from "./blocks.js";
import { type CompanionKind, companionName } from "./companions.js";
import type { Parts, SiteOfDraw } from "./costs.js";
import { runningRatio, type StateNode } from "./states.js";

/** What stands beside the site's draw. */
export function companion(s: SiteOfDraw, kind: CompanionKind): Node {
  const name = companionName(s.site, kind);
  return s.trace.companions?.get(name) ?? internalError(`no ${name}`);
}

/** The draw as a number or as weights: a corner. */
function corner(parts: Parts, s: SiteOfDraw, like: Node): Node {
  const { g } = parts;
  const draw = s.trace.values.get(s.site) ?? internalError(`no value of ${s.site}`);
  const [one, zero] = [g.full(like.shape, 1), g.zeros(like.shape)];
  if (like.shape.length === draw.shape.length) return g.select(draw, one, zero);
  const last = like.shape.length - 1;
  const axes = draw.shape.map((_, k) => k);
  const labels = g.broadcast(g.iota(like.shape[last]), like.shape, [last]);
  return g.select(g.eq(g.broadcast(draw, like.shape, axes), labels), one, zero);
}

/** The cost at given values and its derivative in them, with nothing else that gradients see. */
function costAndSlope(
  parts: Parts,
  s: SiteOfDraw,
  block: Block,
  given: Node,
  mode: "relaxed" | "mean",
  what: string,
): { cost: Node; slope: Node } {
  const { g } = parts;
  const place = g.input(`${what} of ${s.draw.name}.${s.site}`, given.shape);
  g.stand(place, given);
  const cost = block.costAt(place, corner(parts, s, given), mode);
  const [slope] = gradient(g, g.sum(cost), [place]);
  return { cost: g.stopGradient(cost), slope: g.stopGradient(slope) };
}

/**
 * REBAR (Tucker et al. 2017, equation 4): with b the draw, z its relaxation and z' one drawn given b,
 * [R(b) − η R(z')] ∇ log q(b) + η ∇ R(z) − η ∇ R(z'). The factor η of least variance,
 * −E[g·h] / E[h·h] for g the score's gradient and η h what is added, comes from earlier steps, as
 * does the running mean of R, which is taken from both costs.
 */
export function rebarTerm(parts: Parts, s: BlockSite, states: StateNode[]): Node {
  const { g, theta } = parts;
  const block = blockOf(parts, s, "rebar", false);
  const [relaxed, conditional] = [companion(s, "relaxed"), companion(s, "conditional")];
  const free = costAndSlope(parts, s, block, relaxed, "relaxed", "relaxed");
  const held = costAndSlope(parts, s, block, conditional, "relaxed", "conditional");
  const count = block.shape.reduce((n, d) => n * d, 1);
  const mean = g.stopGradient(g.div(g.sum(block.drawn), count));
  const b = runningRatio(parts, s, states, ["cost", "weight"], mean, g.constant(1));
  const centred = (x: Node): Node => {
    const level = x.shape.length === 0 ? b : g.broadcast(b, x.shape, []);
    return g.sub(g.stopGradient(x), level);
  };
  const score = g.sum(g.mul(centred(block.drawn), block.logDensity()));
  const paths = g.sub(g.sum(g.mul(free.slope, relaxed)), g.sum(g.mul(held.slope, conditional)));
  const control = g.sub(paths, g.sum(g.mul(centred(held.cost), block.logDensity())));
  const [a] = gradient(g, score, [theta]);
  const [h] = gradient(g, control, [theta]);
  const product = g.stopGradient(g.neg(g.sum(g.mul(a, h))));
  const square = g.stopGradient(g.sum(g.square(h)));
  const eta = runningRatio(parts, s, states, ["product", "square"], product, square);
  return g.add(score, g.mul(eta, control));
}

/**
 * MuProp (Gu et al. 2016, equation 5): the first-order expansion of the cost around the mean m is
 * taken from it and its own gradient added,
 * [R(b) − R(m) − R'(m)·(b − m)] ∇ log q(b) + R'(m) ∇ m. What depends on the site has its mean too.
 */
export function mupropTerm(parts: Parts, s: BlockSite): Node {
  const { g } = parts;
  const block = blockOf(parts, s, "reinforce(baseline: muprop)", false);
  const mean = companion(s, "mean");
  const centre = costAndSlope(parts, s, block, mean, "mean", "mean");
  const away = g.stopGradient(g.sub(corner(parts, s, mean), mean));
  const linear = block.align(g.mul(centre.slope, away));
  const residual = g.sub(g.sub(block.drawn, centre.cost), linear);
  const score = g.sum(g.mul(g.stopGradient(residual), block.logDensity()));
  return g.add(score, g.sum(g.mul(centre.slope, mean)));
}
