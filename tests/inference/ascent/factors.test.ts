/** Each family of factor against numerical integrals and dense algebra. */
import { describe, expect, it } from "vitest";
import type { Factor } from "../../../src/inference/ascent/contract.js";
import { matrixFactor } from "../../../src/inference/ascent/factors/matrices.js";
import { normalFactor } from "../../../src/inference/ascent/factors/normal.js";
import { powerGammaFactor } from "../../../src/inference/ascent/factors/power-gamma.js";
import { quadratureFactor } from "../../../src/inference/ascent/factors/quadrature.js";
import { betaFactor, dirichletFactor } from "../../../src/inference/ascent/factors/simplex.js";
import { inverse, logDeterminant, matvec } from "../../../src/math/linalg/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { logsumexp } from "../../../src/math/special/index.js";

/** Scalar statistics, their natural parameters, and where v lies. */
interface Case {
  readonly name: string;
  readonly factor: Factor;
  readonly statistics: readonly ((v: number) => number)[];
  readonly eta: readonly number[];
  readonly range: readonly [number, number];
}

/** No discrete states. */
const none = new Int32Array(0);
const power = (a: number) => (v: number) => v ** a;
const self = Int32Array.of(0);
const products = { kind: "products", first: self, second: self } as const;
const quadrature = (
  lower: number,
  upper: number,
  ...list: Parameters<typeof quadratureFactor>[0]["statistics"]
) => quadratureFactor({ length: 1, range: { lower, upper }, statistics: list });

const cases: readonly Case[] = [
  ...[1, -1, -2, 2, 0.5].map((a) => ({
    name: `v^${a} is Gamma`,
    factor: powerGammaFactor({ length: 1, exponent: a, log: 0, power: 1 }),
    statistics: [Math.log, power(a)],
    eta: [a > 0 ? 1.3 : -9.2, -2.1],
    range: [0, Infinity] as const,
  })),
  {
    name: "Gamma without a logarithm",
    factor: powerGammaFactor({ length: 1, exponent: 1, power: 0 }),
    statistics: [power(1)],
    eta: [-0.4],
    range: [0, Infinity],
  },
  {
    name: "Beta",
    factor: betaFactor({ length: 1, log: 0, log1m: 1 }),
    statistics: [Math.log, (v) => Math.log1p(-v)],
    eta: [0.7, 3.1],
    range: [0, 1],
  },
  {
    name: "generalised inverse Gaussian",
    factor: quadrature(
      0,
      Infinity,
      { kind: "log" },
      { kind: "value" },
      { kind: "power", exponent: -1 },
    ),
    statistics: [Math.log, power(1), power(-1)],
    eta: [-1.2, -0.6, -2.5],
    range: [0, Infinity],
  },
  {
    name: "a half-normal scale of a normal",
    factor: quadrature(
      0,
      Infinity,
      { kind: "log" },
      { kind: "power", exponent: -2 },
      { kind: "power", exponent: 2 },
    ),
    statistics: [Math.log, power(-2), power(2)],
    eta: [-400, -800, -0.5],
    range: [0, Infinity],
  },
  {
    name: "truncated normal",
    factor: quadrature(0.5, 2, { kind: "value" }, products),
    statistics: [power(1), power(2)],
    eta: [3, -0.8],
    range: [0.5, 2],
  },
  {
    name: "normal above a bound, far in its tail",
    factor: quadrature(0, Infinity, { kind: "value" }, products),
    statistics: [power(1), power(2)],
    eta: [-20, -0.5],
    range: [0, Infinity],
  },
  {
    name: "a real scalar by quadrature",
    factor: quadrature(-Infinity, Infinity, { kind: "value" }, products, {
      kind: "power",
      exponent: 4,
    }),
    statistics: [power(1), power(2), power(4)],
    eta: [0.7, 1, -0.6],
    range: [-Infinity, Infinity],
  },
];

/** A fine midpoint rule in a logistic or logarithmic coordinate, shifted to where the mass lies. */
function integral({ statistics, eta, range: [lower, upper] }: Case) {
  const n = 40_001;
  const span = 60;
  const logs = new Float64Array(n);
  const values = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const t = -span + (2 * span * k) / (n - 1);
    let v: number;
    let slope: number;
    if (lower === -Infinity) [v, slope] = [t / 4, Math.log(0.25)];
    else if (upper === Infinity) [v, slope] = [lower + Math.exp(t), t];
    else {
      const p = 1 / (1 + Math.exp(-t));
      v = lower + (upper - lower) * p;
      slope = Math.log(upper - lower) - Math.abs(t) - 2 * Math.log1p(Math.exp(-Math.abs(t)));
    }
    values[k] = v;
    const log = slope + statistics.reduce((s, f, j) => s + eta[j] * f(v), 0);
    logs[k] = Number.isNaN(log) ? -Infinity : log;
  }
  const norm = logsumexp(logs);
  const weights = logs.map((l) => Math.exp(l - norm));
  const expectation = (f: (v: number) => number): number => {
    let sum = 0;
    for (let k = 0; k < n; k++) if (weights[k] > 0) sum += weights[k] * f(values[k]);
    return sum;
  };
  // Of one point: how finely a probability can be read off.
  const grain = weights.reduce((m, w) => Math.max(m, w), 0);
  return { expectation, grain, logNormaliser: norm + Math.log((2 * span) / (n - 1)) };
}

describe("scalar factors", () => {
  for (const one of cases) {
    it(one.name, () => {
      const { factor, statistics, eta } = one;
      expect(factor.update(eta.map((e) => Float64Array.of(e)))).toBe(true);
      const out = statistics.map(() => new Float64Array(1));
      factor.statistics(out);
      const near = (found: number, expected: number, relative = 1e-7) =>
        expect(Math.abs(found - expected)).toBeLessThan(relative * (1 + Math.abs(expected)));
      const { expectation, grain, logNormaliser } = integral(one);
      statistics.forEach((f, j) => {
        near(out[j][0], expectation(f));
      });
      const mean = expectation((v) => v);
      const entropy = logNormaliser - eta.reduce((s, e, j) => s + e * out[j][0], 0);
      near(factor.entropy(), entropy);
      near(factor.mean(0), mean);
      near(factor.sd(0), Math.sqrt(expectation((v) => (v - mean) ** 2)));
      for (const p of [0.05, 0.5, 0.9]) {
        const at = factor.quantile(0, p);
        const below = expectation((v) => (v <= at ? 1 : 0));
        expect(Math.abs(below - p)).toBeLessThan(1e-3 + grain);
      }
      // Standard error of the mean of 4000 draws; 5 of them.
      const draw = new Float64Array(1);
      const rng = stream(3, 0, 0, 0);
      let sum = 0;
      for (let k = 0; k < 4000; k++) {
        factor.draw(rng, draw, none);
        sum += draw[0];
      }
      expect(Math.abs(sum / 4000 - mean)).toBeLessThan((5 * factor.sd(0)) / Math.sqrt(4000));
    });
  }

  it("knows what is no distribution", () => {
    const of = (f: Factor, ...eta: number[]) => f.update(eta.map((e) => Float64Array.of(e)));
    expect(of(powerGammaFactor({ length: 1, exponent: 1, log: 0, power: 1 }), -1, -1)).toBe(false);
    expect(of(powerGammaFactor({ length: 1, exponent: 1, log: 0, power: 1 }), 1, 0)).toBe(false);
    expect(of(powerGammaFactor({ length: 1, exponent: -2, log: 0, power: 1 }), 1, -2)).toBe(false);
    expect(of(betaFactor({ length: 1, log: 0, log1m: 1 }), -1, 2)).toBe(false);
    const layout = { at: 1, first: self, second: self };
    expect(of(normalFactor({ length: 1, value: 0, products: layout })!, 1, 0)).toBe(false);
    const half = quadrature(
      0,
      Infinity,
      { kind: "log" },
      { kind: "power", exponent: -1 },
      products,
    );
    expect(of(half, -0.2, -1, 0)).toBe(false);
    expect(of(half, -1.2, -1, 0)).toBe(true);
  });
});

describe("Dirichlet and matrix factors", () => {
  it("Dirichlet against its own draws", () => {
    const factor = dirichletFactor({ length: 6, size: 3, log: 0 });
    expect(factor.update([Float64Array.of(0.5, 2, 4, -0.5, 1, 0)])).toBe(true);
    const [log] = [new Float64Array(6)];
    factor.statistics([log]);
    const [sums, logs, squares] = [0, 1, 2].map(() => new Float64Array(6));
    const draw = new Float64Array(6);
    const rng = stream(5, 0, 0, 0);
    const n = 40_000;
    for (let k = 0; k < n; k++) {
      factor.draw(rng, draw, none);
      draw.forEach((v, i) => {
        sums[i] += v / n;
        logs[i] += Math.log(v) / n;
        squares[i] += (v * v) / n;
      });
    }
    for (let i = 0; i < 6; i++) {
      expect(Math.abs(sums[i] - factor.mean(i))).toBeLessThan((5 * factor.sd(i)) / Math.sqrt(n));
      const sd = Math.sqrt(squares[i] - sums[i] ** 2);
      expect(Math.abs(sd / factor.sd(i) - 1)).toBeLessThan(0.03);
      expect(Math.abs(logs[i] - log[i])).toBeLessThan(0.05);
    }
  });

  for (const kind of ["Wishart", "InverseWishart"] as const) {
    it(`${kind} moments and quantiles against its own draws`, () => {
      const factor = matrixFactor({ length: 4, size: 2, kind, logDet: 0, matrix: 1 });
      const eta = kind === "Wishart" ? 4.5 : -8;
      const matrix = Float64Array.of(-1, 0.3, 0.3, -2);
      expect(factor.update([Float64Array.of(eta), matrix])).toBe(true);
      const n = 20_000;
      const draws = [0, 1, 2, 3].map(() => new Float64Array(n));
      const draw = new Float64Array(4);
      const rng = stream(6, 0, 0, 0);
      for (let k = 0; k < n; k++) {
        factor.draw(rng, draw, none);
        draw.forEach((v, i) => {
          draws[i][k] = v;
        });
      }
      for (const i of [0, 1, 3]) {
        const mean = draws[i].reduce((s, v) => s + v, 0) / n;
        const sd = Math.sqrt(draws[i].reduce((s, v) => s + (v - mean) ** 2, 0) / n);
        expect(Math.abs(mean - factor.mean(i))).toBeLessThan((5 * factor.sd(i)) / Math.sqrt(n));
        expect(Math.abs(sd / factor.sd(i) - 1)).toBeLessThan(0.05);
        for (const p of [0.1, 0.5, 0.95]) {
          const below = draws[i].filter((v) => v <= factor.quantile(i, p)).length / n;
          // Off the diagonal the quantile is of draws itself.
          expect(Math.abs(below - p)).toBeLessThan(8 * Math.sqrt((p * (1 - p)) / n));
        }
      }
    });
  }
});

describe("normal factors", () => {
  /** Precision and linear part by the pairs, with every number computed densely. */
  function check(length: number, pairs: readonly (readonly [number, number])[], seed: number) {
    const rng = stream(seed, 0, 0, 0);
    const first = Int32Array.from(pairs, ([i]) => i);
    const second = Int32Array.from(pairs, ([, j]) => j);
    const precision = new Float64Array(length * length);
    const natural = Float64Array.from(pairs, ([i, j]) => (i === j ? 0 : rng.normal()));
    pairs.forEach(([i, j], k) => {
      if (i === j) return;
      precision[i * length + j] -= natural[k];
      precision[j * length + i] -= natural[k];
    });
    for (let i = 0; i < length; i++) {
      let row = 0.5 + rng.uniform();
      for (let j = 0; j < length; j++) if (j !== i) row += Math.abs(precision[i * length + j]);
      precision[i * length + i] = row;
    }
    pairs.forEach(([i, j], k) => {
      if (i === j) natural[k] = -precision[i * length + i] / 2;
    });
    const linear = Float64Array.from({ length }, () => 3 * rng.normal());
    const factor = normalFactor({ length, value: 0, products: { at: 1, first, second } });
    if (factor === undefined) throw new Error("no factor");
    expect(factor.update([linear, natural])).toBe(true);
    const covariance = inverse(precision, length) as Float64Array;
    const mean = matvec(covariance, linear, length, length);
    const out = [new Float64Array(length), new Float64Array(pairs.length)];
    factor.statistics(out);
    for (let i = 0; i < length; i++) {
      expect(out[0][i]).toBeCloseTo(mean[i], 9);
      expect(factor.sd(i)).toBeCloseTo(Math.sqrt(covariance[i * length + i]), 9);
    }
    pairs.forEach(([i, j], k) => {
      expect(out[1][k]).toBeCloseTo(mean[i] * mean[j] + covariance[i * length + j], 8);
    });
    const log = logDeterminant(precision, length).logAbs;
    expect(factor.entropy()).toBeCloseTo((length * (1 + Math.log(2 * Math.PI)) - log) / 2, 8);
    // Draws: every variance, and the covariances of the pairs.
    const n = 4000;
    const draw = new Float64Array(length);
    const products = new Float64Array(pairs.length);
    for (let k = 0; k < n; k++) {
      factor.draw(rng, draw, none);
      pairs.forEach(([i, j], p) => {
        products[p] += ((draw[i] - mean[i]) * (draw[j] - mean[j])) / n;
      });
    }
    pairs.forEach(([i, j], p) => {
      const [c, a, b] = [
        [i, j],
        [i, i],
        [j, j],
      ].map(([r, q]) => covariance[r * length + q]);
      const error = Math.sqrt((a * b + c * c) / n);
      expect(Math.abs(products[p] - c)).toBeLessThan(6 * error);
    });
    return factor.structure;
  }
  const self = (n: number) => Array.from({ length: n }, (_, i) => [i, i] as const);

  it("single scalars", () => {
    expect(check(5, self(5), 1)).toBe("elementwise");
  });
  it("blocks, not side by side", () => {
    const pairs = [...self(7), [0, 3], [3, 5], [0, 5], [1, 6]] as const;
    expect(check(7, pairs, 2)).toBe("4 blocks of up to 3");
  });
  it("a chain, with links over two steps", () => {
    const n = 60;
    const links = Array.from({ length: n - 1 }, (_, t) => [t, t + 1] as const);
    const second = Array.from({ length: n - 2 }, (_, t) => [t, t + 2] as const);
    expect(check(n, [...self(n), ...links, ...second], 3)).toBe("sparse block of 60");
  });
  it("a star, a grid and a lone scalar", () => {
    const n = 41;
    const star = Array.from({ length: n - 1 }, (_, i) => [0, i + 1] as const);
    check(n, [...self(n), ...star], 4);
    const side = 7;
    const grid: (readonly [number, number])[] = [];
    for (let i = 0; i < side * side; i++) {
      if (i % side < side - 1) grid.push([i, i + 1]);
      if (i + side < side * side) grid.push([i, i + side]);
    }
    check(side * side + 1, [...self(side * side + 1), ...grid], 5);
  });
  it("a zero among the links changes nothing", () => {
    const n = 40;
    const first = Int32Array.from({ length: 2 * n - 1 }, (_, k) => (k < n ? k : k - n));
    const second = Int32Array.from({ length: 2 * n - 1 }, (_, k) => (k < n ? k : k - n + 1));
    const natural = first.map((i, k) => (i === second[k] ? -1 : 0));
    const factor = normalFactor({ length: n, products: { at: 0, first, second } });
    expect(factor?.update([Float64Array.from(natural)])).toBe(true);
    const out = [new Float64Array(2 * n - 1)];
    factor?.statistics(out);
    for (const [k, v] of out[0].entries())
      expect(v).toBeCloseTo(first[k] === second[k] ? 0.5 : 0, 14);
  });
  it("a chain of 10 000 steps takes milliseconds", () => {
    const n = 10_000;
    const first = Int32Array.from({ length: 2 * n - 1 }, (_, k) => (k < n ? k : k - n));
    const second = Int32Array.from({ length: 2 * n - 1 }, (_, k) => (k < n ? k : k - n + 1));
    const natural = Float64Array.from(first, (i, k) => (i === second[k] ? -1.3 : 1));
    const factor = normalFactor({ length: n, value: 0, products: { at: 1, first, second } });
    const linear = new Float64Array(n).fill(1);
    const start = performance.now();
    for (let k = 0; k < 5; k++) factor?.update([linear, natural]);
    // About 2 ms each; a dense factor would take minutes.
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
