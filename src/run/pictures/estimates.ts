/** Densities, intervals and counts of draws. */
import { quantileOfSorted } from "../../math/quantile.js";

/** Mass of the wide intervals, as between the 5 and 95 % quantiles of summaries. */
export const MASS = 0.9;

/** Narrowest interval with this share of the draws (Chen and Shao 1999); of sorted draws. */
export function highestDensity(sorted: Float64Array, mass: number): readonly [number, number] {
  const n = sorted.length;
  const inside = Math.min(n, Math.max(1, Math.ceil(mass * n)));
  let best = 0;
  for (let i = 1; i + inside <= n; i++) {
    if (sorted[i + inside - 1] - sorted[i] < sorted[best + inside - 1] - sorted[best]) best = i;
  }
  return [sorted[best], sorted[best + inside - 1]];
}

export interface Curve {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

const GRID = 256;

/**
 * Gaussian kernel density on a grid between the least and the largest draw, with the mass beyond
 * these folded back, so that a density that ends abruptly does not sink there. Bandwidth: Silverman
 * (1986), equation 3.31. Undefined where all draws are one number or none are finite.
 */
export function densityOf(draws: ArrayLike<number>): Curve | undefined {
  const sorted = Float64Array.from(draws).filter(Number.isFinite).sort();
  const n = sorted.length;
  const [low, high] = [sorted[0], sorted[n - 1]];
  if (n < 2 || low === high) return undefined;
  const mean = sorted.reduce((a, b) => a + b, 0) / n;
  const sd = Math.sqrt(sorted.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1));
  const quartiles = quantileOfSorted(sorted, 0.75) - quantileOfSorted(sorted, 0.25);
  const spread = quartiles > 0 ? Math.min(sd, quartiles / 1.34) : sd;
  // Tails far beyond the bulk would leave it a few points of the grid.
  const from = Math.max(low, quantileOfSorted(sorted, 0.005) - 3 * spread);
  const to = Math.min(high, quantileOfSorted(sorted, 0.995) + 3 * spread);
  const step = (to - from) / (GRID - 1);
  const width = Math.max(0.9 * spread * n ** -0.2, step);
  const counts = new Float64Array(GRID);
  for (const v of sorted) {
    if (v < from || v > to) continue;
    const at = (v - from) / step;
    const cell = Math.min(GRID - 2, Math.floor(at));
    counts[cell] += 1 - (at - cell);
    counts[cell + 1] += at - cell;
  }
  const reach = Math.min(GRID - 1, Math.ceil((4 * width) / step));
  const kernel = Float64Array.from(
    { length: reach + 1 },
    (_, k) => Math.exp(-0.5 * ((k * step) / width) ** 2) / (width * Math.sqrt(2 * Math.PI) * n),
  );
  const y = new Float64Array(GRID);
  for (let i = 0; i < GRID; i++) {
    if (counts[i] === 0) continue;
    for (let k = -reach; k <= reach; k++) {
      let j = i + k;
      if (j < 0) j = -j;
      if (j >= GRID) j = 2 * (GRID - 1) - j;
      y[j] += counts[i] * kernel[Math.abs(k)];
    }
  }
  // The ends are their own mirror images.
  y[0] *= 2;
  y[GRID - 1] *= 2;
  return { x: Float64Array.from({ length: GRID }, (_, k) => from + k * step), y };
}

/** Whether all are whole numbers of few values: those have bars and no density. */
export function areCounts(draws: ArrayLike<number>): boolean {
  const values = new Set<number>();
  for (let i = 0; i < draws.length; i++) {
    if (!Number.isInteger(draws[i])) return false;
    values.add(draws[i]);
    if (values.size > 60) return false;
  }
  return values.size > 0;
}

export interface Bars {
  readonly left: number[];
  readonly right: number[];
  readonly y: number[];
}

/** Share of the draws at each whole number, as bars with a gap between them. */
export function sharesOf(draws: ArrayLike<number>): Bars {
  const counts = new Map<number, number>();
  for (let i = 0; i < draws.length; i++) counts.set(draws[i], (counts.get(draws[i]) ?? 0) + 1);
  const values = [...counts.keys()].sort((a, b) => a - b);
  return {
    left: values.map((v) => v - 0.4),
    right: values.map((v) => v + 0.4),
    y: values.map((v) => (counts.get(v) ?? 0) / draws.length),
  };
}

/** Shares in bins of equal width over the range. */
export function histogramBars(draws: ArrayLike<number>, bins: number): Bars {
  const x = Float64Array.from(draws).filter(Number.isFinite).sort();
  const [low, high] = [x[0], x[x.length - 1]];
  const width = high > low ? (high - low) / bins : 1;
  const y = new Array<number>(high > low ? bins : 1).fill(0);
  for (const v of x) y[Math.min(y.length - 1, Math.floor((v - low) / width))] += 1 / x.length;
  const start = high > low ? low : low - 0.5;
  const left = y.map((_, k) => start + k * width);
  return { left, right: left.map((v) => v + width), y };
}
