import { describe, expect, it } from "vitest";
import { type Bounds, bijectorOf } from "../../../src/inference/bijectors/index.js";
import { logDeterminant } from "../../../src/math/linalg/index.js";
import { stream } from "../../../src/math/rng/index.js";
import type { SupportKind } from "../../../src/model/ir.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluate } from "../../../src/tensor/evaluate.js";

/** The positions of one event (row-major) that its density is taken over. */
function freeCoordinates(kind: SupportKind, size: number): number[] {
  const all = (n: number) => Array.from({ length: n }, (_, i) => i);
  switch (kind) {
    case "simplex":
      return all(size - 1);
    case "ordered":
    case "positive_ordered":
      return all(size);
    case "cov":
    case "cholesky_cov":
      return all(size * size).filter((k) => k % size <= Math.floor(k / size));
    case "corr":
    case "cholesky_corr":
      return all(size * size).filter((k) => k % size < Math.floor(k / size));
    default:
      return [0];
  }
}

interface Bounded {
  readonly lower?: readonly number[];
  readonly upper?: readonly number[];
}
const EVENTS = 2;

/** log |det| of the map at `u`, from central differences, and as the bijector says. */
function determinants(kind: SupportKind, size: number, seed: number, bounded: Bounded = {}) {
  const bijector = bijectorOf(kind);
  const free = bijector.free(size);
  const g = new GraphBuilder();
  const shape = bijector.eventRank === 0 ? [EVENTS] : [EVENTS, free];
  const u = g.input("u", shape);
  const bound = (b: readonly number[] | undefined) =>
    b === undefined ? undefined : b.length === 1 ? g.constant(b[0]) : g.constant(b, [b.length]);
  const bounds: Bounds = { lower: bound(bounded.lower), upper: bound(bounded.upper) };
  const { value, logDet } = bijector.forward(g, u, size, bounds);
  const rng = stream(seed, 0, 0, 0);
  const at = Float64Array.from({ length: EVENTS * free }, () => rng.normal());
  const [values, said] = evaluate([value, logDet], { u: at });
  const event = values.length / EVENTS;
  const coordinates = freeCoordinates(kind, size);
  const n = coordinates.length * EVENTS;
  expect(n).toBe(at.length);
  const jacobian = new Float64Array(n * n);
  const step = 1e-5;
  at.forEach((x, column) => {
    const shifted = (by: number) => {
      const moved = at.slice();
      moved[column] = x + by;
      return evaluate([value], { u: moved })[0];
    };
    const [up, down] = [shifted(step), shifted(-step)];
    for (let e = 0; e < EVENTS; e++) {
      coordinates.forEach((c, k) => {
        const i = e * event + c;
        jacobian[(e * coordinates.length + k) * n + column] = (up[i] - down[i]) / (2 * step);
      });
    }
  });
  return { values, said: said[0], numeric: n === 0 ? 0 : logDeterminant(jacobian, n).logAbs };
}

const structured: readonly SupportKind[] = [
  "ordered",
  "positive_ordered",
  "simplex",
  "cov",
  "corr",
  "cholesky_cov",
  "cholesky_corr",
];

describe("log determinants against central differences", () => {
  // The error of central differences is about 1e-10 relative in each entry; the determinant of a
  // few rows stays well within 1e-6.
  const digits = 6;
  for (const kind of structured) {
    for (const size of [1, 2, 3, 4]) {
      it(`${kind}[${size}]`, () => {
        for (const seed of [1, 2, 3]) {
          const { said, numeric } = determinants(kind, size, seed);
          expect(said).toBeCloseTo(numeric, digits);
        }
      });
    }
  }
  for (const kind of ["real", "positive", "nonnegative", "unit"] as const) {
    it(kind, () => {
      const { said, numeric } = determinants(kind, 1, 5);
      expect(said).toBeCloseTo(numeric, digits);
    });
  }
  const intervals: readonly Bounded[] = [
    { lower: [-1] },
    { upper: [2] },
    { lower: [-1], upper: [3] },
    { lower: [-1, 2], upper: [3, 5] },
    { lower: [-1, 2], upper: [7] },
    { lower: [0.5], upper: [7, 1] },
    { upper: [7, 1] },
  ];
  for (const bounded of intervals) {
    it(`interval ${JSON.stringify(bounded)}`, () => {
      const { said, numeric, values } = determinants("interval", 1, 6, bounded);
      expect(said).toBeCloseTo(numeric, digits);
      values.forEach((x, i) => {
        expect(x).toBeGreaterThan(bounded.lower?.at(i) ?? bounded.lower?.[0] ?? -Infinity);
        expect(x).toBeLessThan(bounded.upper?.at(i) ?? bounded.upper?.[0] ?? Infinity);
      });
    });
  }
});

describe("values lie in their supports", () => {
  it("simplex", () => {
    const { values } = determinants("simplex", 3, 1);
    expect(values.every((x) => x > 0)).toBe(true);
    expect(values[0] + values[1] + values[2]).toBeCloseTo(1, 14);
  });
  it("ordered and positive_ordered", () => {
    for (const kind of ["ordered", "positive_ordered"] as const) {
      const { values } = determinants(kind, 3, 1);
      expect(values[1]).toBeGreaterThan(values[0]);
      expect(values[2]).toBeGreaterThan(values[1]);
      if (kind === "positive_ordered") expect(values[0]).toBeGreaterThan(0);
    }
  });
  it("correlation factors have unit rows, correlations a unit diagonal", () => {
    const factor = determinants("cholesky_corr", 3, 2).values;
    for (let i = 0; i < 3; i++) {
      const row = factor.subarray(3 * i, 3 * i + 3);
      expect(Math.hypot(...row)).toBeCloseTo(1, 14);
    }
    const { values } = determinants("corr", 3, 2);
    for (let i = 0; i < 3; i++) expect(values[4 * i]).toBeCloseTo(1, 14);
  });
  it("a unit vector's direction is uniform: the extra length has a chi distribution", () => {
    const g = new GraphBuilder();
    const u = g.input("u", [2, 3]);
    const { value, logDet } = bijectorOf("unit_vector").forward(g, u, 3, {});
    const at = [3, 0, 4, 0, -2, 0];
    const [values, said] = evaluate([value, logDet], { u: at });
    [0.6, 0, 0.8, 0, -1, 0].forEach((x, i) => {
      expect(values[i]).toBeCloseTo(x, 14);
    });
    expect(said[0]).toBeCloseTo(-0.5 * (25 + 4), 12);
  });
});
