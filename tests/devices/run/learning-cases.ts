/**
 * What `svi`, `nce` and objectives can be asked for, in small models. Every device runs the table: the
 * same seed takes the same steps as on the CPU.
 */

import type { GraphDevice } from "../../../src/device/contract.js";
import type { NceOptions, SviOptions } from "../../../src/run/methods.js";
import { nce, svi } from "../../../src/run/methods.js";
import type { FitData } from "../../../src/run/results/fit.js";
import { flat, jobOf, learnOn, lineData, lines } from "./fixtures.js";

export interface LearningCase {
  readonly name: string;
  readonly text: string;
  /** Where the text has several. */
  readonly model?: string;
  readonly data: Record<string, unknown>;
  readonly method: SviOptions | NceOptions;
  /** Whether devices run it every time, also a software Vulkan; the others stand in slow tests. */
  readonly isQuick?: boolean;
}

const STEPS = 60;
const on = (settings: Parameters<typeof svi>[0]) =>
  svi({ steps: STEPS, lr: 0.02, draws: 20, ...settings });

const points = Array.from({ length: 24 }, (_, k) => 1 + 0.6 * Math.sin(5 * k));

const games = `import nn
import objectives
model gen(N: int) {
  param m: real = 0.3
  param s: positive = 0.8
  for i in 0..N { x[i] ~ Normal(m, s) }
}
model critic(N: int) {
  param w: real[3] = [0.1, 0.2, -0.3]
  for i in 0..N { x[i] ~ Energy(u => w[0] + w[1] * u + w[2] * u * u) }
}
model slope(N: int) {
  let a = nn.spectral_dense(1, 4)
  let b = nn.spectral_dense(4, 1)
  for i in 0..N { x[i] ~ Energy(u => b(nn.relu(a([u])))[0]) }
}
model toy(N: int) {
  param m: real = 0
  for i in 0..N { z[i] ~ Normal(m, 1);  x[i] ~ Normal(z[i], 1) }
}
guide rec(N: int, x: real[N]) for toy {
  param a: real = 0
  param b: real = 0
  param s: positive = 1
  for i in 0..N { z[i] ~ Normal(a + b * x[i], s) }
}
objective three(p) {
  let d = nn.mlp([1, 4, 1], tanh)
  let c = nn.mlp([1, 3, 1], tanh)
  y ~ p
  let drawn: real[n] = y.x
  let given: real[n] = data.x
  return mean(for i in 0..n: d([drawn[i]])[0] + c([drawn[i]])[0]) for p
  return mean(for i in 0..n: d([given[i]])[0] - d([drawn[i]])[0]) - mean(square(given)) for d(steps: 2)
  return -mean(for i in 0..n: square(c([given[i]])[0] - given[i])) for c
}`;

/** Several numbers maximised in turn. */
const players: readonly LearningCase[] = [
  {
    name: "players: gan, three steps of the critic to one",
    ...{ text: games, model: "gen" },
    data: { N: 24, x: points },
    method: on({ objective: "gan(steps: 3)", programs: { critic: "critic" } }),
  },
  {
    name: "players: wasserstein, a critic with states, minibatches, sgd",
    ...{ text: games, model: "gen" },
    data: { N: 24, x: points },
    method: on({
      objective: "wasserstein(steps: 2)",
      programs: { critic: "slope" },
      batch: { N: 7 },
      ...{ optimizer: "sgd", lr: 0.005, clip: 0.5, schedule: "constant" },
    }),
    isQuick: true,
  },
  {
    name: "players: wake and sleep, cosine schedule and warmup",
    ...{ text: games, model: "toy" },
    data: { N: 24, x: points },
    method: on({
      objective: "wake_sleep",
      guide: "rec",
      ...{ batch: { N: 5 }, schedule: "cosine", warmup: 13 },
    }),
  },
  {
    name: "players: three, two of them networks of the objective",
    ...{ text: games, model: "gen" },
    data: { N: 24, x: points },
    method: on({ objective: "three" }),
  },
];

const wide = `
model m(N: int, y: real[N, 2]) {
  mu ~ Normal([0, 0], 3)
  s ~ Gamma(2, 2)
  w ~ Dirichlet([1, 1, 1])
  for i in 0..N { observe y[i] ~ Normal(mu, 1 / sqrt(s)) }
  observe y[0, 0] ~ Normal(w[0] - w[1], 1)
}
guide q(N: int, y: real[N, 2]) for m {
  param a: real[2] = [0.1, -0.2]
  param c: cov[2] = [[0.8, 0.1], [0.1, 0.6]]
  param g: positive = 3
  param r: positive = 2
  param d: positive[3] = [2, 2, 2]
  mu ~ MvNormal(a, c)
  s ~ Gamma(g, r)
  w ~ Dirichlet(d)
}`;
const rows = Array.from({ length: 12 }, (_, k) => [0.5 + Math.sin(3 * k), Math.cos(5 * k) - 0.3]);

const indirect = `
model m(N: int, x: real[N], y: real[N]) {
  b ~ Normal([0, 0], 1)
  for i in 0..N { observe y[i] ~ Normal(b[0] + b[1] * x[i], 0.5) }
}
guide q(N: int, x: real[N], y: real[N]) for m {
  param a: real[2] = [0.2, 0.1]
  param l: real = -1
  b ~ Normal([a[0], a[0] * 0.3 + a[1]], exp(l))
}`;

const natural: readonly LearningCase[] = [
  {
    name: "natural: a normal vector, a gamma, a Dirichlet",
    text: wide,
    data: { N: 12, y: rows },
    method: on({ optimizer: "natural", lr: 0.1 }),
  },
  {
    name: "natural: a normal vector and normals",
    text: `
model m(N: int, y: real[N, 2]) {
  mu ~ Normal([0, 0], 3)
  u ~ Normal(0, 1)
  for i in 0..N { observe y[i] ~ Normal(mu, 1) }
  observe y[0, 0] ~ Normal(u, 1)
}
guide q(N: int, y: real[N, 2]) for m {
  param a: real[2] = [0.1, -0.2]
  param c: cov[2] = [[0.8, 0.1], [0.1, 0.6]]
  param b: real = 0.3
  param s: positive = 2
  mu ~ MvNormal(a, c)
  u ~ Normal(b, s)
}`,
    data: { N: 12, y: rows },
    method: on({ optimizer: "natural", lr: 0.1, batch: { N: 5 } }),
  },
  {
    name: "natural: conjugate gradients, minibatches",
    text: indirect,
    data: lineData,
    method: on({ optimizer: "natural", lr: 0.05, batch: { N: 16 }, schedule: "constant" }),
    isQuick: true,
  },
  {
    name: "natural: params of the model by adam beside",
    text: `
model m(N: int, y: real[N]) {
  param t: positive = 2
  mu ~ Normal(0, t)
  for i in 0..N { observe y[i] ~ Normal(mu, 1) }
}
guide q(N: int, y: real[N]) for m {
  param a: real = 0.1
  param s: positive = 0.5
  mu ~ Normal(a, s)
}`,
    data: { N: 24, y: points },
    method: on({ optimizer: "natural", lr: 0.05, clip: 1, schedule: "cosine" }),
    isQuick: true,
  },
];

const running = `
model m(N: int, y: real[N]) {
  param w: real = 3
  param mean: real = 1 then 0.9 * mean + 0.1 * w
  for i in 0..N { y[i] ~ Normal(w + 0.1 * mean, 1) }
}`;
const network = `import nn
model m(N: int, x: real[N, 4], y: real[N, 3]) {
  let f = nn.spectral_dense(4, 3)
  for i in 0..N { y[i] ~ Normal(f(x[i]), 0.5) }
}`;
const table = (n: number, width: number): number[][] =>
  Array.from({ length: n }, (_, i) =>
    Array.from({ length: width }, (_, j) => Math.sin(3 * i + 7 * j)),
  );

const states: readonly LearningCase[] = [
  {
    name: "states: a running mean beside minibatches",
    text: running,
    data: { N: 5, y: [0.4, 1.2, -0.3, 2, 0.8] },
    method: on({ objective: "maximum_likelihood", batch: { N: 3 } }),
    isQuick: true,
  },
  {
    name: "states: one power iteration a step",
    text: network,
    data: { N: 6, x: table(6, 4), y: table(6, 3) },
    method: on({ objective: "maximum_likelihood" }),
  },
];

const bits = (using: string): string => `
model coins(N: int, y: real[N]) {
  for i in 0..N { k[i] ~ Bernoulli(0.4);  observe y[i] ~ Normal(if k[i] then 1 else -1, 1) }
}
guide labels(N: int, y: real[N]) for coins {
  param a: real = 0.1
  param b: real = 0.0
  for i in 0..N { k[i] ~ Bernoulli(logits: a * y[i] + b) ${using} }
}`;
const coins = { N: 5, y: [0.2, 1.4, 0.3, -0.2, 0.8] };

const estimators: readonly LearningCase[] = [
  "reinforce(baseline: moving_average)",
  "reinforce(baseline: nvil)",
  "reinforce(baseline: muprop)",
  "reinforce(baseline: none)",
  "rebar",
  "enumerate",
  "mvd",
].map((using) => ({
  name: `estimator ${using}`,
  text: bits(`using ${using}`),
  data: coins,
  method: on({}),
  ...(using.includes("moving") && { isQuick: true }),
}));

const relaxed: readonly LearningCase[] = ["gumbel(0.5)", "straight_through(0.7)"].map((using) => ({
  name: `estimator ${using}`,
  text: `
model m(N: int, y: real[N]) {
  param w: real[3] = [-1, 0, 1]
  for i in 0..N { k[i] ~ Categorical([0.3, 0.3, 0.4]);  observe y[i] ~ Normal(w[k[i]], 1) }
}
guide q(N: int, y: real[N]) for m {
  param a: real[3] = [0.1, 0, -0.2]
  for i in 0..N { k[i] ~ Categorical(logits: [a[0] * y[i], a[1], a[2]]) using ${using} }
}`,
  data: coins,
  method: on({}),
}));

const objectives: readonly LearningCase[] = [
  "iwae(4)",
  "renyi(alpha: 0.3, K: 3)",
  "path_elbo",
  "reweighted_wake_sleep(K: 3)",
].map((objective) => ({
  name: `objective ${objective}`,
  text: lines,
  data: lineData,
  method: on({ objective, batch: { N: 16 } }),
}));

const contrasts: readonly LearningCase[] = [
  {
    name: "nce, a normaliser to be learned",
    model: "bump",
    text: `
model bump(N: int) {
  param m: real = 0.5
  param c: real = 0
  for i in 0..N { x[i] ~ Flat();  factor -0.5 * square(x[i] - m) + c }
}
model wide(N: int) { for i in 0..N { x[i] ~ Normal(0, 3) } }`,
    data: { N: 24, x: points },
    method: nce({ noise: "wide", ratio: 3, steps: STEPS, lr: 0.02, batch: { N: 6 } }),
    isQuick: true,
  },
  {
    name: "score matching",
    text: `
model bump(N: int) {
  param m: real = 0.5
  for i in 0..N { x[i] ~ Normal(m, 1) }
}`,
    data: { N: 24, x: points },
    method: on({ objective: "implicit_score_matching" }),
  },
];

const schedules: readonly LearningCase[] = [
  {
    name: "schedule auto with averages, sgd with momentum",
    text: lines,
    data: lineData,
    method: on({ steps: 600, optimizer: "sgd", lr: 0.002, momentum: 0.5, batch: { N: 16 } }),
  },
  {
    name: "schedule auto with warmup and clipping",
    text: lines,
    data: lineData,
    method: on({ steps: 300, warmup: 30, clip: 2, batch: { N: 7 } }),
  },
  {
    name: "adam without momentum",
    text: lines,
    data: lineData,
    method: on({ momentum: 0, schedule: "constant" }),
  },
  {
    name: "no closed forms, estimators of the run, params of another fit",
    text: lines,
    data: lineData,
    method: on({
      analytic: false,
      estimators: { a: "reinforce(baseline: moving_average)" },
      init: { lines: { ma: 0.5, lb: -0.7 } },
    }),
  },
  {
    name: "gammas, betas and Student's t by implicit derivatives",
    text: `
model m(N: int, y: real[N]) {
  g ~ Gamma(2, 1)
  b ~ Beta(2, 3)
  t ~ StudentT(4, 0, 1)
  for i in 0..N { observe y[i] ~ Normal(t + b, g) }
}
guide q(N: int, y: real[N]) for m {
  param p: positive[2] = [2, 2]
  param r: positive[2] = [2, 2]
  param l: real = 0
  param s: positive = 1
  g ~ Gamma(p[0], p[1])
  b ~ Beta(r[0], r[1])
  t ~ StudentT(5, l, s)
}`,
    data: { N: 24, y: points },
    method: on({}),
  },
];

export const learningCases: readonly LearningCase[] = [
  ...players,
  ...natural,
  ...states,
  ...estimators,
  ...relaxed,
  ...objectives,
  ...contrasts,
  ...schedules,
];

/** The case's run, on a device where one is given. */
export function learnCase({ text, model, data, method }: LearningCase, device?: GraphDevice) {
  return learnOn(jobOf(text, data, device, {}, model), method);
}

/**
 * The largest difference of two fits' params relative to the larger of 1 and their size, and of what
 * they saw on the way.
 */
export function apart(a: FitData, b: FitData): { readonly params: number; readonly seen: number } {
  const of = (x: readonly number[], y: readonly number[]): number => {
    if (x.length !== y.length || x.length === 0) return Number.POSITIVE_INFINITY;
    return x.reduce((worst, v, k) => {
      const error = Math.abs(v - y[k]) / Math.max(1, Math.abs(v));
      return Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
    }, 0);
  };
  const seen = ({ figures }: FitData): number[] =>
    flat(figures.players ?? figures.elbo ?? figures.value);
  return { params: of(flat(a.params), flat(b.params)), seen: of(seen(a), seen(b)) };
}
