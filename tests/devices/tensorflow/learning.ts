/** What a case of learning has to come to on TensorFlow. */
import { expect } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { apart, type LearningCase, learnCase } from "../run/learning-cases.js";

export async function sameSteps(own: LearningCase, on: GraphDevice): Promise<void> {
  const here = await learnCase(own);
  const there = await learnCase(own, on);
  expect(there.figures.device).toBe("tensorflow");
  expect(there.figures.steps).toBe(here.figures.steps);
  // Its exp and log round otherwise than ours: some units in the last place a step.
  const { params, seen } = apart(here, there);
  expect(params).toBeLessThan(1e-8);
  expect(seen).toBeLessThan(1e-7);
}
