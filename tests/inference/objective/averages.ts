/** Means of values and gradients over noise, beside exact numbers. For tests alone. */
import { expect } from "vitest";
import { stream } from "../../../src/math/rng/index.js";
import type { Driver } from "./driver.js";

/** Mean and standard error of the value and of each component of the gradient. */
export function averages(d: Driver, draws: number, seed: number) {
  const width = 1 + d.gradient.length;
  const sums = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let t = 0; t < draws; t++) {
    d.draw(stream(seed, 1, 0, t));
    const all = [d.evaluate(), ...d.gradient];
    all.forEach((x, k) => {
      sums[k] += x;
      squares[k] += x * x;
    });
  }
  return [...sums].map((s, k) => {
    const mean = s / draws;
    return { mean, error: Math.sqrt(Math.max(0, squares[k] / draws - mean * mean) / draws) };
  });
}

/** Within four standard errors: one of 16 000 checks of a right program fails, at seeds that do not change. */
export function expectMean(found: { mean: number; error: number }, exact: number): void {
  expect(Math.abs(found.mean - exact)).toBeLessThan(4 * found.error + 1e-9);
}

/** Central differences; their error is of the order 1e-10. */
export function slopes(
  f: (theta: readonly number[]) => number,
  theta: readonly number[],
): number[] {
  const h = 1e-5;
  return theta.map((_, i) => {
    const moved = (d: number): number => f(theta.map((x, k) => (k === i ? x + d : x)));
    return (moved(h) - moved(-h)) / (2 * h);
  });
}
