/**
 * The elements of a site whose costs are told apart, and the cost as a function of their values. All
 * elements of a plate move at once where each has a cost of its own; elements that depend on each
 * other move in copies of the program, one element in each.
 */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import { concreteDims } from "../../passes/condition/index.js";
import type { Node } from "../../tensor/ops.js";
import { assemblePartly } from "../logjoint/pieces.js";
import { type Parts, type SiteOfDraw, siteCost } from "./costs.js";
import { descendants, readsItself } from "./dependence.js";
import { evaluateTerms, redrawTrace, softness, sumBeyond, type Trace } from "./programs.js";
import type { Redraw, Spread } from "./redraw.js";

export interface BlockSite extends SiteOfDraw {
  readonly span: Span;
}

export interface Block {
  /** In how many copies of the program elements move. */
  readonly elements: number;
  /** What depends on the site at its draw, `[copies, plate?]`; rank 0 for the whole objective. */
  readonly cost: Node;
  /** The shape of costs at other values: `[elements?, copies, plate?]`. */
  readonly shape: readonly number[];
  /** `[copies, …the site's own axes]` summed and moved to that shape. */
  readonly align: (x: Node) => Node;
  /** The cost at the draw, repeated for the elements. */
  readonly drawn: Node;
  /** Costs at given values of the site (of the draw's own shape). */
  readonly costAt: (given: Node, held: Node, mode: Redraw["mode"]) => Node;
  /** log q of the site's draws, in the shape of the costs. */
  readonly logDensity: () => Node;
}

/**
 * @param isApart whether every element must move by itself, which differences of costs need; else
 * those alone that depend on each other do
 */
export function blockOf(parts: Parts, s: BlockSite, strategy: string, isApart: boolean): Block {
  const { g } = parts;
  const refuse = (): never => fail("strategy_missing", s.span, { site: s.site, strategy });
  const { model } = s.program.conditioned;
  // No density is a function of particles alone, and they are not drawn again.
  if (s.program.isParticles === true) return refuse();
  const split = siteCost(parts, s, s.trace);
  // Statements that read several elements of the plate would see all of them moved.
  const isJoint = split !== undefined && split.plate !== undefined && !split.isApart;
  const own = isJoint ? siteCost(parts, s, s.trace, 0, true) : split;
  const cost = own?.cost ?? parts.whole(s.draw.name, s.trace);
  const variable = model.variables.find((v) => v.name === s.site);
  if (variable === undefined) return refuse();
  const counts = s.trace.copies.loops.map((c) => c.count);
  const copies = counts.length;
  const dims = concreteDims(s.program.conditioned, variable.type.dims);
  const below = descendants(model, s.site);
  const isChain = readsItself(model, s.site);
  const first = own?.plate === undefined ? 0 : 1;
  const last = isApart ? dims.length : dims.length - variable.eventRank;
  const axes = dims.map((_, k) => k).slice(first, last);
  const elements = axes.reduce((n, a) => n * dims[a], 1);
  const isSpread = (isChain || isApart) && elements > 1;
  // The objective as a whole has one number for all copies of the draw.
  if (own === undefined && (isSpread || (isApart && counts.some((c) => c > 1)))) refuse();
  if (isChain && isApart && variable.eventRank > 0) refuse();
  const spread: Spread | undefined = isSpread
    ? { axes, copies, dims, eventRank: variable.eventRank, isChain }
    : undefined;
  const again = new Set(below);
  if (spread === undefined) again.delete(s.site);
  const plate = own?.plate === undefined ? [] : [own.plate];
  const inner = own === undefined ? [] : [...counts, ...plate];
  const shape = isSpread ? [elements, ...inner] : inner;

  const align = (x: Node): Node => {
    if (own === undefined) return g.sum(x);
    if (!isSpread) return sumBeyond(g, x, inner.length);
    // What is left: copies, the plate, and the elements that are told apart.
    const kept = sumBeyond(g, x, copies + first + axes.length);
    const rank = kept.shape.length;
    const front = inner.map((_, k) => k);
    const back = Array.from({ length: rank - inner.length }, (_, k) => inner.length + k);
    return g.reshape(g.transpose(kept, [...back, ...front]), shape);
  };
  const repeat = (x: Node): Node =>
    isSpread
      ? g.broadcast(
          x,
          shape,
          x.shape.map((_, k) => k + 1),
        )
      : x;
  const isSoft = (name: string): boolean | undefined => softness(s.program, s.trace, name);
  const costAt: Block["costAt"] = (given, held, mode) => {
    const redraw: Redraw = { site: s.site, again, mode, spread, isSoft };
    const trace = redrawTrace(parts, s.program, s.trace, redraw, given, held);
    if (own === undefined) return parts.whole(s.draw.name, trace);
    return siteCost(parts, s, trace, isSpread ? 1 : 0, isJoint)?.cost ?? refuse();
  };
  const batch = dims.slice(0, dims.length - variable.eventRank);
  return {
    elements: isSpread ? elements : 1,
    cost,
    shape,
    align,
    drawn: repeat(cost),
    costAt,
    logDensity: () => align(elementDensity(parts, s, s.trace, [...counts, ...batch])),
  };
}

/** log q of each element of the site's loops, `[copies, …loops]`. */
function elementDensity(parts: Parts, s: SiteOfDraw, trace: Trace, batch: readonly number[]): Node {
  const { g } = parts;
  const pieces = evaluateTerms(parts, s.program, trace, false).flatMap((t) => {
    if (t.positions === undefined || t.statement.kind !== "site") return [];
    if (t.statement.name !== s.site) return [];
    const summed = sumBeyond(g, t.node, trace.copies.loops.length + t.loops);
    return [{ positions: t.positions, values: g.reshape(summed, [t.positions.length, 1]) }];
  });
  const name = `log q of ${s.site}`;
  const flat = assemblePartly(
    g,
    { name, span: s.draw.span, scalar: "real", batch, event: [] },
    pieces,
  );
  return g.reshape(flat, [...batch]);
}
