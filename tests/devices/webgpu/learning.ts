/** What a case of learning has to come to on WebGPU. */
import { expect } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { apart, type LearningCase, learnCase } from "../run/learning-cases.js";

export async function sameSteps(own: LearningCase, on: GraphDevice): Promise<void> {
  const here = await learnCase(own);
  const there = await learnCase(own, on);
  expect(there.figures.device).toBe("webgpu");
  expect(there.figures.steps).toBe(here.figures.steps);
  // Sixty steps in numbers of 24 bits, of objectives whose gradients lose some of them to sums.
  const { params, seen } = apart(here, there);
  expect(params).toBeLessThan(5e-4);
  expect(seen).toBeLessThan(5e-4);
}
