/** Implicit score matching against its closed forms. */
import { describe, expect, test } from "vitest";
import { averages, expectMean, slopes } from "./averages.js";
import { adam, array, build, drive, type Setup } from "./driver.js";

const text = `import objectives
model normal(N: int) {
  param A: real[2, 2] = [[1.2, 0.4], [0.4, 0.7]]
  param b: real[2] = [0.3, -0.5]
  for i in 0..N { x[i]: real[2] ~ Energy(u => sum(b * u) - 0.5 * sum(u * (A @ u))) }
}
model quartic(N: int) {
  param a: real = 0.4
  param c: real = 0.2
  for i in 0..N { x[i] ~ Energy(u => c * u - a * u^4) }
}
guide around() for drawn { x ~ Normal(0.5, 1) }
model drawn() { x ~ Normal(0, 2) }
objective curvature(p, q) {
  for k in 0..3 {
    z[k] ~ q
    let c[k] = laplacian(p, z[k]) * (k + 1)
  }
  return sum(c)
}`;
const points = [
  [0.5, -0.2],
  [1.4, 0.3],
  [-0.7, -1.1],
  [0.1, 0.9],
  [-0.4, 0.2],
  [1.1, 1.3],
];
const data = { N: points.length, x: array([points.length, 2], points.flat()) };

/** −½ Σ ‖b − ½ (A + Aᵀ) x‖² + N tr A, params in the order of the text. */
function matched([a, b, c, d, e, f]: readonly number[]): number {
  const off = (b + c) / 2;
  return points.reduce((sum, [u, v]) => {
    const [s, t] = [e - a * u - off * v, f - off * u - d * v];
    return sum - 0.5 * (s * s + t * t) + a + d;
  }, 0);
}

describe("implicit score matching", () => {
  const setup: Setup = {
    text,
    objective: "implicit_score_matching",
    programs: { p: "normal" },
    data,
  };

  test("value and gradient of a quadratic energy, whose Hessian is no diagonal", () => {
    const d = drive(build(setup));
    const start = [...d.theta];
    const found = averages(d, 4000, 1);
    expect(found[0].error).toBeGreaterThan(0.01);
    expectMean(found[0], matched(start));
    slopes(matched, start).forEach((slope, k) => {
      expectMean(found[k + 1], slope);
    });
  });

  test("a minibatch is the sum of its own rows", () => {
    const rows = points.slice(0, 4);
    const part = { N: 4, x: array([4, 2], rows.flat()) };
    const [half] = averages(drive(build({ ...setup, batch: { N: 4 } })), 200, 2);
    const [own] = averages(drive(build({ ...setup, data: part })), 200, 2);
    expect(half.mean).toBeCloseTo(own.mean, 12);
  });

  test("its optimum in a normal energy is the data's own mean and covariance", () => {
    const d = drive(build(setup));
    adam(d, { steps: 4000, rate: 0.02, seed: 3 });
    const n = points.length;
    const mean = [0, 1].map((k) => points.reduce((s, p) => s + p[k], 0) / n);
    const cov = (i: number, j: number): number =>
      points.reduce((s, p) => s + (p[i] - mean[i]) * (p[j] - mean[j]), 0) / n;
    const [a, b, c] = [cov(0, 0), cov(0, 1), cov(1, 1)];
    const det = a * c - b * b;
    const [p, q, r] = [c / det, -b / det, a / det];
    const wanted = [p, q, q, r, p * mean[0] + q * mean[1], q * mean[0] + r * mean[1]];
    const theta = [...d.theta];
    // Only the symmetric part of A is told by the data.
    theta[1] = (theta[1] + theta[2]) / 2;
    theta[2] = theta[1];
    theta.forEach((x, k) => {
      expect(Math.abs(x - wanted[k])).toBeLessThan(0.02);
    });
  });

  test("one direction is exact where the Hessian is diagonal", () => {
    const xs = [0.3, -0.8, 1.1];
    const own = { N: 3, x: array([3], xs) };
    const d = drive(build({ ...setup, programs: { p: "quartic" }, data: own }));
    const exact = ([a, c]: readonly number[]): number =>
      xs.reduce((s, x) => s - 0.5 * (c - 4 * a * x ** 3) ** 2 + 12 * a * x * x, 0);
    const found = averages(d, 20, 4);
    expect(found[0].error).toBeLessThan(1e-6);
    expect(found[0].mean).toBeCloseTo(exact([0.4, 0.2]), 10);
    slopes(exact, [0.4, 0.2]).forEach((slope, k) => {
      expect(found[k + 1].mean).toBeCloseTo(slope, 6);
    });
  });

  test("at draws in loops each copy has its own", () => {
    const programs = { p: "drawn", q: "around" };
    const d = drive(build({ text, objective: "curvature", programs }));
    // −1/σ² for each, times 1 + 2 + 3.
    expect(averages(d, 10, 5)[0].mean).toBeCloseTo(-6 / 4, 12);
  });
});
