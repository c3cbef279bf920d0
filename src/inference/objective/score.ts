/**
 * Score-function terms (Williams 1992): for a site whose draws gradients cannot pass,
 * ∇ E[R] has the part E[(R − b) ∇ log q(z)] with any b that does not depend on z. The term added to
 * the objective is stop(R − b) · log q(z), whose gradient is that.
 */
import type { Stmt } from "../../model/ir.js";
import type { Draw, Objective } from "../../model/objective.js";
import type { Baseline } from "../../model/strategy.js";
import { walkStmts } from "../../model/traverse.js";
import { gradient } from "../../passes/grad/index.js";
import type { Node } from "../../tensor/ops.js";
import type { SiteStrategy, StateSlot } from "./contract.js";
import { strategyFor } from "./draws.js";
import { type Builder, evaluateTerms, type Program, sumPerCopy, type Trace } from "./programs.js";

/** A site that is drawn once (for each copy) and whose density the score is of. */
export interface ScoreSite {
  readonly draw: Draw;
  readonly program: Program;
  readonly trace: Trace;
  readonly site: string;
  readonly baseline: Baseline;
}

interface Parts extends Builder {
  readonly objective: Objective;
  readonly programs: ReadonlyMap<string, Program>;
  readonly traces: ReadonlyMap<string, Trace>;
}

/** A number of the driver's with the node that renews it. */
export interface StateNode {
  readonly slot: StateSlot;
  readonly next: Node;
}

/** The sites that need a score term, and what every site's strategy is. */
export function scoreSites(parts: Parts): {
  readonly sites: readonly ScoreSite[];
  readonly strategies: readonly SiteStrategy[];
} {
  const sites: ScoreSite[] = [];
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
      if (draw.frozen || strategy.kind !== "reinforce") return;
      sites.push({ draw, program, trace, site: s.name, baseline: strategy.baseline });
    });
  }
  return { sites, strategies };
}

/** How much of a moving average the last step keeps. */
const decay = 0.99;

/** The terms to add to the objective `value` so that its gradient is unbiased. */
export function scoreTerms(
  parts: Parts,
  value: Node,
  sites: readonly ScoreSite[],
): { readonly terms: readonly Node[]; readonly states: readonly StateNode[] } {
  const { g } = parts;
  const states: StateNode[] = [];
  const terms = sites.map((s) => {
    const own = evaluateTerms(parts, s.program, s.trace, false).filter(
      (t) => t.statement.kind === "site" && t.statement.name === s.site,
    );
    const logDensity = g.sum(sumPerCopy(parts, own, s.trace.copies));
    const cost = g.stopGradient(value);
    const b = baselineOf(parts, s, cost, logDensity, states);
    return g.mul(b === undefined ? cost : g.sub(cost, b), logDensity);
  });
  return { terms, states };
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
  switch (s.baseline) {
    case "none":
      return undefined;
    case "moving_average":
      // Zero at first: the average is divided by the weight it has so far.
      return ratio(parts, average("cost", cost), average("weight", g.constant(1)));
    case "constant": {
      // The constant of least variance, E[R |∇ log q|²] / E[|∇ log q|²].
      const [slope] = gradient(g, logDensity, [theta]);
      const squared = g.stopGradient(g.sum(g.square(slope)));
      return ratio(parts, average("weighted", g.mul(cost, squared)), average("squared", squared));
    }
    default:
      return undefined;
  }
}

/** a / b, 0 where b is. */
function ratio({ g }: Parts, a: Node, b: Node): Node {
  const isZero = g.eq(b, 0);
  return g.select(isZero, g.constant(0), g.div(a, g.select(isZero, g.constant(1), b)));
}
