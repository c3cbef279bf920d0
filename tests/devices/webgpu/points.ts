/** What a search in single precision has to come to. */
import { expect } from "vitest";
import type { GraphDevice } from "../../../src/device/contract.js";
import { type PointCase, pointOf, valuesApart } from "../run/point-cases.js";

/**
 * The mode in f64, to which the CPU takes it, is as near the CPU's as both ends of a search are to
 * the mode (a relative change of the density below 2e-9). Draws of the approximation also have the
 * Hessian's rounding, about 1e-6 relative to its largest elements.
 */
export async function expectPoint(own: PointCase, device: GraphDevice): Promise<void> {
  const here = await pointOf(own);
  const there = await pointOf(own, device);
  expect(there.figures.device).toBe("webgpu");
  expect(there.figures.converged).toBe(true);
  expect(there.figures.polish_evaluations).toBeLessThan(40);
  expect(valuesApart(here, there)).toBeLessThan(own.method === "map" ? 1e-4 : 1e-3);
}
