/** Measure-valued derivatives: differences of the cost at two coupled draws. */

import { internalError } from "../../base/internal.js";
import type { Node } from "../../tensor/ops.js";
import { type BlockSite, blockOf } from "./blocks.js";
import { companion } from "./controls.js";
import type { Parts } from "./costs.js";

/**
 * Σ over the parameters φ and the elements of stop(c (R(z⁺) − R(z⁻))) φ, whose gradient is
 * Σ c (R(z⁺) − R(z⁻)) ∇φ (Mohamed et al. 2020, equation 34). Each element moves by itself, and what
 * depends on it is drawn again on the same noise.
 * @param parameters those of the site's distribution, by the names in `weakDerivatives`
 */
export function measureTerm(parts: Parts, s: BlockSite, parameters: readonly string[]): Node {
  const { g } = parts;
  const block = blockOf(parts, s, "mvd", true);
  const held = s.trace.values.get(s.site) ?? internalError(`no value of ${s.site}`);
  return parameters
    .map((name) => {
      const at = (part: "plus" | "minus"): Node =>
        block.costAt(g.stopGradient(companion(s, `mvd:${name}.${part}`)), held, "hard");
      const difference = g.stopGradient(g.sub(at("plus"), at("minus")));
      const weight = g.stopGradient(companion(s, `mvd:${name}.weight`));
      const moved = block.align(g.mul(weight, companion(s, `mvd:${name}.parameter`)));
      return g.sum(g.mul(difference, moved));
    })
    .reduce((a, b) => g.add(a, b));
}
