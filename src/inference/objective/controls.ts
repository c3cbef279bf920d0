/** Control variates of the score of bits, which are exact in the mean: REBAR and MuProp. */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Span } from "../../base/span.js";
import { gradient } from "../../passes/grad/index.js";
import type { Node } from "../../tensor/ops.js";
import { type CompanionKind, companionName } from "./companions.js";
import { type Parts, type SiteCost, type SiteOfDraw, siteCost, siteDensity } from "./costs.js";
import { descendants } from "./dependence.js";
import { sumBeyond, type Trace } from "./programs.js";
import { runningRatio, type StateNode } from "./states.js";

export interface ControlledSite extends SiteOfDraw {
  readonly span: Span;
}

/** What stands beside the site's draw. */
export function companion(s: SiteOfDraw, kind: CompanionKind): Node {
  const name = companionName(s.site, kind);
  return s.trace.companions?.get(name) ?? internalError(`no ${name}`);
}

/** The cost as a function of the site's values, where no other draw depends on them. */
function costAt(
  parts: Parts,
  s: ControlledSite,
  strategy: string,
): (values: Node | undefined) => SiteCost {
  const refuse = (): never => fail("strategy_missing", s.span, { site: s.site, strategy });
  // Draws that depend on z were made for one value of it only.
  if (descendants(s.program.conditioned.model, s.site).size > 1) return refuse();
  if (s.trace.companions === undefined || s.trace.companions.size === 0) return refuse();
  return (node) => {
    const trace: Trace =
      node === undefined
        ? s.trace
        : { ...s.trace, values: new Map(s.trace.values).set(s.site, node) };
    return siteCost(parts, s, trace) ?? refuse();
  };
}

/**
 * REBAR (Tucker et al. 2017, equation 4): with b the draw, z its relaxation and z' one drawn given b,
 * [R(b) − η R(z')] ∇ log q(b) + η ∇ R(z) − η ∇ R(z'). The factor η of least variance,
 * −E[g·h] / E[h·h] for g the score's gradient and η h what is added, comes from earlier steps, as
 * does the running mean of R, which is taken from both costs.
 */
export function rebarTerm(parts: Parts, s: ControlledSite, states: StateNode[]): Node {
  const { g, theta } = parts;
  const cost = costAt(parts, s, "rebar");
  const hard = cost(undefined);
  const free = cost(companion(s, "relaxed")).cost;
  const held = cost(companion(s, "conditional")).cost;
  const logDensity = siteDensity(parts, s, s.trace, hard.plate);
  const count = hard.cost.shape.reduce((n, d) => n * d, 1);
  const mean = g.stopGradient(g.div(g.sum(hard.cost), count));
  const b = runningRatio(parts, s, states, ["cost", "weight"], mean, g.constant(1));
  const centred = (x: Node): Node => {
    const held = x.shape.length === 0 ? b : g.broadcast(b, x.shape, []);
    return g.sub(g.stopGradient(x), held);
  };
  const score = g.sum(g.mul(centred(hard.cost), logDensity));
  const paths = g.sub(g.sum(free), g.sum(held));
  const control = g.sub(paths, g.sum(g.mul(centred(held), logDensity)));
  const [a] = gradient(g, score, [theta]);
  const [h] = gradient(g, control, [theta]);
  const product = g.stopGradient(g.neg(g.sum(g.mul(a, h))));
  const square = g.stopGradient(g.sum(g.square(h)));
  const eta = runningRatio(parts, s, states, ["product", "square"], product, square);
  return g.add(score, g.mul(eta, control));
}

/**
 * MuProp (Gu et al. 2016, equation 5): the first-order expansion of the cost around the mean m of the
 * bits is taken from it and its own gradient added,
 * [R(b) − R(m) − R'(m)·(b − m)] ∇ log q(b) + R'(m) ∇ m.
 */
export function mupropTerm(parts: Parts, s: ControlledSite): Node {
  const { g } = parts;
  const cost = costAt(parts, s, "reinforce(baseline: muprop)");
  const hard = cost(undefined);
  const mean = companion(s, "mean");
  const place = g.input(`mean of ${s.draw.name}.${s.site}`, mean.shape);
  g.stand(place, mean);
  const centre = cost(place);
  const [slope] = gradient(g, g.sum(centre.cost), [place]);
  const draw = s.trace.values.get(s.site) ?? internalError(`no value of ${s.site}`);
  const logDensity = siteDensity(parts, s, s.trace, hard.plate);
  const ones = g.full(mean.shape, 1);
  const bits = g.select(draw, ones, g.zeros(mean.shape));
  const linear = sumBeyond(g, g.mul(slope, g.sub(bits, mean)), logDensity.shape.length);
  const residual = g.sub(g.sub(hard.cost, centre.cost), linear);
  const score = g.sum(g.mul(g.stopGradient(residual), logDensity));
  return g.add(score, g.sum(g.mul(g.stopGradient(slope), mean)));
}
