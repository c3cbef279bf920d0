import { describe, expect, test } from "vitest";
import { chiSquare, chiSquareOfMass, kolmogorovSmirnov, kolmogorovTail, twoSided } from "./gof.js";

describe("goodness-of-fit p-values", () => {
  test("the Kolmogorov tail at table points, both series", () => {
    // scipy.special.kolmogorov
    expect(kolmogorovTail(0.5)).toBeCloseTo(0.9639452436648751, 10);
    expect(kolmogorovTail(1.0)).toBeCloseTo(0.26999967167735456, 10);
    expect(kolmogorovTail(1.36)).toBeCloseTo(0.049485876755377876, 9);
    expect(kolmogorovTail(2)).toBeCloseTo(0.0006709252557797, 12);
  });
  test("an equidistant sample fits the uniform, a squared one does not, NaN never does", () => {
    const grid = Array.from({ length: 500 }, (_, i) => (i + 0.5) / 500);
    expect(kolmogorovSmirnov(grid, (x) => x)).toBeGreaterThan(0.999);
    expect(kolmogorovSmirnov(grid, (x) => x * x)).toBeLessThan(1e-10);
    expect(kolmogorovSmirnov([...grid, NaN], (x) => x)).toBe(0);
  });
  test("chi-square by hand: (5² + 5²)/50 = 1 on one degree of freedom", () => {
    // scipy.stats.chi2.sf(1, 1)
    expect(chiSquare([45, 55], [50, 50])).toBeCloseTo(0.31731050786291115, 12);
    // Small cells are pooled: 3 + 3 expected make one cell.
    expect(chiSquare([45, 55, 1, 5], [50, 50, 3, 3])).toBeCloseTo(0.6065306597126, 10);
  });
  test("a fractional or negative draw fails a mass function at once", () => {
    expect(chiSquareOfMass([0, 1, 0.5], () => 0.5, 1)).toBe(0);
    expect(chiSquareOfMass([0, -1], () => 0.5, 1)).toBe(0);
  });
  test("two-sided p of 1.96", () => {
    expect(twoSided(-1.959963984540054)).toBeCloseTo(0.05, 12);
  });
});
