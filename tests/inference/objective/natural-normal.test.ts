/**
 * Natural gradients of normal vectors in mean and covariance: conjugate posteriors in one step, and
 * functions of data by conjugate gradients. Fisher matrices stand in `fisher.test.ts`.
 */
import { expect, test } from "vitest";
import { NATURAL_RATE, NEXT_THETA } from "../../../src/inference/objective/index.js";
import { cholesky, solve } from "../../../src/math/linalg/index.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import { array, build, type Setup } from "./driver.js";

type Matrix = readonly (readonly number[])[];
type Noise = (name: string, length: number) => readonly number[];

/** `theta`, its gradient and what it becomes after a step of a size. */
function stepper(setup: Setup): (theta: Float64Array, rate: number, noise: Noise) => Stepped {
  const made = build({ ...setup, natural: true });
  return (given, rate, noise) => {
    const theta = given.length === 0 ? made.initial(1) : given;
    const inputs: Record<string, Float64Array> = { theta, [NATURAL_RATE]: Float64Array.of(rate) };
    for (const n of made.noise) {
      const length = n.dims.reduce((a, b) => a * b, 1);
      inputs[n.name] = Float64Array.from(noise(n.name, length));
    }
    const out = evaluateGraph(made.graph, inputs);
    const values: Record<string, number[]> = {};
    const moved = evaluateGraph(made.graph, { ...inputs, theta: out[NEXT_THETA] }).values;
    for (const p of made.params) {
      values[p.name] = [...moved.subarray(p.valueOffset, p.valueOffset + p.valueLength)];
    }
    return { before: theta, after: out[NEXT_THETA], grad: out.grad, values };
  };
}
interface Stepped {
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly grad: Float64Array;
  /** Params after the step, in their own coordinates. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}
const start = new Float64Array(0);

/**
 * The mean over 2 D draws on ε = ±√D e_j, which have mean 0 and covariance I: gradients of quadratic
 * functions are exact.
 */
const four = `objective all(p, q) {
  for k in 0..4 { z[k] ~ q;  let w[k] = log_joint(p, z[k]) - log_prob(q, z[k]) }
  return sum(w) / 4
}`;
const axes: Noise = (_, length) => {
  const each = length / 4;
  return Array.from({ length }, (_, i) => {
    const [k, j] = [Math.floor(i / each), i % 2];
    return k % 2 === j ? (k < 2 ? Math.SQRT2 : -Math.SQRT2) : 0;
  });
};

const inverse = ([[a, b], [c, d]]: Matrix): number[][] => {
  const det = a * d - b * c;
  return [
    [d / det, -b / det],
    [-c / det, a / det],
  ];
};
const times = (m: Matrix, v: readonly number[]): number[] =>
  m.map((row) => row.reduce((s, x, j) => s + x * v[j], 0));
const sum = (a: Matrix, b: Matrix): number[][] => a.map((r, i) => r.map((x, j) => x + b[i][j]));

const prior = [
  [2, 0.5],
  [0.5, 1],
];
const noise = [
  [0.6, -0.2],
  [-0.2, 0.9],
];
const ys = [
  [0.7, -1.3],
  [2.1, 0.4],
  [-0.6, 1.5],
];
/** Of one x with n data of the given sum. */
function posterior(n: number, total: readonly number[]): { cov: number[][]; mean: number[] } {
  const precision = sum(
    inverse(prior),
    inverse(noise).map((r) => r.map((x) => n * x)),
  );
  const cov = inverse(precision);
  const right = times(inverse(prior), [0.3, -0.4]).map(
    (x, i) => x + times(inverse(noise), total)[i],
  );
  return { cov, mean: times(cov, right) };
}
const total = ys.reduce((s, y) => s.map((x, i) => x + y[i]), [0, 0]);
const modelText = `model m(N: int, y: real[N, 2]) {
  x ~ MvNormal([0.3, -0.4], [[2, 0.5], [0.5, 1]])
  for i in 0..N { observe y[i] ~ MvNormal(x, [[0.6, -0.2], [-0.2, 0.9]]) }
}`;
const data = { y: array([3, 2], ys.flat()) };
const setupOf = (guide: string): Setup => ({
  text: `${modelText}\n${guide}\n${four}`,
  objective: "all",
  programs: { p: "m", q: "q" },
  data,
});

function close(found: readonly number[], expected: readonly number[], tolerance = 1e-12): void {
  expect(found.length).toBe(expected.length);
  expected.forEach((e, i) => {
    expect(Math.abs(found[i] - e)).toBeLessThan(tolerance * Math.max(1, Math.abs(e)));
  });
}

test.each([
  [
    "cholesky: s",
    "cholesky_cov",
    (c: number[][]) => [...(cholesky(Float64Array.from(c.flat()), 2) ?? [])],
  ],
  ["s", "cov", (c: number[][]) => c.flat()],
  ["precision: s", "cov", (c: number[][]) => inverse(c).flat()],
] as const)("MvNormal(a, %s): the posterior in one step", (argument, type, expected) => {
  const begin = type === "cov" ? "[[1.5, 0.4], [0.4, 0.8]]" : "[[1.2, 0], [0.3, 0.9]]";
  const guide = `guide q() for m {
  param a: real[2] = [-1, 2]
  param s: ${type}[2] = ${begin}
  x ~ MvNormal(a, ${argument})
}`;
  const { mean, cov } = posterior(3, total);
  const { values } = stepper(setupOf(guide))(start, 1, axes);
  close(values["q.a"], mean);
  close(values["q.s"], expected(cov));
});

test("one param of the two, the other a number", () => {
  const { mean, cov } = posterior(3, total);
  const first = stepper(
    setupOf(`guide q() for m {
  param a: real[2] = [-1, 2]
  x ~ MvNormal(a, [[1.5, 0.4], [0.4, 0.8]])
}`),
  )(start, 1, axes);
  // With Σ held a step along Σ⁻¹ μ by Σ Λ Σ⁻¹ (μ* − μ): the Fisher matrix is Σ⁻¹.
  const held = [
    [1.5, 0.4],
    [0.4, 0.8],
  ];
  const slope = times(
    inverse(cov),
    mean.map((m, i) => m - [-1, 2][i]),
  );
  close(
    first.values["q.a"],
    times(held, slope).map((x, i) => x + [-1, 2][i]),
  );
  const second = stepper(
    setupOf(`guide q() for m {
  param l: cholesky_cov[2] = [[1.2, 0], [0.3, 0.9]]
  x ~ MvNormal([-1, 2], cholesky: l)
}`),
  )(start, 1, axes);
  close(second.values["q.l"], [...(cholesky(Float64Array.from(cov.flat()), 2) ?? [])]);
});

test("a vector for each of several: their posteriors in one step", () => {
  const text = `model m(N: int, y: real[N, 2]) {
  for i in 0..N {
    x[i] ~ MvNormal([0.3, -0.4], [[2, 0.5], [0.5, 1]])
    observe y[i] ~ MvNormal(x[i], [[0.6, -0.2], [-0.2, 0.9]])
  }
}
guide q(N: int) for m {
  param a: real[N, 2] = 0.5
  for i in 0..N {
    param l[i]: cholesky_cov[2] = [[1.2, 0], [0.3, 0.9]]
    x[i] ~ MvNormal(a[i], cholesky: l[i])
  }
}
${four}`;
  const { values } = stepper({ text, objective: "all", programs: { p: "m", q: "q" }, data })(
    start,
    1,
    axes,
  );
  const found = ys.map((y) => posterior(1, y));
  close(
    values["q.a"],
    found.flatMap((f) => f.mean),
  );
  const factor = [...(cholesky(Float64Array.from(found[0].cov.flat()), 2) ?? [])];
  close(values["q.l"], [...factor, ...factor, ...factor]);
});

test("from a covariance ten thousand times too small: positive definite on the way, then exact", () => {
  const guide = `guide q() for m {
  param a: real[2] = [-1, 2]
  param l: cholesky_cov[2] = 0.01 * eye(2)
  x ~ MvNormal(a, cholesky: l)
}`;
  const step = stepper(setupOf(guide));
  let at = step(start, 1, axes);
  for (let t = 0; t < 20; t++) {
    expect(at.after.every(Number.isFinite)).toBe(true);
    at = step(at.after, 1, axes);
  }
  const { mean, cov } = posterior(3, total);
  close(at.values["q.a"], mean, 1e-10);
  close(at.values["q.l"], [...(cholesky(Float64Array.from(cov.flat()), 2) ?? [])], 1e-10);
});

test("a mean that is a function of data: the Fisher matrix by conjugate gradients", () => {
  const xs = [0.5, -1.2, 2];
  const text = `model m(N: int, x: real[N], y: real[N, 2]) {
  for i in 0..N { z[i] ~ MvNormal([0, 0], eye(2));  observe y[i] ~ MvNormal(z[i], eye(2)) }
}
guide q(N: int, x: real[N]) for m {
  param a: real[2] = [0.4, -0.2]
  param b: real[2] = [0.1, 0.3]
  param l: cholesky_cov[2] = [[1.2, 0], [0.3, 0.9]]
  for i in 0..N { z[i] ~ MvNormal(a * x[i] + b, cholesky: l) }
}
${four}`;
  const setup: Setup = {
    text,
    objective: "all",
    programs: { p: "m", q: "q" },
    data: { ...data, x: array([3], xs) },
  };
  const { before, after, grad } = stepper(setup)(start, 1, (_, length) =>
    Array.from({ length }, (_, i) => Math.sin(3 * i + 1)),
  );
  const l = [
    [1.2, 0],
    [0.3, 0.9],
  ];
  const cov = [
    [1.44, 0.36],
    [0.36, 0.9],
  ];
  const p = inverse(cov);
  const product = (a: Matrix, b: Matrix): number[][] =>
    a.map((r) => [0, 1].map((j) => r.reduce((s, x, k) => s + x * b[k][j], 0)));
  const transposed = (a: Matrix): number[][] => [0, 1].map((i) => a.map((r) => r[i]));
  // ∂Σ in l's coordinates: l[1][0], log l[0][0], log l[1][1].
  const slopes = [
    [
      [0, 0],
      [1, 0],
    ],
    [
      [1.2, 0],
      [0, 0],
    ],
    [
      [0, 0],
      [0, 0.9],
    ],
  ].map((d) => sum(product(d, transposed(l)), product(l, transposed(d))));
  const [n, s, ss] = [3, 1.3, 0.25 + 1.44 + 4];
  const fisher = Array.from({ length: 7 }, () => new Float64Array(7));
  for (const i of [0, 1]) {
    for (const j of [0, 1]) {
      fisher[i][j] = ss * p[i][j];
      fisher[i][2 + j] = s * p[i][j];
      fisher[2 + i][j] = s * p[i][j];
      fisher[2 + i][2 + j] = n * p[i][j];
    }
  }
  slopes.forEach((a, i) => {
    slopes.forEach((b, j) => {
      const both = product(product(p, a), product(p, b));
      fisher[4 + i][4 + j] = 0.5 * n * (both[0][0] + both[1][1]);
    });
  });
  const along = grad.reduce(
    (t, x, i) => t + x * fisher[i].reduce((u, f, j) => u + f * grad[j], 0),
    0,
  );
  const lambda = (1e-3 * along) / grad.reduce((t, x) => t + x * x, 0);
  fisher.forEach((r, i) => {
    r[i] += lambda;
  });
  const expected = solve(Float64Array.from(fisher.flatMap((r) => [...r])), grad, 7);
  close([...after.map((x, i) => x - before[i])], [...(expected ?? [])], 1e-9);
});
