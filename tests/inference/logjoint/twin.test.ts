import { describe, expect, it } from "vitest";
import { buildLogJoint } from "../../../src/inference/logjoint/index.js";
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
