/**
 * Gradients in the statistics are natural parameters: with all other sites as they are,
 * ⟨∂/∂T, T(v) − T(w)⟩ is the difference of the complete conditional's log densities, by the
 * families that `conditionals` finds from the direct joint.
 */
import { describe, expect, it } from "vitest";
import { expFamilies, inner } from "../../../src/inference/expfam/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import type { Node } from "../../../src/tensor/ops.js";
import { atState } from "../conditionals/harness.js";
import { bothOf, statisticsAt } from "./harness.js";
import { models } from "./models.js";

describe("gradients in the statistics", () => {
  for (const { name, text, data } of models) {
    it(name, () => {
      const at = atState(text, data, 5);
      const { own, states } = at.state;
      const { joint, expected } = bothOf(text, data);
      const { g } = expected;
      const lp = [...expected.terms, ...expected.factors.map((f) => chosen(f, states))].reduce(
        (x, y) => g.add(x, y),
      );
      function chosen(f: (typeof expected.factors)[number], at: Float64Array): Node {
        const sizes = f.rows.shape.slice(1);
        const picks = new Float64Array(f.rows.shape[0]);
        for (let i = 0; i < picks.length; i++) {
          picks[i] = f.references.reduce((p, r, k) => p * sizes[k] + at[r.elements[i]], 0);
        }
        const width = sizes.reduce((n, s) => n * s, 1);
        const weights = new Float64Array(picks.length * width);
        picks.forEach((p, i) => {
          weights[i * width + p] = 1;
        });
        return g.sum(g.mul(f.rows, g.constant(weights, f.rows.shape)));
      }
      const other = at.found.draw(stream(77, 0, 0, 0)).own;
      const inputs = Object.assign({}, ...expected.sites.map((s, k) => statisticsAt(s, own[k])));
      let compared = 0;
      expected.sites.forEach((site, k) => {
        const found = at.found.findings[k];
        if (site.kind !== "statistics" || found.kind !== "conjugate") return;
        if (found.structure === "coloured") return;
        const nodes = site.statistics.map((s) => s.input);
        const grads = evaluate(gradient(g, lp, nodes), inputs);
        const [v, w] = [own[k], other[k]].map((x) => statisticsAt(site, x));
        const change = nodes.reduce((sum, n, i) => {
          const difference = v[n.name].map((x, j) => x - w[n.name][j]);
          return sum + inner(grads[i], difference);
        }, 0);
        const family = expFamilies[found.rule.family];
        const setting = { size: found.size };
        let want = 0;
        at.params(joint.sites[k].latent.name).forEach((p, u) => {
          const eta = family.toNatural(p);
          const [a, b] = [own[k], other[k]].map((x) => {
            const point = x.slice(u * found.unit, (u + 1) * found.unit);
            return inner(eta, family.statistics(point, setting)) + family.logBase(point, setting);
          });
          want += a - b;
        });
        expect(Math.abs(change - want)).toBeLessThan(1e-7 * (1 + Math.abs(want)));
        compared++;
      });
      expect(compared).toBeGreaterThan(0);
    });
  }
});
