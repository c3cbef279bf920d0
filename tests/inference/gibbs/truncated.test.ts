/** Families cut off to intervals: draws against quadrature, and how ends are found. */
import { describe, expect, it } from "vitest";
import type { CutFamily, Interval } from "../../../src/inference/conditionals/truncated.js";
import { describePlan } from "../../../src/inference/gibbs/plan.js";
import { gibbsStream } from "../../../src/inference/gibbs/stream.js";
import { truncatedDraw } from "../../../src/inference/gibbs/truncated.js";
import { gibbs, meanOf } from "./harness.js";

const logs: Readonly<Record<CutFamily, (eta: readonly number[], v: number) => number>> = {
  Power: ([c], v) => c * Math.log(v),
  Normal: ([a, b], v) => a * v + b * v * v,
  Gamma: ([a, b], v) => a * Math.log(v) + b * v,
  InverseGamma: ([a, b], v) => a * Math.log(v) + b / v,
};

/** E v and E v² by the midpoint rule on [low, high], which holds nearly all of the mass. */
function quadrature(log: (v: number) => number, low: number, high: number): [number, number] {
  const n = 40_000;
  const points = Array.from({ length: n }, (_, i) => low + ((high - low) * (i + 0.5)) / n);
  const top = points.reduce((m, v) => Math.max(m, log(v)), -Infinity);
  let [total, first, second] = [0, 0, 0];
  for (const v of points) {
    const w = Math.exp(log(v) - top);
    total += w;
    first += w * v;
    second += w * v * v;
  }
  return [first / total, second / total];
}

describe("draws", () => {
  const cases: readonly [string, CutFamily, readonly number[], Interval, number][] = [
    ["Pareto", "Power", [-6], { lower: 2, upper: Infinity }, 60],
    ["a power between two ends", "Power", [-1.5], { lower: 0.5, upper: 4 }, 4],
    ["a power of -1", "Power", [-1], { lower: 0.5, upper: 4 }, 4],
    ["a power from 0", "Power", [0.7], { lower: 0, upper: 3 }, 3],
    ["half of a normal", "Normal", [0, -0.5], { lower: 0, upper: Infinity }, 12],
    ["the far tail of a normal", "Normal", [0, -0.5], { lower: 9, upper: Infinity }, 12],
    ["the far left tail", "Normal", [0, -0.5], { lower: -12, upper: -8 }, -8],
    ["the middle of a normal", "Normal", [1, -0.5], { lower: -1, upper: 1.5 }, 1.5],
    ["a flat piece", "Normal", [0, 0], { lower: -1, upper: 2 }, 2],
    ["a rising exponential piece", "Normal", [3, 0], { lower: -1, upper: 2 }, 2],
    ["a falling exponential piece", "Normal", [-3, 0], { lower: 1, upper: Infinity }, 12],
    ["a parabola upside down", "Normal", [0, 0.5], { lower: -1, upper: 2 }, 2],
    ["the middle of a gamma", "Gamma", [2, -1.5], { lower: 0.5, upper: 3 }, 3],
    [
      "the tail of a gamma, which rejection misses",
      "Gamma",
      [1, -2],
      { lower: 12, upper: Infinity },
      25,
    ],
    ["a rising gamma piece", "Gamma", [1, 2], { lower: 0, upper: 2 }, 2],
    ["the middle of an inverse gamma", "InverseGamma", [-4, -3], { lower: 0.4, upper: 2 }, 2],
  ];
  for (const [name, family, eta, interval, high] of cases) {
    it(name, () => {
      const rng = gibbsStream({ seed: 2, chain: 0 }, 1, 1);
      const n = 30_000;
      const low = Number.isFinite(interval.lower) ? interval.lower : high - 30;
      let present = Number.isFinite(interval.upper)
        ? (low + interval.upper) / 2
        : low + (high - low) / 100;
      const draws = Float64Array.from({ length: n }, () => {
        const x = truncatedDraw(family, eta, interval, present, rng);
        if (x === undefined) throw new Error("no draw");
        present = x;
        return x;
      });
      expect(draws.reduce((m, v) => Math.min(m, v))).toBeGreaterThanOrEqual(interval.lower);
      expect(draws.reduce((m, v) => Math.max(m, v))).toBeLessThanOrEqual(interval.upper);
      const expected = quadrature((v) => logs[family](eta, v), low, high);
      expected.forEach((e, k) => {
        const { mean, error } = meanOf(draws.map((v) => v ** (k + 1)));
        expect(Math.abs(mean - e)).toBeLessThan(5 * error + 1e-9 * Math.abs(e));
      });
    });
  }
  it("of what is no distribution are refused", () => {
    const rng = gibbsStream({ seed: 2, chain: 0 }, 1, 1);
    const half = { lower: 0, upper: Infinity };
    expect(truncatedDraw("Power", [-2], half, 1, rng)).toBeUndefined();
    expect(truncatedDraw("Normal", [1, 0], half, 1, rng)).toBeUndefined();
    expect(truncatedDraw("Gamma", [1, 0], half, 1, rng)).toBeUndefined();
    expect(truncatedDraw("InverseGamma", [0, -1], half, 1, rng)).toBeUndefined();
  });
});

describe("conditionals", () => {
  it("Uniform and Pareto: the posterior is a Pareto that begins at the largest", () => {
    const x = [0.3, 4.2, 1.7, 2.9];
    const run = gibbs(
      `model m(N: int) {
        b ~ Pareto(1, 2.5)
        for n in 0..N { x[n] ~ Uniform(0, b) }
      }`,
      { N: 4, x },
      { draws: 20_000 },
    );
    expect(describePlan(run.plan)).toEqual([
      "b: truncated Pareto or power conditional, ends found at each state",
    ]);
    const b = run.of("b");
    expect(Math.min(...b)).toBeGreaterThanOrEqual(4.2);
    // Pareto(4.2, 6.5).
    const { mean, error } = meanOf(b);
    expect(Math.abs(mean - (4.2 * 6.5) / 5.5)).toBeLessThan(5 * error);
  });

  it("a density that overflows far out is no family cut off there", () => {
    // Of Gumbel(0, 1) the gradient is exp(-z) - 1: past -709 the density is 0 in f64, and near that
    // the numbers of the identity test overflow. Its mean is Euler's constant.
    const run = gibbs("model m() { z ~ Gumbel(0, 1) }", {}, { draws: 20_000 });
    expect(describePlan(run.plan)).toEqual(["z: slice sampling, scalar by scalar, unconstrained"]);
    const { mean, error } = meanOf(run.of("z"));
    expect(Math.abs(mean - 0.5772156649)).toBeLessThan(5 * error);
  });

  it("both ends of a uniform, each a bound of the other", () => {
    const run = gibbs(
      `model m(N: int) {
        lo ~ Normal(0, 3)
        hi ~ Pareto(2, 1.5)
        for n in 0..N { x[n] ~ Uniform(lo, hi) }
      }`,
      { N: 3, x: [0.5, 1.5, 2.5] },
      { draws: 200 },
    );
    // (hi − lo)⁻³ is of no family, so both are sliced.
    expect(run.plan.blocks.map((b) => b.kind)).toEqual(["slice", "slice"]);
  });

  it("normals that must be positive, are cut off by their prior, or lie between numbers", () => {
    const y = [0.1, -0.4, 0.3];
    const run = gibbs(
      `model m(N: int) {
        h: positive ~ Normal(0.2, 1)
        t ~ Truncated(Normal(0, 2), lower: -0.5, upper: 0.4)
        s: between(-1, 2) ~ Normal(1, 1)
        w ~ HalfNormal(1)
        tau ~ Uniform(0.5, 3)
        for n in 0..N {
          a[n] ~ Normal(h, 1)
          c[n] ~ Normal(t, 1)
          d[n] ~ Normal(s + w, 1)
          e[n] ~ Normal(0, 1 / sqrt(tau))
        }
      }`,
      { N: 3, a: y, c: y, d: y, e: y },
      { draws: 20_000 },
    );
    expect(
      run.plan.blocks.map((b) => (b.kind === "truncated" ? b.finding.family : b.kind)),
    ).toEqual(["Normal", "Normal", "Normal", "Normal", "Gamma"]);
    const normal = (m: number, sd: number) => (v: number) => -0.5 * ((v - m) / sd) ** 2;
    const likelihood = (v: number) => y.reduce((s, x) => s + normal(x, 1)(v), 0);
    const check = (name: string, log: (v: number) => number, low: number, high: number) => {
      quadrature(log, low, high).forEach((e, k) => {
        const { mean, error } = meanOf(run.of(name).map((v) => v ** (k + 1)));
        expect(Math.abs(mean - e)).toBeLessThan(5 * error);
      });
    };
    check("h", (v) => normal(0.2, 1)(v) + likelihood(v), 0, 8);
    check("t", (v) => normal(0, 2)(v) + likelihood(v), -0.5, 0.4);
    const squares = y.reduce((s, x) => s + x * x, 0);
    check("tau", (v) => 1.5 * Math.log(v) - (v * squares) / 2, 0.5, 3);
    // s and w meet in the mean: quadrature of w's part inside s's.
    const outer = (v: number) => {
      let total = 0;
      for (let i = 0; i < 800; i++) {
        const w = (8 * (i + 0.5)) / 800;
        total += Math.exp(normal(0, 1)(w) + likelihood(v + w));
      }
      return normal(1, 1)(v) + Math.log(total);
    };
    const points = Array.from({ length: 600 }, (_, i) => -1 + (3 * (i + 0.5)) / 600);
    const weights = points.map((v) => Math.exp(outer(v)));
    const expected =
      points.reduce((s, v, i) => s + v * weights[i], 0) / weights.reduce((s, w) => s + w, 0);
    const { mean, error } = meanOf(run.of("s"));
    expect(Math.abs(mean - expected)).toBeLessThan(5 * error + 1e-4);
  });

  it("a Dirichlet read through 1 − p[0]", () => {
    const run = gibbs(
      `model m(N: int) {
        p ~ Dirichlet([1.5, 2])
        for n in 0..N { k[n] ~ Binomial(5, 1 - p[0]) }
      }`,
      { N: 3, k: [4, 2, 3] },
      { draws: 10_000 },
    );
    expect(run.plan.blocks.map((b) => b.kind)).toEqual(["conjugate"]);
    const { mean, error } = meanOf(run.of("p", 0));
    // Dirichlet(1.5 + 6, 2 + 9).
    expect(Math.abs(mean - 7.5 / 18.5)).toBeLessThan(5 * error);
  });

  it("a sum of three weights' parts stays out of the family", () => {
    const run = gibbs(
      `model m(N: int) {
        p ~ Dirichlet([1.5, 2, 1])
        for n in 0..N { k[n] ~ Binomial(5, 1 - p[0]) }
      }`,
      { N: 3, k: [4, 2, 3] },
      { draws: 10_000 },
    );
    expect(run.plan.blocks.map((b) => b.kind)).toEqual(["hamiltonian"]);
    // p₀ alone is Beta(1.5 + 6, 3 + 9); the rest splits it as before.
    const { mean, error } = meanOf(run.of("p", 0));
    expect(Math.abs(mean - 7.5 / 19.5)).toBeLessThan(5 * error);
    const first = run.of("p", 0);
    const part = meanOf(run.of("p", 1).map((v, t) => v / (1 - first[t])));
    expect(Math.abs(part.mean - 2 / 3)).toBeLessThan(5 * part.error);
  });
});
