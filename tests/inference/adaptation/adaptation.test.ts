import { describe, expect, it } from "vitest";
import {
  initCovariance,
  regularisedCovariance,
  resetCovariance,
  stepCovariance,
} from "../../../src/inference/adaptation/covariance.js";
import {
  DUAL_AVERAGING_DEFAULTS,
  initDualAveraging,
  stepDualAveraging,
} from "../../../src/inference/adaptation/dual-averaging.js";
import { findStepSize } from "../../../src/inference/adaptation/step-size.js";
import { warmupSchedule } from "../../../src/inference/adaptation/windows.js";
import { stream } from "../../../src/math/rng/index.js";

/** Stan's windowed_adaptation.hpp, with its counter, stepped iteration by iteration. */
function stanWindows(warmup: number, first: number, last: number, base: number) {
  let size = base;
  let next = first + size - 1;
  const ends: number[] = [];
  const inside: number[] = [];
  for (let counter = 0; counter < warmup; counter++) {
    if (counter >= first && counter < warmup - last) inside.push(counter);
    if (counter !== next) continue;
    ends.push(counter);
    if (next === warmup - last - 1) continue;
    size *= 2;
    next = counter + size;
    if (next === warmup - last - 1) continue;
    if (next + 2 * size >= warmup - last) next = warmup - last - 1;
  }
  return { ends, from: inside[0], to: inside.at(-1)! + 1 };
}

describe("warmup schedule", () => {
  it("is the one of Stan's reference manual for 1000 iterations", () => {
    expect(warmupSchedule(1000)).toEqual({
      warmup: 1000,
      from: 75,
      to: 950,
      ends: [99, 149, 249, 449, 949],
    });
  });

  it("equals Stan's counter for every length from 150 to 3000", () => {
    const different: number[] = [];
    for (let warmup = 150; warmup <= 3000; warmup++) {
      const { ends, from, to } = warmupSchedule(warmup);
      const stan = stanWindows(warmup, 75, 50, 25);
      if (`${ends},${from},${to}` !== `${stan.ends},${stan.from},${stan.to}`)
        different.push(warmup);
    }
    expect(different).toEqual([]);
  });

  it("shrinks to 15 %, 75 % and 10 % where the phases do not fit", () => {
    expect(warmupSchedule(100)).toEqual({ warmup: 100, from: 15, to: 90, ends: [89] });
    expect(warmupSchedule(149)).toEqual({ warmup: 149, from: 22, to: 135, ends: [134] });
    expect(warmupSchedule(20)).toEqual({ warmup: 20, from: 3, to: 18, ends: [17] });
  });

  it("leaves the metric alone below 20", () => {
    expect(warmupSchedule(19).ends).toEqual([]);
    expect(warmupSchedule(0).ends).toEqual([]);
  });
});

describe("dual averaging", () => {
  it("takes the first steps of Hoffman and Gelman's recursion", () => {
    const state = initDualAveraging(0.5);
    const once = stepDualAveraging(state, 0.3, DUAL_AVERAGING_DEFAULTS);
    // H̄ = (0.8 - 0.3) / 11; log ε = log 5 - √1 / 0.05 · H̄; x̄ = log ε since 1^-0.75 = 1.
    const logStep = Math.log(5) - 20 * (0.5 / 11);
    expect(once.logStep).toBeCloseTo(logStep, 14);
    expect(once.logStepAverage).toBeCloseTo(logStep, 14);
    const twice = stepDualAveraging(once, 2, DUAL_AVERAGING_DEFAULTS);
    const error = (1 - 1 / 12) * (0.5 / 11) + (0.8 - 1) / 12;
    expect(twice.logStep).toBeCloseTo(Math.log(5) - (Math.sqrt(2) / 0.05) * error, 13);
    expect(twice.logStepAverage).toBeCloseTo(
      (1 - 2 ** -0.75) * logStep + 2 ** -0.75 * twice.logStep,
      13,
    );
  });

  it("finds the step with the wanted acceptance", () => {
    const random = stream(4, 0, 0, 0);
    let state = initDualAveraging(1);
    for (let i = 0; i < 5000; i++) {
      // Acceptance falls as exp(-ε): 0.8 at ε = 0.2231.
      const noise = 0.2 * (random.uniform() - 0.5);
      const accept = Math.max(0, Math.exp(-Math.exp(state.logStep)) + noise);
      state = stepDualAveraging(state, accept, DUAL_AVERAGING_DEFAULTS);
    }
    expect(Math.exp(state.logStepAverage)).toBeCloseTo(-Math.log(0.8), 1);
  });
});

describe("step size search", () => {
  const falls = (limit: number) => (epsilon: number) => (epsilon < limit ? 0 : -10);
  it("doubles or halves to the first step on the other side", () => {
    expect(findStepSize(1, falls(5))).toEqual({ kind: "found", stepSize: 8 });
    expect(findStepSize(1, falls(0.3))).toEqual({ kind: "found", stepSize: 0.25 });
    expect(findStepSize(0.1, (e) => (e < 0.3 ? 0 : Number.NaN))).toEqual({
      kind: "found",
      stepSize: 0.4,
    });
  });
  it("says that no step is large or small enough", () => {
    expect(findStepSize(1, () => 0)).toEqual({ kind: "unbounded" });
    expect(findStepSize(1, () => Number.NaN)).toEqual({ kind: "vanishing" });
  });
});

describe("covariance estimates", () => {
  const n = 37;
  const d = 3;
  const random = stream(5, 0, 0, 0);
  const points = Array.from({ length: n }, () =>
    Float64Array.from({ length: d }, (_, i) => 1e3 * i + (i + 1) * random.normal()),
  );
  const mean = Array.from({ length: d }, (_, i) => points.reduce((s, p) => s + p[i], 0) / n);
  const entry = (i: number, j: number) =>
    points.reduce((s, p) => s + (p[i] - mean[i]) * (p[j] - mean[j]), 0) / (n - 1);
  const shrunk = (i: number, j: number) =>
    (n / (n + 5)) * entry(i, j) + (i === j ? 1e-3 * (5 / (n + 5)) : 0);

  for (const kind of ["diag", "dense"] as const) {
    it(`are the two-pass ones, shrunk as Stan does (${kind})`, () => {
      const state = initCovariance(kind, d);
      for (const p of [points[3], points[4]]) stepCovariance(state, p);
      resetCovariance(state);
      expect(regularisedCovariance(state)).toBeUndefined();
      for (const p of points) stepCovariance(state, p);
      const result = regularisedCovariance(state)!;
      for (let i = 0; i < d; i++) {
        if (kind === "diag") expect(result[i] / shrunk(i, i)).toBeCloseTo(1, 11);
        else {
          for (let j = 0; j < d; j++) expect(result[i * d + j]).toBeCloseTo(shrunk(i, j), 9);
        }
      }
    });
  }
});
