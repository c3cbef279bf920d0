import { describe, expect, test } from "vitest";
import { type RandomStream, stream } from "../../../src/math/rng/index.js";
import {
  besselRatio,
  betaI,
  gammaP,
  lgamma,
  logBinomialMass,
  logPoissonMass,
  normalCdf,
} from "../../../src/math/special/index.js";
import { chiSquare, chiSquareOfMass, kolmogorovSmirnov, twoSided } from "../../helpers/gof.js";

const N = 20_000;
/**
 * The suite makes about 70 tests of fit. Seeds are fixed, so a test that passes once passes for
 * ever; at 1e-4 each, a correct sampler had a chance of 0.7 % to need another seed.
 */
const SMALLEST_P = 1e-4;

function sample(site: number, draw: (random: RandomStream) => number, n = N): Float64Array {
  const random = stream(20240607, 1, Math.round(site), 0);
  return Float64Array.from({ length: n }, () => draw(random));
}

function fits(draws: Float64Array, cdf: (x: number) => number): void {
  expect(kolmogorovSmirnov(draws, cdf)).toBeGreaterThan(SMALLEST_P);
}

function fitsMass(draws: Float64Array, mass: (k: number) => number, top: number): void {
  expect(chiSquareOfMass(draws, mass, top)).toBeGreaterThan(SMALLEST_P);
}

/** The mean of n draws is within rounding of normal: its z score. */
function meanFits(draws: Float64Array, mean: number, variance: number): void {
  const average = draws.reduce((sum, x) => sum + x, 0) / draws.length;
  const z = (average - mean) / Math.sqrt(variance / draws.length);
  expect(twoSided(z)).toBeGreaterThan(SMALLEST_P);
}

describe("streams", () => {
  const first = (random: RandomStream) => Array.from({ length: 6 }, () => random.word());

  test("the same coordinates give the same numbers, any other coordinate gives others", () => {
    const base = first(stream(1, 2, 3, 4));
    expect(first(stream(1, 2, 3, 4))).toEqual(base);
    expect(first(stream(1n, 2, 3, 4))).toEqual(base);
    const others = [
      stream(0, 2, 3, 4),
      stream(1n + (1n << 32n), 2, 3, 4),
      stream(1, 3, 2, 4),
      stream(1, 2, 4, 3),
      stream(1, 4, 3, 2),
    ];
    const heads = new Set([base, ...others.map(first)].map((words) => words.join()));
    expect(heads.size).toBe(6);
  });
  test("the layout is the documented one: words of philox(key, block, step, site, chain)", () => {
    // Random123: counter 0, key 0.
    expect(first(stream(0, 0, 0, 0)).slice(0, 4)).toEqual([
      0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8,
    ]);
  });
  test("coordinates outside 32 bits are our bug", () => {
    expect(() => stream(0, -1, 0, 0)).toThrow(/internal error/);
    expect(() => stream(0, 0, 1.5, 0)).toThrow(/internal error/);
    expect(() => stream(0, 0, 0, 2 ** 32)).toThrow(/internal error/);
  });
  test("consecutive steps, sites and chains are uncorrelated", () => {
    for (const at of [0, 1, 2]) {
      const x = Array.from({ length: 2000 }, (_, i) => {
        const c = [5, 5, 5];
        c[at] = i;
        return stream(9, c[0], c[1], c[2]).normal();
      });
      let sum = 0;
      for (let i = 1; i < x.length; i++) sum += x[i] * x[i - 1];
      expect(twoSided(sum / Math.sqrt(x.length - 1))).toBeGreaterThan(SMALLEST_P);
    }
  });
});

describe("continuous draws", () => {
  test("uniform: Kolmogorov-Smirnov, open ends, low bits in use", () => {
    const draws = sample(1, (r) => r.uniform());
    fits(draws, (x) => x);
    for (const u of draws) expect(u > 0 && u < 1).toBe(true);
    fits(
      draws.map((u) => (u * 2 ** 26) % 1),
      (x) => x,
    );
  });
  test("uniform pairs fill the square evenly", () => {
    const random = stream(3, 0, 0, 0);
    const cells = new Array<number>(100).fill(0);
    for (let i = 0; i < N; i++) {
      const cell = Math.floor(random.uniform() * 10) * 10 + Math.floor(random.uniform() * 10);
      cells[cell] += 1;
    }
    expect(chiSquare(cells, new Array<number>(100).fill(N / 100))).toBeGreaterThan(SMALLEST_P);
  });
  test("normal", () =>
    fits(
      sample(2, (r) => r.normal()),
      normalCdf,
    ));
  test("the two normals of a pair are uncorrelated, and so are their squares", () => {
    const random = stream(4, 0, 0, 0);
    let products = 0;
    let squares = 0;
    for (let i = 0; i < N; i++) {
      const [a, b] = [random.normal(), random.normal()];
      products += a * b;
      squares += (a * a - 1) * (b * b - 1);
    }
    expect(twoSided(products / Math.sqrt(N))).toBeGreaterThan(SMALLEST_P);
    expect(twoSided(squares / (2 * Math.sqrt(N)))).toBeGreaterThan(SMALLEST_P);
  });
  test("exponential", () =>
    fits(
      sample(3, (r) => r.exponential()),
      (x) => -Math.expm1(-x),
    ));
  test.each([0.02, 0.3, 0.9, 1, 1.5, 10, 1e4])("gamma of shape %d", (shape) => {
    fits(
      sample(10 + shape * 10, (r) => r.gamma(shape), 10_000),
      (x) => gammaP(shape, x),
    );
  });
  test("gamma at shape 1e-6, in log space: -shape · log G is exponential", () => {
    // G^shape is uniform up to O(shape), so -shape log G is exponential of rate 1.
    const draws = sample(40, (r) => -1e-6 * r.logGamma(1e-6));
    fits(draws, (x) => -Math.expm1(-x));
    for (const x of draws) expect(Number.isFinite(x)).toBe(true);
  });
  test.each([
    [0.5, 0.5],
    [2, 5],
    [1, 1],
    [30, 0.4],
  ])("beta(%d, %d)", (a, b) => {
    fits(
      sample(50 + a, (r) => r.beta(a, b)),
      (x) => betaI(a, b, x),
    );
  });
  test("Dirichlet: sums to 1, marginals are beta, tiny alphas stay finite", () => {
    const random = stream(5, 0, 0, 0);
    const alpha = [0.5, 2, 3.5];
    const draws = Array.from({ length: 5000 }, () => random.dirichlet(alpha));
    for (const x of draws) expect(x.reduce((s, v) => s + v, 0)).toBeCloseTo(1, 14);
    for (const i of [0, 1, 2]) {
      fits(
        Float64Array.from(draws, (x) => x[i]),
        (x) => betaI(alpha[i], 6 - alpha[i], x),
      );
    }
    const tiny = random.dirichlet([1e-5, 1e-5]);
    expect(tiny[0] + tiny[1]).toBe(1);
  });
  test("Student t of 3 degrees, chi-squared of 4", () => {
    // F(t) for 3 degrees of freedom in closed form.
    fits(
      sample(60, (r) => r.studentT(3)),
      (t) => {
        const u = t / Math.sqrt(3);
        return 0.5 + (u / (1 + u * u) + Math.atan(u)) / Math.PI;
      },
    );
    fits(
      sample(61, (r) => r.chiSquared(4)),
      (x) => gammaP(2, x / 2),
    );
  });
  test.each([0, 1e-6, 0.5, 4, 200, 1e7])("von Mises, kappa = %d: moments and range", (kappa) => {
    const draws = sample(70, (r) => r.vonMises(kappa));
    for (const x of draws) expect(Math.abs(x) <= Math.PI).toBe(true);
    // E cos = A(κ) = I₁/I₀, E cos² = 1 - A/κ; E sin = 0, E sin² = A/κ (1/2 at κ = 0).
    const mean = besselRatio(kappa);
    const sin2 = kappa < 1e-5 ? 0.5 : mean / kappa;
    meanFits(draws.map(Math.sin), 0, sin2);
    if (kappa < 1e5) meanFits(draws.map(Math.cos), mean, 1 - sin2 - mean * mean);
    // E sin⁴ of a nearly normal angle is 3/κ².
    else
      meanFits(
        draws.map((x) => x * x),
        1 / kappa,
        2 / kappa ** 2,
      );
  });
  test("von Mises, kappa = 2, against its integrated density", () => {
    const steps = 4000;
    const density = (x: number) => Math.exp(2 * Math.cos(x));
    const table = new Float64Array(steps + 1);
    const h = (2 * Math.PI) / steps;
    for (let i = 0; i < steps; i++) {
      const x = -Math.PI + i * h;
      // Simpson's rule: exact to 1e-12 at this step.
      table[i + 1] = table[i] + (h / 6) * (density(x) + 4 * density(x + h / 2) + density(x + h));
    }
    fits(
      sample(71, (r) => r.vonMises(2)),
      (x) => {
        const at = Math.min(steps - 1, Math.floor((x + Math.PI) / h));
        const part = (x + Math.PI) / h - at;
        return (table[at] + part * (table[at + 1] - table[at])) / table[steps];
      },
    );
  });
});

describe("discrete draws", () => {
  test.each([0, 1e-3, 0.7, 5, 9.9, 10.1, 40, 300])("Poisson of rate %d", (rate) => {
    const draws = sample(100 + rate, (r) => r.poisson(rate));
    if (rate === 0) expect(draws.every((k) => k === 0)).toBe(true);
    else {
      const top = Math.ceil(rate + 6 * Math.sqrt(rate) + 3);
      fitsMass(draws, (k) => Math.exp(logPoissonMass(k, rate)), top);
    }
  });
  test("Poisson of rate 1e12: mean and variance", () => {
    const draws = sample(120, (r) => (r.poisson(1e12) - 1e12) / 1e6);
    fits(draws, normalCdf);
  });
  test.each([
    [1, 0.3],
    [10, 0.5],
    [15, 0.95],
    [40, 0.2],
    [100, 0.3],
    [1000, 0.985],
    [500, 0.5],
    [1e9, 3e-9],
  ])("binomial(%d, %d)", (n, p) => {
    const draws = sample(200, (r) => r.binomial(n, p));
    const top = Math.min(n, Math.ceil(n * p + 6 * Math.sqrt(n * p * (1 - p)) + 5));
    fitsMass(draws, (k) => Math.exp(logBinomialMass(k, n, p)), top);
  });
  test("binomial at the ends and for 1e12 trials", () => {
    const random = stream(6, 0, 0, 0);
    expect(random.binomial(0, 0.5)).toBe(0);
    expect(random.binomial(7, 0)).toBe(0);
    expect(random.binomial(7, 1)).toBe(7);
    const draws = sample(220, (r) => (r.binomial(1e12, 0.5) - 5e11) / 5e5);
    fits(draws, normalCdf);
  });
  test.each([
    [3, 0.7],
    [20, 5],
  ])("negative binomial of mean %d, dispersion %d", (mean, phi) => {
    const mass = (k: number) =>
      Math.exp(
        lgamma(k + phi) -
          lgamma(phi) -
          lgamma(k + 1) +
          phi * Math.log(phi / (phi + mean)) +
          k * Math.log(mean / (phi + mean)),
      );
    fitsMass(
      sample(300, (r) => r.negativeBinomial(mean, phi)),
      mass,
      80,
    );
  });
  test("geometric and Bernoulli", () => {
    fitsMass(
      sample(310, (r) => r.geometric(0.3)),
      (k) => 0.3 * 0.7 ** k,
      30,
    );
    fitsMass(
      sample(311, (r) => r.bernoulli(0.2)),
      (k) => [0.8, 0.2][k] ?? 0,
      1,
    );
  });
  test("categorical, by weights and by log weights, never a weight of zero", () => {
    const weights = [1, 0, 3, 6, 0];
    const logs = weights.map((w) => Math.log(w) - 900);
    for (const draws of [
      sample(320, (r) => r.categorical(weights)),
      sample(321, (r) => r.categoricalLog(logs)),
    ]) {
      const counts = weights.map((_, k) => draws.filter((d) => d === k).length);
      expect([counts[1], counts[4]]).toEqual([0, 0]);
      const kept = [counts[0], counts[2], counts[3]];
      expect(chiSquare(kept, [N / 10, (3 * N) / 10, (6 * N) / 10])).toBeGreaterThan(SMALLEST_P);
    }
  });
  test.each([1, 6, 100, 3 * 2 ** 30])("int below %d is uniform", (n) => {
    const draws = sample(330, (r) => r.int(n));
    const cells = Math.min(n, 6);
    const counts = new Array<number>(cells).fill(0);
    // Six cells; those of n = 100 hold 16 or 17 integers each.
    const expected = new Array<number>(cells).fill(0);
    if (n === 1) expect(draws.every((k) => k === 0)).toBe(true);
    else {
      for (const k of draws) counts[Math.floor((k / n) * cells)] += 1;
      for (let c = 0; c < cells; c++) {
        const from = Math.ceil((c * n) / cells);
        expected[c] = (N * (Math.ceil(((c + 1) * n) / cells) - from)) / n;
      }
      expect(chiSquare(counts, expected)).toBeGreaterThan(SMALLEST_P);
    }
  });
  test("all 24 permutations of four are equally frequent", () => {
    const random = stream(8, 0, 0, 0);
    const counts = new Map<string, number>();
    for (let i = 0; i < N; i++) {
      const key = random.permutation(4).join("");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()], new Array<number>(24).fill(N / 24))).toBeGreaterThan(
      SMALLEST_P,
    );
    expect(random.permutation(0).length).toBe(0);
  });
  test("parameters outside the domain are our bug", () => {
    const random = stream(0, 0, 0, 0);
    for (const bad of [
      () => random.gamma(0),
      () => random.gamma(NaN),
      () => random.poisson(-1),
      () => random.poisson(NaN),
      () => random.binomial(2.5, 0.5),
      () => random.binomial(3, 1.5),
      () => random.categorical([0, 0]),
      () => random.categorical([1, -1]),
      () => random.categoricalLog([-Infinity]),
      () => random.int(0),
      () => random.vonMises(-1),
      () => random.bernoulli(2),
      () => random.geometric(0),
    ]) {
      expect(bad).toThrow(/internal error/);
    }
  });
});
