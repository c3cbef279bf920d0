/** Calibration passes what is right and catches what is wrong. */
import { describe, expect, it } from "vitest";
import { compile, laplace, nuts, TildeError } from "../../../src/index.js";
import { stream } from "../../../src/math/rng/random.js";
import { sbc } from "../../../src/run/sbc/index.js";
import { uniformityTest } from "../../../src/run/sbc/uniformity.js";

describe("the test of uniformity", () => {
  const [count, levels] = [200, 64];
  const test = uniformityTest(count, levels);
  const sample = (seed: number, rank: (u: number) => number) => {
    const rng = stream(seed, 0, 0, 0);
    return Int32Array.from({ length: count }, () => {
      return Math.min(levels - 1, Math.floor(levels * rank(rng.uniform())));
    });
  };
  it("has p-values that are uniform under uniform ranks", () => {
    const ps = Array.from({ length: 200 }, (_, s) => test(sample(s, (u) => u)).p);
    const below = (q: number) => ps.filter((p) => p <= q).length / ps.length;
    // Four standard errors of a proportion of 200.
    for (const q of [0.05, 0.25, 0.5, 0.75]) {
      expect(Math.abs(below(q) - q)).toBeLessThan(4 * Math.sqrt((q * (1 - q)) / 200));
    }
  });
  it("sees bias, draws that are too narrow, and draws that are too wide", () => {
    expect(test(sample(1, (u) => u ** 1.5)).p).toBeLessThan(0.01);
    expect(test(sample(2, (u) => (u < 0.5 ? 2 * u * u : 1 - 2 * (1 - u) ** 2))).p).toBeLessThan(
      0.01,
    );
    expect(
      test(sample(3, (u) => 0.5 + 0.5 * Math.sign(u - 0.5) * Math.sqrt(Math.abs(2 * u - 1)))).p,
    ).toBeLessThan(0.01);
  });
});

const normal = compile(`model normal(N: int) {
  mu ~ Normal(0, 1)
  s ~ Gamma(2, 2)
  for i in 0..N { y[i] ~ Normal(mu, s) }
}`);

describe("simulation-based calibration", () => {
  it("passes nuts on a normal model", async () => {
    const result = await sbc(normal, {
      data: { N: 5 },
      observed: ["y"],
      replications: 100,
      ranked: 31,
      method: nuts({ chains: 1, warmup: 300, draws: 310 }),
      seed: 4,
    });
    expect(result.variables.map((v) => v.name)).toEqual(["mu", "s"]);
    expect(result.variables[0].ranks).toHaveLength(100);
    expect(result.variables[0].bins.reduce((a, b) => a + b)).toBe(100);
    expect(result.passed).toBe(true);
  });
  it("catches an approximation that is off", async () => {
    // Of a scale with two observations and a prior with a long tail a normal approximation at the
    // mode of the logarithm is too narrow.
    const text = `model scale(N: int) {
      s ~ HalfCauchy(1)
      for i in 0..N { y[i] ~ Normal(0, s) }
    }`;
    const result = await sbc(compile(text), {
      data: { N: 1 },
      observed: ["y"],
      replications: 300,
      method: laplace({ draws: 630, starts: 1 }),
    });
    expect(result.passed).toBe(false);
  });
  it("asks which sites are data", async () => {
    await expect(sbc(normal, { data: { N: 5 } })).rejects.toThrow(TildeError);
    await expect(sbc(normal, { data: { N: 5 } })).rejects.toThrow(/which sites are data/);
  });
  it("compares components that can change places in order", async () => {
    const text = `model m(N: int, K: int) {
      for k in 0..K { mu[k] ~ Normal(0, 3) }
      for i in 0..N { z[i] ~ Categorical(ones(K) / K); y[i] ~ Normal(mu[z[i]], 1) }
    }`;
    const result = await sbc(compile(text), {
      data: { N: 4, K: 2 },
      observed: ["y"],
      replications: 12,
      ranked: 15,
      method: nuts({ chains: 1, warmup: 100, draws: 100 }),
    });
    expect(result.variables.map((v) => v.name)).toEqual(["sorted(mu)[0]", "sorted(mu)[1]"]);
  });
});
