/**
 * The expectation under independent sites: with each site on two points, the expected joint at the
 * mean statistics is the mean of the direct joint over all combinations.
 */
import { describe, expect, it } from "vitest";
import { randomStates } from "../../../src/inference/conditionals/states.js";
import { stream } from "../../../src/math/rng/index.js";
import { condition } from "../../../src/passes/condition/index.js";
import { evaluate } from "../../../src/tensor/evaluate.js";
import { dataSet, modelOf } from "../logjoint/models.js";
import { bothOf, directAt, outputsOf, statisticsAt } from "./harness.js";
import { models } from "./models.js";

/** Probability of the second point. */
const SHARE = 0.3;

describe("expected joint at mean statistics", () => {
  for (const { name, text, data } of models) {
    it(name, () => {
      const { joint, expected } = bothOf(text, data);
      const draw = randomStates(condition(modelOf(text), dataSet(data)), "test", 1);
      const points = [3, 4].map((seed) => draw(stream(seed, 0, 0, 0)).own);
      const count = joint.sites.length;
      let mean: number[][] | undefined;
      for (let c = 0; c < 2 ** count; c++) {
        const bits = Array.from({ length: count }, (_, k) => (c >> k) & 1);
        const weight = bits.reduce((w, b) => w * (b === 1 ? SHARE : 1 - SHARE), 1);
        const at = directAt(
          { joint, expected },
          bits.map((b, k) => points[b][k]),
        );
        mean ??= at.map((v) => new Array<number>(v.length).fill(0));
        at.forEach((v, o) => {
          v.forEach((x, i) => {
            (mean as number[][])[o][i] += weight * x;
          });
        });
      }
      const inputs: Record<string, Float64Array> = {};
      expected.sites.forEach((s, k) => {
        const [first, second] = points.map((p) => statisticsAt(s, p[k]));
        for (const [input, v] of Object.entries(first)) {
          inputs[input] = v.map((x, i) => (1 - SHARE) * x + SHARE * second[input][i]);
        }
      });
      const found = evaluate(outputsOf(expected), inputs);
      mean?.forEach((w, o) => {
        const scale = 1 + w.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
        w.forEach((v, i) => {
          expect(Math.abs(found[o][i] - v)).toBeLessThan(1e-9 * scale);
        });
      });
    });
  }
});
