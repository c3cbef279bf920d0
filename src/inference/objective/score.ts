/**
 * Score-function terms (Williams 1992): for a site whose draws gradients cannot pass,
 * ∇ E[R] has the part E[(R − b) ∇ log q(z)] with any b that does not depend on z. The term added to
 * the objective is stop(R − b) · log q(z), whose gradient is that.
 */
import type { Span } from "../../base/span.js";
import type { DistExpr, Stmt } from "../../model/ir.js";
import { printStrategy } from "../../model/print.js";
import { type Baseline, drawnFrom, type Strategy } from "../../model/strategy.js";
import { walkStmts } from "../../model/traverse.js";
import { concreteDims } from "../../passes/condition/index.js";
import { gradient } from "../../passes/grad/index.js";
import type { Node } from "../../tensor/ops.js";
import type { BlockSite } from "./blocks.js";
import { companionName } from "./companions.js";
import type { SiteStrategy, StrategyReason } from "./contract.js";
import { mupropTerm, rebarTerm } from "./controls.js";
import { type Parts, type SiteOfDraw, siteCost, siteDensity } from "./costs.js";
import { strategyFor } from "./draws.js";
import {
  type EnumeratedSite,
  enumerationTerm,
  isEnumerable,
  isLocallyEnumerable,
  localTerm,
} from "./enumerate.js";
import { acceptedRules } from "./gamma.js";
import { measureTerm } from "./measure.js";
import { sumBeyond } from "./programs.js";
import { baseOf } from "./replicate.js";
import { runningRatio, type StateNode } from "./states.js";
import { argsOf, weakDerivatives } from "./weak.js";

/** A site whose draws gradients cannot pass. */
interface ScoreSite extends SiteOfDraw {
  readonly baseline: Baseline;
  readonly span: Span;
}

export interface SiteTerms {
  /** To be added to the objective for the gradient alone. */
  readonly score: readonly Node[];
  /** To be added to the objective itself. */
  readonly exact: readonly Node[];
  /** The same where all densities are those at the draws. */
  readonly plain: readonly Node[];
  readonly states: readonly StateNode[];
  readonly strategies: readonly SiteStrategy[];
}

/** What the strategies of the draws' sites add to the objective, whose own value is `value`. */
export function siteTerms(parts: Parts, value: Node): SiteTerms {
  const sites: ScoreSite[] = [];
  const enumerated: EnumeratedSite[] = [];
  const local: EnumeratedSite[] = [];
  const rebars: BlockSite[] = [];
  const measured: { readonly site: BlockSite; readonly parameters: readonly string[] }[] = [];
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
      const { span } = strategy;
      const site = { draw, program, trace, site: s.name };
      let { kind } = strategy;
      if (kind === "enumerate" && !draw.frozen) {
        const values = valueCount(s.dist, (d) => concreteDims(program.conditioned, d));
        const own = { ...site, span, values };
        if (isEnumerable(parts, own)) enumerated.push(own);
        else if (!chosen || isLocallyEnumerable(parts, own)) local.push(own);
        else kind = "reinforce";
      }
      const isFallback = kind !== strategy.kind;
      const used: Strategy = isFallback
        ? { kind: "reinforce", span, baseline: "moving_average" }
        : strategy;
      const isLocal = local.some((l) => l.draw === draw && l.site === s.name);
      const expectation = parts.exact?.sites.get(draw.name)?.get(s.name);
      const reasons = { chosen, isFrozen: draw.frozen, isLocal };
      strategies.push({
        draw: draw.name,
        site: s.name,
        strategy: kind,
        chosen,
        reason: reasonOf(used, s.dist, reasons),
        text: printStrategy(used),
        ...(expectation && { expectation }),
      });
      if (draw.frozen) return;
      if (kind === "reinforce") {
        const baseline = strategy.kind === "reinforce" ? strategy.baseline : "moving_average";
        sites.push({ ...site, baseline, span });
      }
      if (kind === "rebar") rebars.push({ ...site, span });
      if (kind === "mvd") {
        const parameters = Object.keys(
          weakDerivatives[drawnFrom(s.dist) ?? ""]?.(argsOf(s.dist)) ?? {},
        );
        measured.push({ site: { ...site, span }, parameters });
      }
    });
  }
  const states: StateNode[] = [];
  const score = [
    ...sites.map(({ baseline, ...s }) =>
      baseline === "muprop"
        ? mupropTerm(parts, s)
        : scoreTerm(parts, { ...s, baseline }, value, states),
    ),
    ...rebars.map((s) => rebarTerm(parts, s, states)),
    ...local.map((s) => localTerm(parts, s)),
    ...measured.map(({ site, parameters }) => measureTerm(parts, site, parameters)),
  ];
  const exact = enumerated.map((s) => enumerationTerm(parts, s));
  const plain =
    parts.exact === undefined
      ? exact
      : enumerated.map((s) => enumerationTerm({ ...parts, exact: undefined }, s));
  return { score, exact, plain, states, strategies };
}

function reasonOf(
  { kind }: Strategy,
  dist: DistExpr,
  is: { readonly chosen: boolean; readonly isFrozen: boolean; readonly isLocal: boolean },
): StrategyReason {
  if (is.isFrozen) return "frozen";
  if (!is.chosen) return "written";
  if (kind === "reparam") {
    return acceptedRules[drawnFrom(dist) ?? ""] === undefined ? "path" : "implicit";
  }
  if (kind !== "enumerate") return "score";
  return is.isLocal ? "local" : "sum";
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

/** The share of its error that a learned baseline makes good in a step. */
const rate = 0.05;

/** stop(R − b) · log q(z), with R the part of the objective that depends on z where it is known. */
function scoreTerm(
  parts: Parts,
  s: SiteOfDraw & { readonly baseline: Exclude<Baseline, "muprop"> },
  value: Node,
  states: StateNode[],
): Node {
  const own = siteCost(parts, s, s.trace);
  const logDensity = siteDensity(parts, s, s.trace, own?.plate);
  return weightedScore(parts, s, own?.cost ?? value, logDensity, s.baseline, states);
}

function weightedScore(
  parts: Parts,
  s: SiteOfDraw,
  whole: Node,
  logDensity: Node,
  baseline: Exclude<Baseline, "muprop">,
  states: StateNode[],
): Node {
  const { g } = parts;
  const isWhole = whole.shape.length < logDensity.shape.length;
  const cost = g.stopGradient(isWhole ? g.broadcast(whole, logDensity.shape, []) : whole);
  const b = baselineOf(parts, s, baseline, cost, logDensity, states);
  if (b === undefined) return g.sum(g.mul(cost, logDensity));
  const held = cost.shape.length === b.shape.length ? b : g.broadcast(b, cost.shape, []);
  return g.sum(g.mul(g.sub(cost, held), logDensity));
}

function baselineOf(
  parts: Parts,
  s: SiteOfDraw,
  baseline: Exclude<Baseline, "muprop">,
  cost: Node,
  logDensity: Node,
  states: StateNode[],
): Node | undefined {
  const { g, theta } = parts;
  const count = cost.shape.reduce((n, d) => n * d, 1);
  const mean = g.div(g.sum(cost), count);
  switch (baseline) {
    case "none":
      return undefined;
    case "moving_average":
      // Zero at first: the average is divided by the weight it has so far.
      return runningRatio(parts, s, states, ["cost", "weight"], mean, g.constant(1));
    case "constant": {
      // The constant of least variance, E[R |∇ log q|²] / E[|∇ log q|²].
      const [slope] = gradient(g, g.sum(logDensity), [theta]);
      const squared = g.stopGradient(g.sum(g.square(slope)));
      const weighted = g.mul(mean, squared);
      return runningRatio(parts, s, states, ["weighted", "squared"], weighted, squared);
    }
    case "nvil":
      return learnedBaseline(parts, s, cost, states);
  }
}

/**
 * A baseline that is learned along with the params (Mnih and Gregor 2014, section 2.3), by gradient
 * steps on its squared error: w0 + w1 E[z], linear in what the site is given, as far as its own mean
 * tells of that; w0 alone where the site has no such mean.
 */
function learnedBaseline(parts: Parts, s: SiteOfDraw, cost: Node, states: StateNode[]): Node {
  const { g } = parts;
  const count = cost.shape.reduce((n, d) => n * d, 1);
  const all = (x: Node): Node => (cost.shape.length === 0 ? x : g.broadcast(x, cost.shape, []));
  const mean = s.trace.companions?.get(companionName(s.site, "mean"));
  const features: Node[] = [all(g.constant(1))];
  if (mean !== undefined) features.push(g.stopGradient(sumBeyond(g, mean, cost.shape.length)));
  // Normalised least mean squares: one step in the direction of the error.
  const size = features.reduce<Node>(
    (sum, x) => g.add(sum, g.div(g.sum(g.square(x)), count)),
    g.constant(0),
  );
  const names = features.map((_, k) => `${s.draw.name}.${s.site}.learned.${k}`);
  const weights = names.map((name) => g.input(name, []));
  const prediction = features
    .map((x, k) => g.mul(all(weights[k]), x))
    .reduce((a, b) => g.add(a, b));
  const error = g.sub(cost, prediction);
  features.forEach((x, k) => {
    const step = g.div(g.sum(g.mul(error, x)), g.mul(count, size));
    const next = g.add(weights[k], g.mul(rate, step));
    states.push({ slot: { name: names[k], next: `${names[k]}.next`, dims: [], init: 0 }, next });
  });
  return prediction;
}
