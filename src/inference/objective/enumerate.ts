/**
 * Sites whose expectation is taken exactly: what depends on z is evaluated at every value of z and
 * weighted with q(z). Where this happens element by element, all elements take a value at once.
 * Otherwise the expectation over one element at a time is exact, and the others are those of the
 * draw: local expectation gradients (Titsias and Lázaro-Gredilla 2015).
 */
import { fail, TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Node } from "../../tensor/ops.js";
import { type BlockSite, blockOf } from "./blocks.js";
import { companion } from "./controls.js";
import { type Parts, siteCost, siteDensity } from "./costs.js";
import { descendants } from "./dependence.js";
import type { Trace } from "./programs.js";

/** A site with the number of values that each of its elements takes, and its text's place. */
export interface EnumeratedSite extends BlockSite {
  readonly values: number;
}

/** Whether every element of the site takes its values apart from all others, as this needs. */
export function isEnumerable(parts: Parts, s: EnumeratedSite): boolean {
  const drawn = siteCost(parts, s, s.trace);
  const node = s.trace.values.get(s.site);
  if (drawn === undefined || node === undefined) return false;
  // Draws that depend on z were made for one value of it only.
  if (descendants(s.program.conditioned.model, s.site).size > 1) return false;
  const elements = node.shape.slice(s.trace.copies.loops.length).reduce((n, d) => n * d, 1);
  // A statement that reads several elements would see all of them at one value.
  if (drawn.plate !== undefined && drawn.plate > 1 && !drawn.isApart) return false;
  // Several elements that do not stand apart would take all combinations of values.
  return elements === (drawn.plate ?? 1);
}

/** What to add to the objective so that the site's drawn value is replaced by the exact mean. */
export function enumerationTerm(parts: Parts, s: EnumeratedSite): Node {
  const { g } = parts;
  const drawn = siteCost(parts, s, s.trace);
  const node = s.trace.values.get(s.site);
  const refuse = () =>
    fail("strategy_missing", s.draw.span, { site: s.site, strategy: "enumerate" });
  if (!isEnumerable(parts, s) || drawn === undefined || node === undefined) return refuse();
  let exact: Node | undefined;
  for (let v = 0; v < s.values; v++) {
    const held = g.full(node.shape, v, node.dtype);
    const values = new Map(s.trace.values).set(s.site, held);
    const at: Trace = { ...s.trace, values };
    const cost = siteCost(parts, s, at);
    if (cost === undefined) return refuse();
    const weight = g.exp(siteDensity(parts, s, at, drawn.plate));
    const term = g.mul(weight, cost.cost);
    exact = exact === undefined ? term : g.add(exact, term);
  }
  return exact === undefined ? refuse() : g.sub(g.sum(exact), g.sum(drawn.cost));
}

/** The most evaluations of a program that a site without a written strategy may cost. */
const mostEvaluations = 16;

/** Whether the expectation over each element by itself is exact at a bearable cost. */
export function isLocallyEnumerable(parts: Parts, s: EnumeratedSite): boolean {
  try {
    return blockOf(parts, s, "enumerate", true).elements * s.values <= mostEvaluations;
  } catch (error) {
    if (error instanceof TildeError) return false;
    throw error;
  }
}

/**
 * Σ_e Σ_v stop(R(z_e = v)) q(z_e = v), for the gradient alone: what depends on z_e is drawn again for
 * each of its values, on the same noise.
 */
export function localTerm(parts: Parts, s: EnumeratedSite): Node {
  const { g } = parts;
  const block = blockOf(parts, s, "enumerate", true);
  const held = s.trace.values.get(s.site) ?? internalError(`no value of ${s.site}`);
  const mean = companion(s, "mean");
  const isBit = mean.shape.length === held.shape.length;
  const last = mean.shape.length - 1;
  let total: Node = g.constant(0);
  for (let v = 0; v < s.values; v++) {
    const cost = g.stopGradient(block.costAt(g.full(held.shape, v, held.dtype), held, "hard"));
    const at = mean.shape.map((_, k) => (k === last ? v : 0));
    const size = mean.shape.map((d, k) => (k === last ? 1 : d));
    const bit = v === 1 ? mean : g.sub(1, mean);
    const weight = isBit ? bit : g.reshape(g.slice(mean, at, size), held.shape);
    total = g.add(total, g.sum(g.mul(cost, block.align(weight))));
  }
  return total;
}
