/**
 * Score-function terms (Williams 1992): for a site whose draws gradients cannot pass,
 * ∇ E[R] has the part E[(R − b) ∇ log q(z)] with any b that does not depend on z. The term added to
 * the objective is stop(R − b) · log q(z), whose gradient is that.
 */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import type { DistExpr, Stmt } from "../../model/ir.js";
import type { Baseline } from "../../model/strategy.js";
import { walkStmts } from "../../model/traverse.js";
import { concreteDims } from "../../passes/condition/index.js";
import { gradient } from "../../passes/grad/index.js";
import type { Node } from "../../tensor/ops.js";
import type { SiteStrategy, StateSlot } from "./contract.js";
import { type Parts, type SiteOfDraw, siteCost, siteDensity } from "./costs.js";
import { strategyFor } from "./draws.js";
import { type EnumeratedSite, enumerationTerm } from "./enumerate.js";
import { baseOf } from "./replicate.js";

/** A site whose draws gradients cannot pass. */
interface ScoreSite extends SiteOfDraw {
  readonly baseline: Baseline;
  readonly span: Span;
}

/** A number of the driver's with the node that renews it. */
export interface StateNode {
  readonly slot: StateSlot;
  readonly next: Node;
}

export interface SiteTerms {
  /** To be added to the objective for the gradient alone. */
  readonly score: readonly Node[];
  /** To be added to the objective itself. */
  readonly exact: readonly Node[];
  readonly states: readonly StateNode[];
  readonly strategies: readonly SiteStrategy[];
}

/** What the strategies of the draws' sites add to the objective, whose own value is `value`. */
export function siteTerms(parts: Parts, value: Node): SiteTerms {
  const sites: ScoreSite[] = [];
  const enumerated: EnumeratedSite[] = [];
  const strategies: SiteStrategy[] = [];
  for (const draw of parts.objective.draws) {
    const program = parts.programs.get(draw.program);
    const trace = parts.traces.get(draw.name);
    if (program === undefined || trace === undefined) continue;
    const seen = new Set<string>();
    walkStmts(program.conditioned.model.body, (s: Stmt) => {
      if (s.kind !== "site" || seen.has(s.name)) return;
      seen.add(s.name);
      const { strategy, chosen } = strategyFor(s, draw.frozen);
      strategies.push({ draw: draw.name, site: s.name, strategy: strategy.kind, chosen });
      const site = { draw, program, trace, site: s.name };
      if (draw.frozen) return;
      if (strategy.kind === "reinforce")
        sites.push({ ...site, baseline: strategy.baseline, span: strategy.span });
      if (strategy.kind === "enumerate") {
        enumerated.push({
          ...site,
          values: valueCount(s.dist, (d) => concreteDims(program.conditioned, d)),
        });
      }
    });
  }
  const states: StateNode[] = [];
  const score = sites.map((s) => scoreTerm(parts, s, value, states));
  return { score, exact: enumerated.map((s) => enumerationTerm(parts, s)), states, strategies };
}

type Dims = DistExpr["event"]["dims"];

/** How many values a draw of a Bernoulli or a Categorical has. */
function valueCount(d: DistExpr, dims: (sizes: Dims) => number[]): number {
  const base = baseOf(d);
  if (base.kind !== "named" || base.name === "Bernoulli") return 2;
  const p = base.args.p ?? base.args.logits;
  const [size] = dims(p.type.dims).slice(-1);
  return size;
}

/** How much of a moving average the last step keeps. */
const decay = 0.99;

/** stop(R − b) · log q(z), with R the part of the objective that depends on z where it is known. */
function scoreTerm(parts: Parts, s: ScoreSite, value: Node, states: StateNode[]): Node {
  const { g } = parts;
  const own = siteCost(parts, s, s.trace);
  const logDensity = siteDensity(parts, s, s.trace, own?.plate);
  const whole = (): Node => g.broadcast(value, logDensity.shape, []);
  const cost = g.stopGradient(own?.cost ?? (logDensity.shape.length === 0 ? value : whole()));
  const b = baselineOf(parts, s, cost, logDensity, states);
  if (b === undefined) return g.sum(g.mul(cost, logDensity));
  const held = cost.shape.length === 0 ? b : g.broadcast(b, cost.shape, []);
  return g.sum(g.mul(g.sub(cost, held), logDensity));
}

function baselineOf(
  parts: Parts,
  s: ScoreSite,
  cost: Node,
  logDensity: Node,
  states: StateNode[],
): Node | undefined {
  const { g, theta } = parts;
  const name = `${s.draw.name}.${s.site}`;
  const average = (what: string, now: Node): Node => {
    const slot = { name: `${name}.${what}`, next: `${name}.${what}.next`, dims: [], init: 0 };
    const before = g.input(slot.name, []);
    const next = g.add(g.mul(decay, before), g.mul(1 - decay, now));
    states.push({ slot, next });
    return before;
  };
  const count = cost.shape.reduce((n, d) => n * d, 1);
  const mean = g.div(g.sum(cost), count);
  switch (s.baseline) {
    case "none":
      return undefined;
    case "moving_average":
      // Zero at first: the average is divided by the weight it has so far.
      return ratio(parts, average("cost", mean), average("weight", g.constant(1)));
    case "constant": {
      // The constant of least variance, E[R |∇ log q|²] / E[|∇ log q|²].
      const [slope] = gradient(g, g.sum(logDensity), [theta]);
      const squared = g.stopGradient(g.sum(g.square(slope)));
      return ratio(parts, average("weighted", g.mul(mean, squared)), average("squared", squared));
    }
    case "nvil":
    case "muprop":
      return fail("strategy_missing", s.span, {
        site: s.site,
        strategy: `reinforce(baseline: ${s.baseline})`,
      });
  }
}

/** a / b, 0 where b is. */
function ratio({ g }: Parts, a: Node, b: Node): Node {
  const isZero = g.eq(b, 0);
  return g.select(isZero, g.constant(0), g.div(a, g.select(isZero, g.constant(1), b)));
}
