import { describe, expect, test } from "vitest";
import { lbfgs } from "../../src/math/lbfgs.js";
import { cholesky, choleskySolve, matmul, transpose } from "../../src/math/linalg/index.js";
import type { Objective } from "../../src/math/line-search.js";
import { stream } from "../../src/math/rng/index.js";

/** Tight enough that the distance to the optimum measures the method, not the tolerances. */
const tight = {
  objectiveTolerance: 0,
  relativeObjectiveTolerance: 0,
  relativeGradientTolerance: 0,
  parameterTolerance: 0,
};

/** Rosenbrock's valley in n dimensions (n even): minimum 0 at all ones. */
const rosenbrock: Objective = (x, g) => {
  let value = 0;
  g.fill(0);
  for (let i = 0; i < x.length; i += 2) {
    const [a, b] = [x[i + 1] - x[i] ** 2, 1 - x[i]];
    value += 100 * a * a + b * b;
    g[i] += -400 * x[i] * a - 2 * b;
    g[i + 1] += 200 * a;
  }
  return value;
};

const worst = (x: Float64Array, target: ArrayLike<number>) =>
  x.reduce((most, v, i) => Math.max(most, Math.abs(v - target[i])), 0);

describe("lbfgs", () => {
  test.each([2, 10, 100])("Rosenbrock in %i dimensions from the classical start", (n) => {
    const start = Float64Array.from({ length: n }, (_, i) => (i % 2 === 0 ? -1.2 : 1));
    const result = lbfgs(rosenbrock, start, tight);
    expect(result.status).toBe("gradient");
    // ‖g‖ ≤ 1e-8 and a smallest Hessian eigenvalue of 0.4: within 2.5e-8.
    expect(worst(result.x, new Float64Array(n).fill(1))).toBeLessThan(2.5e-8);
    expect(result.iterations).toBeLessThan(80);
    expect(result.evaluations).toBeLessThan(120);
    expect([...start.slice(0, 2)]).toEqual([-1.2, 1]);
  });
  test("Rosenbrock with the default tests of convergence", () => {
    const result = lbfgs(rosenbrock, Float64Array.of(-1.2, 1));
    expect(result.converged).toBe(true);
    expect(worst(result.x, [1, 1])).toBeLessThan(1e-4);
  });
  test("a quadratic: the solution of A x = b", () => {
    const n = 12;
    const random = stream(1, 0, 0, 0);
    const half = Float64Array.from({ length: n * n }, () => random.normal());
    const a = matmul(half, transpose(half, n, n), n, n, n);
    for (let i = 0; i < n; i++) a[i * n + i] += 1;
    const b = Float64Array.from({ length: n }, () => random.normal());
    const quadratic: Objective = (x, g) => {
      const ax = matmul(a, x, n, n, 1);
      let value = 0;
      for (let i = 0; i < n; i++) {
        g[i] = ax[i] - b[i];
        value += x[i] * (0.5 * ax[i] - b[i]);
      }
      return value;
    };
    const result = lbfgs(quadratic, new Float64Array(n), tight);
    expect(result.converged).toBe(true);
    // The smallest eigenvalue of A is at least 1.
    expect(worst(result.x, choleskySolve(cholesky(a, n)!, b, n))).toBeLessThan(1e-8);
  });
  test("badly scaled: curvatures from 1e-4 to 1e6", () => {
    const scales = [1e-4, 1e-2, 1, 1e3, 1e6];
    const f: Objective = (x, g) => {
      let value = 0;
      scales.forEach((c, i) => {
        g[i] = c * (x[i] - i);
        value += 0.5 * c * (x[i] - i) ** 2;
      });
      return value;
    };
    const result = lbfgs(f, new Float64Array(5).fill(10), { ...tight, gradientTolerance: 1e-10 });
    expect(result.status).toBe("gradient");
    expect(worst(result.x, [0, 1, 2, 3, 4])).toBeLessThan(1e-6);
  });
  test("a value offset of 1e8 hides decreases in rounding, not the minimum", () => {
    const f: Objective = (x, g) => 1e8 + rosenbrock(x, g);
    const result = lbfgs(f, Float64Array.of(-1.2, 1), { ...tight, gradientTolerance: 1e-5 });
    expect(result.status).toBe("gradient");
    expect(worst(result.x, [1, 1])).toBeLessThan(1e-4);
  });
  test("already at the optimum: no iteration, one evaluation", () => {
    const result = lbfgs(rosenbrock, Float64Array.of(1, 1));
    expect(result).toMatchObject({ status: "gradient", iterations: 0, evaluations: 1, value: 0 });
  });
  test("no parameters at all", () => {
    expect(lbfgs(() => 3, new Float64Array(0))).toMatchObject({ value: 3, converged: true });
  });
  test.each([NaN, Infinity, -Infinity])("a start of value %d is reported", (value) => {
    const result = lbfgs(() => value, Float64Array.of(1));
    expect(result).toMatchObject({ status: "non-finite-start", converged: false, iterations: 0 });
  });
  test("a start with a gradient that is not a number is reported", () => {
    const result = lbfgs((_, g) => {
      g[0] = NaN;
      return 1;
    }, Float64Array.of(1));
    expect(result.status).toBe("non-finite-start");
  });
  test("backs away from a domain's edge: minimum of x - log x over x > 0", () => {
    let outside = 0;
    const f: Objective = (x, g) => {
      if (x[0] <= 0) {
        outside += 1;
        g[0] = NaN;
        return NaN;
      }
      g[0] = 1000 - 1 / x[0];
      return 1000 * x[0] - Math.log(x[0]);
    };
    const result = lbfgs(f, Float64Array.of(0.5), tight);
    expect(outside).toBeGreaterThan(0);
    expect(result.status).toBe("gradient");
    expect(result.x[0]).toBeCloseTo(0.001, 12);
  });
  test("an objective without a minimum ends without claiming one", () => {
    const f: Objective = (x, g) => {
      g[0] = -1;
      return -x[0];
    };
    expect(lbfgs(f, Float64Array.of(0)).converged).toBe(false);
  });
  test("a wrong gradient ends in a failed line search", () => {
    const f: Objective = (x, g) => {
      g[0] = -2 * x[0];
      return x[0] * x[0];
    };
    expect(lbfgs(f, Float64Array.of(1)).status).toBe("line-search-failed");
  });
  test("stops at the iteration limit", () => {
    const result = lbfgs(rosenbrock, Float64Array.of(-1.2, 1), { maxIterations: 3 });
    expect(result).toMatchObject({ status: "iteration-limit", iterations: 3, converged: false });
  });
  test("each relaxed tolerance ends the search under its own name", () => {
    const start = Float64Array.of(-1.2, 1);
    const ends = [
      { objectiveTolerance: 1e-2 },
      { relativeObjectiveTolerance: 1e14 },
      { relativeGradientTolerance: 1e12 },
      { parameterTolerance: 0.05 },
    ].map((one) => lbfgs(rosenbrock, start, { ...tight, ...one }).status);
    expect(ends).toEqual(["objective", "relative-objective", "relative-gradient", "parameters"]);
  });
});
