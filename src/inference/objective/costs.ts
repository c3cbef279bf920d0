/**
 * The part of an objective that depends on one site of a draw: element by element of the plate that
 * the site stands in where the text shows it, for each copy of the draw otherwise.
 */
import type { Draw, Evaluation, Objective } from "../../model/objective.js";
import type { Node } from "../../tensor/ops.js";
import { dependences, descendants, mixedSites } from "./dependence.js";
import { type ExactPlan, expectedTerms } from "./exact.js";
import { type Builder, evaluateTerms, type Program, sumBeyond, type Trace } from "./programs.js";
import { type Rest, restCost } from "./rest.js";

export interface Parts extends Builder {
  /** The objective with its densities taken at other values of a draw: rank 0. */
  readonly whole: (draw: string, trace: Trace) => Node;
  readonly objective: Objective;
  readonly programs: ReadonlyMap<string, Program>;
  readonly traces: ReadonlyMap<string, Trace>;
  /** What the objective says of values of draws, beside its densities. */
  readonly rest?: Rest;
  /** The constant factor of each density, where the objective is linear in them. */
  readonly factors: ReadonlyMap<string, Node> | undefined;
  /** Which statements' densities are replaced by their expectations. */
  readonly exact?: ExactPlan;
}

export interface SiteOfDraw {
  readonly draw: Draw;
  readonly program: Program;
  readonly trace: Trace;
  readonly site: string;
}

/** Sums of densities over everything but the copies and, with `plate`, the site's first axis. */
export interface SiteCost {
  /** Shape `copies` or, with `plate`, `copies ++ [plate]`. */
  readonly cost: Node;
  readonly plate: number | undefined;
  /** Whether no statement depends on several elements of the plate. */
  readonly isApart: boolean;
}

/**
 * What depends on the site, at the values of `trace`; undefined where the objective is not linear in
 * its densities or evaluates more than sums of them at this draw.
 * @param lead how many axes of copies the trace has in front of the draw's own
 * @param isJoint whether all elements have one cost, and there is no plate
 */
export function siteCost(
  parts: Parts,
  s: SiteOfDraw,
  trace: Trace,
  lead = 0,
  isJoint = false,
): SiteCost | undefined {
  const { g, objective, factors, programs } = parts;
  if (factors === undefined) return undefined;
  const own = objective.evaluations.filter((e) => e.draw === s.draw.name);
  const isSum = ({ kind }: Evaluation): boolean =>
    kind === "log_joint" || kind === "log_prob" || kind === "value";
  if (!own.every(isSum)) return undefined;
  // Estimates are no sums over statements.
  if (s.program.isParticles === true || s.program.estimate !== undefined) return undefined;
  if (own.some((e) => programs.get(e.program)?.estimate !== undefined)) return undefined;
  const sites = descendants(s.program.conditioned.model, s.site);
  const mixed = mixedSites(s.program.conditioned.model, s.site);
  const counts = trace.copies.loops.map((b) => b.count);
  const rank = counts.length;
  const plate = isJoint ? undefined : plateOf(parts, s, sites);
  let isApart = true;
  const shape = plate === undefined ? counts : [...counts, plate];
  const all = counts.map((_, k) => k);
  const factorAxes = all.slice(lead);
  let cost: Node = shape.length === 0 ? g.constant(0) : g.zeros(shape);
  for (const e of own) {
    if (e.kind === "value") continue;
    const program = programs.get(e.program);
    const factor = factors.get(e.name);
    if (program === undefined || factor === undefined) return undefined;
    const kinds = dependences(program.conditioned.model, sites, mixed);
    expectedTerms(parts, e, trace).forEach((t, k) => {
      if (kinds[k] === "none" || t.without === s.site) return;
      const isOwn =
        plate !== undefined &&
        kinds[k] === "element" &&
        t.loops > 0 &&
        t.node.shape[rank] === plate;
      if (!isOwn) isApart = false;
      const summed = g.mul(t.scale, sumBeyond(g, t.node, isOwn ? rank + 1 : rank));
      const full = isOwn || shape.length === rank ? summed : g.broadcast(summed, shape, all);
      const isPlain = shape.length === factor.shape.length;
      const scaled = isPlain ? factor : g.broadcast(factor, shape, factorAxes);
      cost = g.add(cost, g.mul(scaled, full));
    });
  }
  const read = restCost(parts, s, trace, sites, plate, lead);
  if (read === undefined) return undefined;
  return { cost: g.add(cost, read.cost), plate, isApart: isApart && read.isApart };
}

/** The length of the site's first axis, where its own statement is element by element. */
function plateOf(parts: Parts, s: SiteOfDraw, sites: ReadonlySet<string>): number | undefined {
  const kinds = dependences(s.program.conditioned.model, sites);
  const rank = s.trace.copies.loops.length;
  const own = evaluateTerms(parts, s.program, s.trace, false).flatMap((t, k) =>
    t.statement.kind === "site" && t.statement.name === s.site
      ? [{ isOwn: kinds[k] === "element" && t.loops > 0, length: t.node.shape[rank] }]
      : [],
  );
  return own.length === 1 && own[0].isOwn ? own[0].length : undefined;
}

/** log q of the site's own draws, in the shape of its cost. */
export function siteDensity(
  parts: Parts,
  s: SiteOfDraw,
  trace: Trace,
  plate: number | undefined,
): Node {
  const { g } = parts;
  const rank = trace.copies.loops.length + (plate === undefined ? 0 : 1);
  return evaluateTerms(parts, s.program, trace, false)
    .filter((t) => t.statement.kind === "site" && t.statement.name === s.site)
    .map((t) => sumBeyond(g, t.node, rank))
    .reduce((a, b) => g.add(a, b));
}
