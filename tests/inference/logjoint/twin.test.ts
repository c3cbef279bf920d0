import { describe, expect, it } from "vitest";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
import { logDeterminant } from "../../../src/math/linalg/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { logJointOf } from "../../../src/passes/interpret/log-joint.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { cases, dataSet, modelOf, wholeArrays } from "./models.js";

describe("the lowered log joint and the interpreter agree", () => {
  for (const { name, text, data } of cases) {
    it(name, () => {
      const conditioned = condition(modelOf(text), dataSet(data));
      const joint = buildLogJoint(conditioned, "test");
      for (let k = 0; k < 4; k++) {
        const rng = stream(1, 0, 0, k);
        const q = Float64Array.from({ length: joint.dimension }, () => 0.7 * rng.normal());
        const [logJoint, constrained] = evaluate([joint.logJoint, joint.constrained], { q });
        const values = wholeArrays(joint.latents, constrained, conditioned.observed);
        const expected = logJointOf(conditioned, values);
        expect(Number.isFinite(expected)).toBe(true);
        // Both sum a few dozen terms of ordinary size in double precision.
        expect(Math.abs(logJoint[0] - expected)).toBeLessThan(1e-10 * (1 + Math.abs(expected)));
      }
    });
  }
});

describe("the Jacobian of a whole model", () => {
  // Models whose latent scalars are as many as their unconstrained numbers, so that the Jacobian
  // is square; supports with bounds by other sites make it triangular, not diagonal.
  const square = cases.filter(({ text }) => !/Dirichlet|LKJ|Wishart|cov\[/.test(text));
  for (const { name, text, data } of square) {
    it(name, () => {
      const conditioned = condition(modelOf(text), dataSet(data));
      const joint = buildLogJoint(conditioned, "test");
      const n = joint.dimension;
      expect(joint.constrained.shape).toEqual([n]);
      const rng = stream(2, 0, 0, 0);
      const q = Float64Array.from({ length: n }, () => 0.5 * rng.normal());
      const [density, plain] = evaluate([joint.logDensity, joint.logJoint], { q });
      const jacobian = new Float64Array(n * n);
      const step = 1e-5;
      const valuesAt = (column: number, by: number) => {
        const moved = q.slice();
        moved[column] += by;
        return evaluate([joint.constrained], { q: moved })[0];
      };
      for (let column = 0; column < n; column++) {
        const [up, down] = [valuesAt(column, step), valuesAt(column, -step)];
        up.forEach((x, row) => {
          jacobian[row * n + column] = (x - down[row]) / (2 * step);
        });
      }
      // Central differences leave about 1e-10 relative in each entry.
      const numeric = n === 0 ? 0 : logDeterminant(jacobian, n).logAbs;
      expect(density[0] - plain[0]).toBeCloseTo(numeric, 6);
    });
  }
});
