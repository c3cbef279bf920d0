/**
 * Expectations in closed form. Where an objective is affine in the densities that it evaluates, its
 * mean over the draws of a site s, given all others, may be taken by itself:
 *
 *     E[α log p(s | a) + β log q(s | b)] = −α KL(q_b‖p_a) − (α + β) H(q_b)
 *
 * which has the same expectation and no noise of s in it (Rao and Blackwell; Kingma and Welling 2013,
 * appendix B). It holds where a and b are no draws of s and none that depend on them. Where p is not
 * known, the entropy H(q_b) may be. Nothing here knows of a particular objective.
 */
import { internalError } from "../../base/internal.js";
import { entropy } from "../../distributions/expectations/index.js";
import type { Draw, Evaluation } from "../../model/objective.js";
import { walkStmts } from "../../model/traverse.js";
import { evaluateNode } from "../../tensor/evaluate.js";
import type { Node } from "../../tensor/ops.js";
import type { Inexact, SiteExpectation } from "./contract.js";
import type { Parts } from "./costs.js";
import { descendants, readsBelow, readsItself } from "./dependence.js";
import { type Pair, pairOf } from "./pairing.js";
import {
  type EvaluatedTerm,
  evaluateTerms,
  type Program,
  type SiteLaw,
  siteLaws,
  type Trace,
} from "./programs.js";

/** How one statement's log density is replaced. */
type Kind = "divergence" | "density" | "entropy" | "nothing";
interface Replacement {
  readonly site: string;
  readonly kind: Kind;
  /** Whether no other element of the site is read by the expectation. */
  readonly isApart: boolean;
}

/** By evaluation and the place of the statement. */
type DrawPlan = ReadonlyMap<string, ReadonlyMap<number, Replacement>>;

export interface ExactPlan {
  readonly draws: ReadonlyMap<string, DrawPlan>;
  /** By draw and site. */
  readonly sites: ReadonlyMap<string, ReadonlyMap<string, SiteExpectation>>;
}

/** What is asked of a builder. */
export type Evaluating = Omit<Parts, "whole" | "factors">;

const isSum = ({ kind }: Evaluation): boolean => kind === "log_joint" || kind === "log_prob";

const programOf = (parts: Evaluating, name: string): Program =>
  parts.programs.get(name) ?? internalError(`no program ${name}`);

/** Statements' densities for an evaluation at a trace, with those that are known replaced. */
export function expectedTerms(parts: Evaluating, e: Evaluation, trace: Trace): EvaluatedTerm[] {
  const { g, exact, objective } = parts;
  const program = programOf(parts, e.program);
  const terms = evaluateTerms(parts, program, trace, e.frozen);
  const plan = e.draw === undefined ? undefined : exact?.draws.get(e.draw)?.get(e.name);
  const draw = objective.draws.find((d) => d.name === e.draw);
  if (plan === undefined || draw === undefined) return terms;
  const guide = programOf(parts, draw.program);
  const drawnLaws = new Map<string, SiteLaw[]>();
  const ownLaws = new Map<string, (SiteLaw | undefined)[]>();
  return terms.map((term, k) => {
    const found = plan.get(k);
    if (found === undefined) return term;
    const { site, kind, isApart } = found;
    const own = ownLaws.get(site) ?? siteLaws(parts, program, trace, e.frozen, site);
    ownLaws.set(site, own);
    const to = own[k] ?? internalError(`no law of ${site}`);
    let node: Node;
    if (kind === "nothing") node = g.zeros(to.batch);
    else if (kind === "entropy") node = g.neg(entropy(g, to.law) ?? internalError("no entropy"));
    else {
      const drawn = drawnLaws.get(site) ?? lawsOf(siteLaws(parts, guide, trace, false, site));
      drawnLaws.set(site, drawn);
      const pair = pairOf(g, drawn, to);
      if (typeof pair === "string") return internalError(`no expectation of ${site}`);
      const value = kind === "density" ? pair.density : pair.divergence && g.neg(pair.divergence);
      node = value ?? internalError(`no ${kind} of ${site}`);
    }
    const { statement, loops, scale } = term;
    return { statement, node, loops, scale, ...(isApart && { without: site }) };
  });
}

const lawsOf = (found: readonly (SiteLaw | undefined)[]): SiteLaw[] =>
  found.filter((x) => x !== undefined);

/** Which statements of which evaluations have closed expectations over the site that they are of. */
export function planExact(parts: Evaluating, factors: Parts["factors"]): ExactPlan {
  const draws = new Map<string, DrawPlan>();
  const sites = new Map<string, ReadonlyMap<string, SiteExpectation>>();
  for (const draw of parts.objective.draws) {
    const plan = new Map<string, Map<number, Replacement>>();
    const found = new Map<string, SiteExpectation>();
    const guide = programOf(parts, draw.program);
    walkStmts(guide.conditioned.model.body, (s) => {
      if (s.kind !== "site" || found.has(s.name)) return;
      const planned = planSite(parts, draw, s.name, factors);
      found.set(s.name, planned.expectation);
      for (const { evaluation, at, replacement } of planned.places) {
        const list = plan.get(evaluation) ?? new Map<number, Replacement>();
        plan.set(evaluation, list.set(at, replacement));
      }
    });
    sites.set(draw.name, found);
    if (plan.size > 0) draws.set(draw.name, plan);
  }
  return { draws, sites };
}

interface Place {
  readonly evaluation: string;
  readonly at: number;
  readonly replacement: Replacement;
}
interface Planned {
  readonly expectation: SiteExpectation;
  readonly places: readonly Place[];
}

/** A statement that evaluates the site's density in another program than that of the draw. */
interface Evaluated {
  readonly e: Evaluation;
  readonly at: number;
  readonly law: SiteLaw;
  readonly scale: number;
  readonly isApart: boolean;
  readonly pair: Pair | Inexact;
}

function planSite(parts: Evaluating, draw: Draw, site: string, factors: Parts["factors"]): Planned {
  const none = (why: Inexact): Planned => ({ expectation: { exact: "none", why }, places: [] });
  const { g, objective } = parts;
  const trace = parts.traces.get(draw.name) ?? internalError(`no draw ${draw.name}`);
  const guide = programOf(parts, draw.program);
  if (draw.frozen) return none("held");
  const isEstimated = ({ estimate, isParticles }: Program): boolean =>
    estimate !== undefined || isParticles === true;
  const seen = objective.evaluations.filter((e) => e.draw === draw.name);
  const asked = seen.filter((e) => e.reading === undefined);
  if ([guide, ...asked.map((e) => programOf(parts, e.program))].some(isEstimated)) {
    return none("estimated");
  }
  if (factors === undefined) return none("nonlinear");
  const here = seen.filter(isSum);
  const own = here.filter((e) => programOf(parts, e.program) === guide);
  const others = here.filter((e) => programOf(parts, e.program) !== guide);
  if (own.some((e) => e.frozen)) return none("held");
  const { model } = guide.conditioned;
  const statements = siteLaws(parts, guide, trace, false, site);
  const drawn = lawsOf(statements);
  if (drawn.length !== countOf(model, site) || drawn.some((d) => d.rows.length === 0)) {
    return none("family");
  }
  const isChain = readsItself(model, site);
  const below = descendants(model, site);
  const entropies = drawn.map((d) => entropy(g, d.law));
  const hasEntropy = entropies.every((h) => h !== undefined);

  const evaluated = others.flatMap((e): Evaluated[] => {
    const program = programOf(parts, e.program);
    const laws = siteLaws(parts, program, trace, e.frozen, site);
    const terms = evaluateTerms(parts, program, trace, e.frozen);
    const reads = readsBelow(program.conditioned.model, model, site, below);
    return laws.flatMap((law, at): Evaluated[] => {
      if (reads[at] === undefined) return [];
      const scale = terms[at].scale;
      if (law === undefined || law.rows.length === 0) {
        const empty = { rows: new Float64Array(), batch: [], eventSize: 1, restricted: false };
        const unknown: SiteLaw = { site, law: { name: "", args: {} }, ...empty };
        return [{ e, at, law: unknown, scale, isApart: false, pair: "family" }];
      }
      const isShifted = reads[at] === "shifted" && drawn[0].eventSize <= law.eventSize;
      const isOpen = reads[at] === "none" || isShifted;
      const pair = isOpen ? pairOf(g, drawn, law) : "reads";
      return [{ e, at, law, scale, isApart: reads[at] === "none" && !isChain, pair }];
    });
  });

  const places: Place[] = [];
  const put = (e: Evaluation, at: number, kind: Kind, isApart: boolean): void => {
    places.push({ evaluation: e.name, at, replacement: { site, kind, isApart } });
  };
  const putOwn = (kind: Kind): void => {
    for (const e of own) {
      statements.forEach((s, at) => {
        if (s !== undefined) put(e, at, kind, !isChain);
      });
    }
  };
  const ownScale = own.flatMap((e) =>
    evaluateTerms(parts, programOf(parts, e.program), trace, e.frozen)
      .filter((_, k) => statements[k] !== undefined)
      .map((t) => t.scale),
  );
  // α + β = 0 for all draws at once: one number in the place of two.
  const isOpposite =
    own.length === 1 &&
    new Set(others.filter((e) => evaluated.some((x) => x.e === e))).size === 1 &&
    new Set([...ownScale, ...evaluated.map((x) => x.scale)]).size === 1 &&
    areOpposite(factors.get(own[0].name), factors.get(evaluated[0].e.name)) &&
    coversAll(drawn, evaluated);
  if (isOpposite && evaluated.every((x) => divergenceOf(x) !== undefined)) {
    for (const x of evaluated) put(x.e, x.at, "divergence", x.isApart);
    putOwn("nothing");
    return { expectation: { exact: "divergence" }, places };
  }
  const closed = evaluated.filter((x) => densityOf(x) !== undefined);
  for (const x of closed) put(x.e, x.at, "density", x.isApart);
  if (hasEntropy) putOwn("entropy");
  const isAll = evaluated.length > 0 && closed.length === evaluated.length;
  const open = evaluated.find((x) => densityOf(x) === undefined)?.pair;
  const why =
    typeof open === "string" ? open : hasEntropy && evaluated.length === 0 ? "alone" : "family";
  if (isAll && hasEntropy && own.length > 0) {
    return { expectation: { exact: "divergence" }, places };
  }
  if (isAll) {
    return { expectation: { exact: "density", ...(own.length > 0 && { why: "family" }) }, places };
  }
  const exact = hasEntropy && own.length > 0 ? "entropy" : closed.length > 0 ? "density" : "none";
  return { expectation: { exact, why }, places };
}

const divergenceOf = ({ pair }: Evaluated): Node | undefined =>
  typeof pair === "string" ? undefined : pair.divergence;
const densityOf = ({ pair }: Evaluated): Node | undefined =>
  typeof pair === "string" ? undefined : pair.density;

function countOf(model: Program["conditioned"]["model"], site: string): number {
  let count = 0;
  walkStmts(model.body, (s) => {
    if (s.kind === "site" && s.name === site) count++;
  });
  return count;
}

function areOpposite(a: Node | undefined, b: Node | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const [x, y] = [evaluateNode(a), evaluateNode(b)];
  return x.length === y.length && x.every((v, k) => v === -y[k]);
}

/** Whether the densities are those of every draw, once each. */
function coversAll(drawn: readonly SiteLaw[], evaluated: readonly Evaluated[]): boolean {
  const size = drawn.reduce((n, d) => n + d.rows.length, 0);
  const seen = new Set<number>();
  for (const { law } of evaluated) {
    if (law.eventSize !== drawn[0].eventSize) return false;
    for (const row of law.rows) {
      if (seen.has(row)) return false;
      seen.add(row);
    }
  }
  return seen.size === size;
}
