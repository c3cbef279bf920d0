/**
 * Fisher information of the families that natural gradients know: uᵀ F v beside E[(u·s)(v·s)] with
 * s the score by central differences and the expectation by sums and trapezoids.
 */
import { expect, test } from "vitest";
import { distributions } from "../../../src/distributions/index.js";
import { families, informations } from "../../../src/inference/objective/families.js";
import { stream } from "../../../src/math/rng/index.js";
import { GraphBuilder } from "../../../src/tensor/builder.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import type { Node } from "../../../src/tensor/ops.js";

interface Argument {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}
type Args = Readonly<Record<string, Argument>>;

/** Points of a support, of the given shape each, with their weights. */
interface Points {
  readonly event: readonly number[];
  readonly at: readonly number[];
  readonly weights: readonly number[];
}
const grid = (from: number, to: number, n: number): number[] =>
  Array.from({ length: n }, (_, k) => from + ((k + 0.5) * (to - from)) / n);
function mapped(from: number, to: number, f: (t: number) => readonly [number, number]): Points {
  const n = 4000;
  const all = grid(from, to, n).map(f);
  const step = (to - from) / n;
  return { event: [], at: all.map(([x]) => x), weights: all.map(([, w]) => w * step) };
}
const line = mapped(-40, 40, (t) => [t, 1]);
const positive = mapped(-30, 12, (t) => [Math.exp(t), Math.exp(t)]);
const unit = mapped(-40, 40, (t) => {
  const x = 1 / (1 + Math.exp(-t));
  return [x, x / (1 + Math.exp(t))];
});
const pairs: Points = {
  event: [2],
  at: unit.at.flatMap((x) => [x, 1 - x]),
  weights: unit.weights,
};
const circle = mapped(-Math.PI, Math.PI, (t) => [t, 1]);
const counts = (n: number): Points => {
  const at = Array.from({ length: n }, (_, k) => k);
  return { event: [], at, weights: at.map(() => 1) };
};
const square = grid(-12, 12, 160);
const plane: Points = {
  event: [2],
  at: square.flatMap((x) => square.flatMap((y) => [x, y])),
  weights: square.flatMap(() => square.map(() => (24 / 160) ** 2)),
};

const number = (x: number): Argument => ({ dims: [], data: [x] });
const list = (...data: number[]): Argument => ({ dims: [data.length], data });
const matrix = (n: number, m: number, ...data: number[]): Argument => ({ dims: [n, m], data });

/** Symmetric matrices move along symmetric ones, factors below their diagonal, shares sum to 0. */
type Kind = "free" | "symmetric" | "lower" | "shares" | "none";
interface Case {
  readonly args: Args;
  readonly points: Points;
  readonly kinds?: Readonly<Record<string, Kind>>;
}
const cases: Readonly<Record<string, Case>> = {
  "Normal mu sigma": { args: { mu: number(0.4), sigma: number(1.3) }, points: line },
  "LogNormal mu sigma": { args: { mu: number(0.4), sigma: number(0.7) }, points: positive },
  "Bernoulli logits": { args: { logits: number(-0.8) }, points: counts(2) },
  "Bernoulli p": { args: { p: number(0.3) }, points: counts(2) },
  "Binomial n p": {
    args: { n: number(7), p: number(0.3) },
    points: counts(8),
    kinds: { n: "none" },
  },
  "Binomial logits n": {
    args: { n: number(7), logits: number(0.6) },
    points: counts(8),
    kinds: { n: "none" },
  },
  "Categorical logits": { args: { logits: list(0.2, -0.7, 1.1) }, points: counts(3) },
  "Categorical p": {
    args: { p: list(0.2, 0.5, 0.3) },
    points: counts(3),
    kinds: { p: "shares" },
  },
  "Exponential rate": { args: { rate: number(1.7) }, points: positive },
  "Poisson rate": { args: { rate: number(3.2) }, points: counts(60) },
  "Poisson log_rate": { args: { log_rate: number(0.8) }, points: counts(60) },
  "Gamma rate shape": { args: { shape: number(2.3), rate: number(1.6) }, points: positive },
  "InverseGamma scale shape": {
    args: { shape: number(3.3), scale: number(1.6) },
    points: mapped(-6, 20, (t) => [Math.exp(t), Math.exp(t)]),
  },
  "Beta a b": { args: { a: number(2.2), b: number(3.4) }, points: unit },
  "Dirichlet alpha": { args: { alpha: list(2.1, 3.2) }, points: pairs },
  "ChiSquare nu": { args: { nu: number(3.7) }, points: positive },
  "HalfNormal sigma": { args: { sigma: number(1.4) }, points: positive },
  "Geometric p": { args: { p: number(0.3) }, points: counts(200) },
  "VonMises kappa mu": { args: { mu: number(0.4), kappa: number(1.9) }, points: circle },
  "MvNormal cov mu": {
    args: { mu: list(0.3, -0.2), cov: matrix(2, 2, 1.5, 0.4, 0.4, 0.8) },
    points: plane,
    kinds: { cov: "symmetric" },
  },
  "MvNormal cholesky mu": {
    args: { mu: list(0.3, -0.2), cholesky: matrix(2, 2, 1.2, 0, 0.3, 0.9) },
    points: plane,
    kinds: { cholesky: "lower" },
  },
  "MvNormal mu precision": {
    args: { mu: list(0.3, -0.2), precision: matrix(2, 2, 1.5, 0.4, 0.4, 0.8) },
    points: plane,
    kinds: { precision: "symmetric" },
  },
  "LowRankMvNormal W diag mu": {
    args: { mu: list(0.3, -0.2), W: matrix(2, 1, 0.7, -0.5), diag: list(0.8, 1.1) },
    points: plane,
  },
};

test("every family is checked", () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(informations).sort());
  for (const name of Object.keys(families)) expect(cases[name]).toBeDefined();
});

/** A change of the arguments that keeps to their kinds. */
function change({ args, kinds = {} }: Case, seed: number): Record<string, Float64Array> {
  const rng = stream(seed, 0, 0, 0);
  return Object.fromEntries(
    Object.entries(args).map(([name, { dims, data }]) => {
      const u = Float64Array.from(data, () => rng.normal());
      const n = dims[dims.length - 1] ?? 1;
      const mean = u.reduce((s, x) => s + x, 0) / n;
      const moved = u.map((x, k) => {
        const [i, j] = [Math.floor(k / n), k % n];
        const kept: Readonly<Record<Kind, number>> = {
          free: x,
          none: 0,
          shares: x - mean,
          lower: j > i ? 0 : x,
          symmetric: (x + u[j * n + i]) / 2,
        };
        return kept[kinds[name] ?? "free"];
      });
      return [name, moved];
    }),
  );
}

/** The points as draws: labels are whole numbers. */
function pointsNode(g: GraphBuilder, name: string, { at, weights, event }: Points): Node {
  const dtype = name.startsWith("Categorical") ? "int" : "real";
  return g.constant(Float64Array.from(at), [weights.length, ...event], dtype);
}

/** u · s at every point. */
function scores(
  name: string,
  { args, points }: Case,
  u: Record<string, Float64Array>,
): Float64Array {
  const dist = distributions[name.split(" ")[0]];
  const h = 1e-5;
  const logs = (side: number): Float64Array => {
    const g = new GraphBuilder();
    const count = points.weights.length;
    const nodes = Object.fromEntries(
      Object.entries(args).map(([key, { dims, data }]) => {
        const moved = data.map((x, k) => x + side * h * u[key][k]);
        return [key, g.constant(Float64Array.from(moved), dims)];
      }),
    );
    const x = pointsNode(g, name, points);
    const node = dist.logProb(g, x, nodes, [count]);
    return evaluateGraph({ inputs: [], outputs: [{ name: "out", node }] }, {}).out;
  };
  const [up, down] = [logs(1), logs(-1)];
  return up.map((v, k) => (v === down[k] ? 0 : (v - down[k]) / (2 * h)));
}

test.each(Object.keys(cases))("%s", (name) => {
  const c = cases[name];
  const { args, points } = c;
  const [u, v] = [change(c, 3), change(c, 4)];
  const dist = distributions[name.split(" ")[0]];
  const g = new GraphBuilder();
  const nodes = Object.fromEntries(
    Object.entries(args).map(([k, a]) => [k, g.constant(Float64Array.from(a.data), a.dims)]),
  );
  const along = (by: Record<string, Float64Array>): Record<string, Node> =>
    Object.fromEntries(Object.entries(args).map(([k, a]) => [k, g.constant(by[k], a.dims)]));
  const x = pointsNode(g, name, points);
  const node = dist.logProb(g, x, nodes, [points.weights.length]);
  const image = informations[name](g, nodes, along(v));
  const names = Object.keys(args);
  const outputs = [{ name: "log", node }, ...names.map((k) => ({ name: k, node: image[k] }))];
  const out = evaluateGraph({ inputs: [], outputs }, {});
  const mass = out.log.map((l, k) => Math.exp(l) * points.weights[k]);
  // The points cover the support.
  expect(Math.abs(mass.reduce((s, m) => s + m, 0) - 1)).toBeLessThan(1e-8);
  const found = names.reduce((s, k) => s + out[k].reduce((t, f, i) => t + f * u[k][i], 0), 0);
  const [su, sv] = [scores(name, c, u), scores(name, c, v)];
  const exact = mass.reduce((s, m, k) => s + (m === 0 ? 0 : m * su[k] * sv[k]), 0);
  // Differences over h = 1e-5 are good to about 1e-10 of the score's third derivatives.
  expect(Math.abs(found - exact)).toBeLessThan(1e-6 * Math.max(1, Math.abs(exact)));
});
