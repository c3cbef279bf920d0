/** Pareto smoothed importance sampling: Vehtari, Simpson, Gelman, Yao and Gabry (JMLR 2024). */
import { fitPareto } from "../../math/pareto.js";

export interface SmoothedWeights {
  /** Normalised: their exponentials sum to 1. */
  readonly logWeights: Float64Array;
  /** Shape of the fitted tail: the smaller, the more the weights can be trusted. */
  readonly paretoK: number;
}

/** The log of the least normal number: a tail begins no lower, relative to the largest weight. */
const LOWEST = Math.log(2 ** -1022);

/**
 * Replaces the largest weights by the expected order statistics of a generalised Pareto
 * distribution fitted to them (section 2.2, algorithm 1). Where fewer than five weights stand out,
 * there is nothing to fit: they are left as they are and the shape is infinite.
 * @param logRatios of the draws, up to a constant; not changed
 * @param efficiency effective size over number of draws, which widens the tail of dependent draws
 */
export function smoothWeights(logRatios: Float64Array, efficiency: number): SmoothedWeights {
  const n = logRatios.length;
  const largest = maximum(logRatios);
  const x = logRatios.map((r) => r - largest);
  const tail = Math.min(
    n - 1,
    Math.ceil(Math.min(n / 5, 3 * Math.sqrt(n / Math.max(efficiency, 1e-12)))),
  );
  const cutoff = Math.max(x.slice().sort()[n - tail - 1], LOWEST);
  const chosen = Array.from(x.keys()).filter((i) => x[i] > cutoff);
  chosen.sort((a, b) => x[a] - x[b]);
  let paretoK = Number.POSITIVE_INFINITY;
  if (chosen.length > 4) {
    const base = Math.exp(cutoff);
    const { shape, scale } = fitPareto(Float64Array.from(chosen, (i) => Math.exp(x[i]) - base));
    paretoK = shape;
    if (Number.isFinite(shape)) {
      chosen.forEach((i, j) => {
        const p = (j + 0.5) / chosen.length;
        // Truncated at the largest raw weight.
        x[i] = Math.min(0, Math.log(base + paretoQuantile(p, shape, scale)));
      });
    }
  }
  const total = logSumExp(x);
  return { logWeights: x.map((w) => w - total), paretoK };
}

function paretoQuantile(p: number, shape: number, scale: number): number {
  const rate = -Math.log1p(-p);
  return scale * (Math.abs(shape) < Number.EPSILON ? rate : Math.expm1(shape * rate) / shape);
}

function maximum(x: Float64Array): number {
  return x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

/** log Σ exp(x); −∞ of nothing. */
export function logSumExp(x: Float64Array): number {
  const largest = maximum(x);
  if (!Number.isFinite(largest)) return largest;
  let total = 0;
  for (const value of x) total += Math.exp(value - largest);
  return largest + Math.log(total);
}
