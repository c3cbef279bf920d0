/**
 * Modes and Laplace approximations in small models. Every device runs the table: the mode is the
 * CPU's, and the approximation's draws are those of the same normal numbers.
 */
import type { GraphDevice } from "../../../src/device/contract.js";
import { laplace, map } from "../../../src/run/methods.js";
import { approximate, findPoint } from "../../../src/run/point.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { exampleJob, type Job, jobOf } from "./fixtures.js";

export interface PointCase {
  readonly name: string;
  readonly job: () => Job;
  readonly method: "map" | "laplace";
  readonly starts?: number;
  /** Whether devices run it every time, also a software Vulkan. */
  readonly isQuick?: boolean;
}

const wave = (k: number): number => Math.sin(12.9898 * k) + Math.cos(4.1414 * k * k);

const N = 200;
const rows = Array.from({ length: N }, (_, i) => [wave(i), wave(i + 500), wave(i + 900)]);
const binary = {
  N,
  x: rows,
  y: rows.map((r, i) => (r[0] - 0.7 * r[1] + 0.6 * wave(i + 77) > 0.2 ? 1 : 0)),
};
const logistic = `model logistic(N: int, x: real[N, 3], y: int[N]) {
  a ~ Normal(0, 2)
  b ~ iid(Normal(0, 1), 3)
  for i in 0..N { observe y[i] ~ Bernoulli(sigmoid(a + dot(x[i], b))) }
}`;

const shapes = `model shapes(N: int, y: real[N], n: int[N]) {
  s ~ Gamma(3, 1)
  w ~ Dirichlet([2, 3, 4])
  u ~ Beta(3, 2)
  r ~ Gamma(2, 0.5)
  for i in 0..N {
    observe y[i] ~ StudentT(5, w[0] - w[1], s)
    observe n[i] ~ NegativeBinomial(r, u)
  }
}`;
const counts = {
  N: 60,
  y: Array.from({ length: 60 }, (_, i) => 0.4 + wave(i)),
  n: Array.from({ length: 60 }, (_, i) => Math.floor(3 * Math.abs(wave(3 * i)))),
};

/** Two modes, of which the higher one is to be given. */
const bimodal = `model bimodal() {
  x ~ Normal(0, 10)
  factor log(0.3 * exp(-8 * square(x - 1.5)) + 0.7 * exp(-8 * square(x + 1)))
}`;

/** Half of all starting points have no density, and steps run into the wall. */
const wall = `model wall() {
  x ~ Normal(0, 3)
  y ~ Normal(x, 1)
  factor 3 * log(x - 0.1 * y) - 40 * x
}`;

/** A curved valley: many steps, and lines that are searched more than once. */
const valley = `model valley() {
  a ~ Normal(1, 1)
  b ~ Normal(square(a), 0.1)
}`;

/** Recurrences are scans, whose gradient is differentiated again. */
const walk = `model walk(N: int, y: real[N]) {
  phi ~ Beta(4, 2)
  s ~ Gamma(3, 3)
  let m[0] = y[0]
  for t in 1..N { let m[t] = phi * m[t - 1] + (1 - phi) * y[t - 1] }
  for t in 1..N { observe y[t] ~ Normal(m[t], s) }
}`;
const series = { N: 80, y: Array.from({ length: 80 }, (_, t) => wave(t) + 0.05 * t) };

export const pointCases: readonly PointCase[] = [
  { name: "logistic regression", job: () => jobOf(logistic, binary), method: "map" },
  { name: "supports of every kind", job: () => jobOf(shapes, counts), method: "map" },
  { name: "two modes", job: () => jobOf(bimodal, {}), method: "map", starts: 8 },
  { name: "a curved valley", job: () => jobOf(valley, {}), method: "map" },
  { name: "a wall", job: () => jobOf(wall, {}), method: "map", isQuick: true },
  {
    name: "logistic regression",
    job: () => jobOf(logistic, binary),
    method: "laplace",
    isQuick: true,
  },
  { name: "supports of every kind", job: () => jobOf(shapes, counts), method: "laplace" },
  { name: "a recurrence", job: () => jobOf(walk, series), method: "laplace" },
  { name: "eight schools", job: () => exampleJob("eight_schools"), method: "laplace" },
];

export async function pointOf(
  { job, method, starts = 3 }: PointCase,
  device?: GraphDevice,
): Promise<FitData> {
  const own = job();
  const run = device === undefined ? own.run : { ...own.run, device };
  return method === "map"
    ? await findPoint(run, map({ starts }))
    : await approximate(run, laplace({ starts, draws: 200 }));
}

/** The largest difference of values, relative to 1 + their size. */
export function valuesApart(a: FitData, b: FitData): number {
  return a.chains[0].values.reduce((most, v, k) => {
    return Math.max(most, Math.abs(v - b.chains[0].values[k]) / (1 + Math.abs(v)));
  }, 0);
}
