import { describe, expect, it } from "vitest";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { gradient } from "../../../src/passes/grad/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { assignments, logSumExp } from "./discrete-brute.js";
import { discreteCases } from "./discrete-models.js";
import { dataSet, modelOf, wholeArrays } from "./models.js";

describe("the summed log joint is the sum over all assignments", () => {
  for (const { name, text, data } of discreteCases) {
    it(name, () => {
      const conditioned = condition(modelOf(text), dataSet(data));
      const joint = buildLogJoint(conditioned, "test");
      const sites = joint.sum?.sites ?? [];
      expect(sites.length).toBeGreaterThan(0);
      for (let k = 0; k < 2; k++) {
        const rng = stream(1, 0, 0, k);
        const q = Float64Array.from({ length: joint.dimension }, () => 0.7 * rng.normal());
        const [summed, constrained] = evaluate([joint.logJoint, joint.constrained], { q });
        const values = wholeArrays(joint.latents, constrained, conditioned.observed);
        const all = assignments(conditioned, sites, values);
        const expected = logSumExp(all.map((a) => a.logJoint));
        expect(Number.isFinite(expected)).toBe(true);
        // Both sum a few thousand terms at most in double precision.
        expect(Math.abs(summed[0] - expected)).toBeLessThan(1e-10 * (1 + Math.abs(expected)));
        // The interpreter is slow; one point is enough where the assignments are many.
        if (all.length > 200) break;
      }
    });
  }
});

describe("its gradient agrees with central differences", () => {
  for (const { name, text, data } of discreteCases) {
    it(name, () => {
      const joint = buildLogJoint(condition(modelOf(text), dataSet(data)), "test");
      const [slope] = gradient(joint.g, joint.logDensity, [joint.q]);
      const rng = stream(3, 0, 0, 0);
      const q = Float64Array.from({ length: joint.dimension }, () => 0.5 * rng.normal());
      const [analytic] = evaluate([slope], { q });
      const at = (k: number, by: number): number => {
        const moved = q.slice();
        moved[k] += by;
        return evaluate([joint.logDensity], { q: moved })[0][0];
      };
      const step = 1e-5;
      for (let k = 0; k < q.length; k++) {
        const numeric = (at(k, step) - at(k, -step)) / (2 * step);
        // Truncation of order step² and rounding of 1e-16 / step, for densities of size 1e2.
        expect(Math.abs(analytic[k] - numeric)).toBeLessThan(1e-6 * (1 + Math.abs(numeric)));
      }
    });
  }
});
