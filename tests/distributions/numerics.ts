/** Quadrature and goodness of fit, for the tests of the distributions. */

/** Density or any function at many points at once. */
export type Batched = (x: Float64Array) => ArrayLike<number>;

/** Half the number of nodes and the reach of the double exponential rule, per piece. */
const NODES = 200;
const REACH = 4.7;

/**
 * ∫ f over [from, to] (either may be infinite), split at `breaks`, by the double exponential rule
 * (Takahasi and Mori, 1974): for analytic f with at most integrable singularities at the ends the
 * error falls like exp(−c n / log n). Values that overflow where a node rounds to an end count 0.
 */
export function integrate(
  f: Batched,
  from: number,
  to: number,
  breaks: readonly number[] = [],
): number {
  const inner = from === -Infinity && to === Infinity && breaks.length === 0 ? [0] : breaks;
  const ends = [from, ...inner, to];
  let total = 0;
  for (let k = 0; k + 1 < ends.length; k++) total += piece(f, ends[k], ends[k + 1]);
  return total;
}

function piece(f: Batched, a: number, b: number): number {
  const step = REACH / NODES;
  const x = new Float64Array(2 * NODES + 1);
  const weight = new Float64Array(x.length);
  for (let k = -NODES; k <= NODES; k++) {
    const t = k * step;
    const u = (Math.PI / 2) * Math.sinh(t);
    const du = (Math.PI / 2) * Math.cosh(t) * step;
    const i = k + NODES;
    if (Number.isFinite(a) && Number.isFinite(b)) {
      // The distance to the nearer end, which tanh(u) itself would round away.
      const gap = (b - a) / (1 + Math.exp(2 * Math.abs(u)));
      x[i] = u < 0 ? a + gap : b - gap;
      weight[i] = (((b - a) / 2) * du) / Math.cosh(u) ** 2;
    } else {
      const distance = Math.exp(u);
      x[i] = Number.isFinite(a) ? a + distance : b - distance;
      weight[i] = distance * du;
    }
  }
  const values = f(x);
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const term = values[i] * weight[i];
    if (Number.isFinite(term)) sum += term;
  }
  return sum;
}

/** √n times the largest distance between the empirical and the given distribution function. */
export function kolmogorovSmirnov(uniforms: ArrayLike<number>): number {
  const sorted = Float64Array.from(uniforms).sort();
  const n = sorted.length;
  let distance = 0;
  sorted.forEach((u, i) => {
    distance = Math.max(distance, u - i / n, (i + 1) / n - u);
  });
  return Math.sqrt(n) * distance;
}

/**
 * Chi-squared statistic of counts 0, 1, … against their probabilities as a standard normal score
 * (Wilson and Hilferty, 1931). Neighbouring cells are joined until each expects ten draws.
 */
export function chiSquareScore(draws: ArrayLike<number>, mass: ArrayLike<number>): number {
  const n = draws.length;
  const observed = new Float64Array(mass.length + 1);
  for (let i = 0; i < n; i++) observed[Math.min(draws[i], mass.length)] += 1;
  let left = 1;
  for (let k = 0; k < mass.length; k++) left -= mass[k];
  let statistic = 0;
  let cells = 0;
  let expected = 0;
  let seen = 0;
  let pending = n;
  const close = (): void => {
    statistic += (seen - expected) ** 2 / expected;
    cells += 1;
    pending -= expected;
    expected = 0;
    seen = 0;
  };
  for (let k = 0; k <= mass.length; k++) {
    expected += n * (k < mass.length ? mass[k] : Math.max(0, left));
    seen += observed[k];
    if (expected >= 10 && pending - expected >= 10) close();
  }
  close();
  const df = cells - 1;
  if (df < 1) throw new Error("a chi-squared test of one cell tests nothing");
  const variance = 2 / (9 * df);
  return ((statistic / df) ** (1 / 3) - (1 - variance)) / Math.sqrt(variance);
}

/** Mean, variance and their standard errors. */
export function moments(draws: ArrayLike<number>): {
  readonly mean: number;
  readonly meanError: number;
  readonly variance: number;
  readonly varianceError: number;
} {
  const n = draws.length;
  const values = Array.from(draws);
  const mean = values.reduce((s, v) => s + v, 0) / n;
  const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / (n - 1);
  const fourth = values.reduce((s, v) => s + (v - mean) ** 4, 0) / n;
  return {
    mean,
    meanError: Math.sqrt(variance / n),
    variance,
    varianceError: Math.sqrt(Math.max(0, fourth - variance ** 2) / n),
  };
}
