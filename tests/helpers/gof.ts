import { gammaQ, normalCdf } from "../../src/math/special/index.js";

/** Goodness-of-fit p-values for tests of samplers. Samples are made from fixed seeds. */

/**
 * The p-value of the two-sided Kolmogorov-Smirnov test of `sample` against a continuous
 * distribution function. Asymptotic distribution with the correction of Stephens (1970), accurate
 * to three digits from n = 20 on.
 */
export function kolmogorovSmirnov(sample: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  const n = sorted.length;
  let distance = 0;
  for (let i = 0; i < n; i++) {
    const f = cdf(sorted[i]);
    if (Number.isNaN(f)) return 0;
    distance = Math.max(distance, f - i / n, (i + 1) / n - f);
  }
  const root = Math.sqrt(n);
  return kolmogorovTail((root + 0.12 + 0.11 / root) * distance);
}

/** P(K > t) of the limiting Kolmogorov distribution; one of two series, by the size of t. */
export function kolmogorovTail(t: number): number {
  if (t <= 0) return 1;
  let sum = 0;
  if (t < 1.18) {
    for (let k = 1; k <= 7; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * t * t));
    return 1 - (Math.sqrt(2 * Math.PI) / t) * sum;
  }
  for (let k = 1; k <= 5; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * t * t);
  return sum;
}

/**
 * The p-value of the chi-square test of counts against expected counts, neighbouring cells pooled
 * until each expects at least 5. `estimated` parameters cost a degree of freedom each.
 */
export function chiSquare(
  observed: readonly number[],
  expected: readonly number[],
  estimated = 0,
): number {
  const pooled: { observed: number; expected: number }[] = [];
  let cell = { observed: 0, expected: 0 };
  observed.forEach((count, i) => {
    cell.observed += count;
    cell.expected += expected[i];
    if (cell.expected >= 5) {
      pooled.push(cell);
      cell = { observed: 0, expected: 0 };
    }
  });
  const last = pooled.at(-1);
  if (last === undefined) throw new Error("too few expected counts for a chi-square test");
  last.observed += cell.observed;
  last.expected += cell.expected;
  const df = pooled.length - 1 - estimated;
  if (df < 1) throw new Error("no degree of freedom is left for a chi-square test");
  const statistic = pooled.reduce((sum, c) => sum + (c.observed - c.expected) ** 2 / c.expected, 0);
  return gammaQ(df / 2, statistic / 2);
}

/**
 * The chi-square p-value of non-negative integer draws against a probability mass function, with
 * one cell for each value up to `top` and one for all beyond.
 */
export function chiSquareOfMass(
  draws: ArrayLike<number>,
  mass: (k: number) => number,
  top: number,
): number {
  const observed = new Array<number>(top + 2).fill(0);
  for (let i = 0; i < draws.length; i++) {
    if (!(Number.isInteger(draws[i]) && draws[i] >= 0)) return 0;
    observed[Math.min(draws[i], top + 1)] += 1;
  }
  const expected = observed.map((_, k) => (k <= top ? draws.length * mass(k) : 0));
  const below = expected.reduce((sum, e) => sum + e, 0);
  expected[top + 1] = Math.max(0, draws.length - below);
  return chiSquare(observed, expected);
}

/** The two-sided p-value of a z score. */
export function twoSided(z: number): number {
  return 2 * normalCdf(-Math.abs(z));
}
