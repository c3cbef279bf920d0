/** At statistics T(v) the expected joint is the direct joint at v. */
import { describe, expect, it } from "vitest";
import { randomStates } from "../../../src/inference/conditionals/states.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { dataSet, modelOf } from "../logjoint/models.js";
import { bothOf, directAt, expectedAt } from "./harness.js";
import { models } from "./models.js";

describe("expected joint at T(v)", () => {
  for (const { name, text, data } of models) {
    it(name, () => {
      const { joint, expected } = bothOf(text, data);
      const draw = randomStates(condition(modelOf(text), dataSet(data)), "test", 1);
      for (const seed of [1, 2]) {
        const { own } = draw(stream(seed, 0, 0, 0));
        const want = directAt({ joint, expected }, own);
        const found = expectedAt(expected, own);
        expect(found.length).toBe(want.length);
        want.forEach((w, k) => {
          const scale = 1 + w.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
          w.forEach((v, i) => {
            expect(Math.abs(found[k][i] - v)).toBeLessThan(1e-9 * scale);
          });
        });
      }
    });
  }
});
