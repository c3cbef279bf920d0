/** Mean gradients of structured programs against exact sums. For tests alone. */
import { expect } from "vitest";
import { exactGradient } from "./exact.js";
import { chain, labelChain, layers, mixture, vectors } from "./structures.js";
import { meanGradient } from "./variance.js";

/** Programs by name, with the numbers of values of their labels. */
const programs = {
  layers: { make: layers, counts: {} },
  vectors: { make: vectors, counts: {} },
  chain: { make: chain, counts: {} },
  mixture: { make: mixture, counts: { z: 3 } },
  labelChain: { make: labelChain, counts: { z: 3 } },
} as const;

export function checkUnbiased(name: string, using: string, draws: number): void {
  const { make, counts } = programs[name as keyof typeof programs];
  const setup = make(using);
  const exact = exactGradient(setup, counts);
  const { mean, error } = meanGradient(setup, draws);
  // At most 19 components a case: a fair estimator passes 4.5 standard errors in all but 1.3e-4 of seeds.
  mean.forEach((m, i) => {
    expect(Math.abs(m - exact[i]), `component ${i}`).toBeLessThan(4.5 * error[i] + 1e-6);
  });
  expect(error.some((e) => e > 0)).toBe(true);
}
