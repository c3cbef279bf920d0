/**
 * Sites whose expectation is taken exactly: what depends on z is evaluated at every value of z and
 * weighted with q(z). Where this happens element by element, all elements take a value at once.
 */
import { fail } from "../../base/diagnostic.js";
import type { Node } from "../../tensor/ops.js";
import { type Parts, type SiteOfDraw, siteCost, siteDensity } from "./costs.js";
import { descendants } from "./dependence.js";
import type { Trace } from "./programs.js";

/** A site with the number of values that each of its elements takes, and its text's place. */
export interface EnumeratedSite extends SiteOfDraw {
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
