/**
 * Leave-one-out cross-validation from the draws of one fit: Vehtari, Gelman and Gabry, "Practical
 * Bayesian model evaluation using leave-one-out cross-validation and WAIC" (Statistics and
 * Computing 2017), with the smoothing of `psis.ts`.
 */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.js";
import { effectiveSize, essScratch } from "../diagnostics/ess.js";
import type { Pointwise } from "./pointwise.js";
import { logSumExp, smoothWeights } from "./psis.js";

/** The estimate for one observation. */
export interface LooPoint {
  /** `y[3]`. */
  readonly name: string;
  /** Log density of the observation given all others. */
  readonly elpd: number;
  /** How much its own density is raised by having seen it. */
  readonly p: number;
  readonly paretoK: number;
}

export interface Loo {
  readonly model: string;
  /** Expected log pointwise predictive density, summed over the observations. */
  readonly elpd: number;
  readonly se: number;
  /** Effective number of parameters. */
  readonly p: number;
  readonly draws: number;
  /** Shapes above this make an observation's estimate unreliable: min(1 − 1/log10(draws), 0.7). */
  readonly goodK: number;
  readonly points: readonly LooPoint[];
  /** The observed values, in the order of `points`, that comparisons check. */
  readonly observed: Float64Array;
  readonly warnings: readonly Diagnostic[];
}

/** Above this many draws the limit of 0.7 holds; see Vehtari et al. (2024), section 3.2.4. */
export function goodShape(draws: number): number {
  return Math.min(1 - 1 / Math.log10(draws), 0.7);
}

/**
 * @param efficiency effective size over number of draws; estimated for each observation from its
 *   own density where it is left out
 */
export function looOf(pointwise: Pointwise, efficiency?: number): Loo {
  const { names, chains, draws: perChain } = pointwise;
  const draws = chains * perChain;
  const half = Math.floor(perChain / 2);
  const scratch = essScratch(2 * chains, half);
  const points: LooPoint[] = [];
  pointwise.forEach((i, ll) => {
    const reff = efficiency ?? relativeEfficiency(ll, chains, perChain, half, scratch);
    const { logWeights, paretoK } = smoothWeights(
      ll.map((x) => -x),
      reff,
    );
    const elpd = logSumExp(logWeights.map((w, s) => w + ll[s]));
    const lppd = logSumExp(ll) - Math.log(draws);
    points.push({ name: names[i], elpd, p: lppd - elpd, paretoK });
  });
  const goodK = goodShape(draws);
  const elpd = points.reduce((sum, p) => sum + p.elpd, 0);
  const bad = points.filter((p) => !(p.paretoK <= goodK));
  const warnings =
    bad.length === 0
      ? []
      : [
          diagnostic("loo_shapes", undefined, {
            model: pointwise.model,
            names: bad.map((p) => p.name),
            total: points.length,
            limit: goodK,
            largest: Math.max(...bad.map((p) => p.paretoK)),
          }),
        ];
  return {
    model: pointwise.model,
    elpd,
    se: standardError(points.map((p) => p.elpd)),
    p: points.reduce((sum, p) => sum + p.p, 0),
    draws,
    goodK,
    points,
    observed: pointwise.observed,
    warnings: [...pointwise.warnings, ...warnings],
  };
}

/** √(n · variance), of a sum of n terms. */
export function standardError(terms: readonly number[]): number {
  const mean = terms.reduce((sum, x) => sum + x, 0) / terms.length;
  const squares = terms.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt(squares);
}

/** Of the mean density (not its log): that is what the weights estimate. */
function relativeEfficiency(
  ll: Float64Array,
  chains: number,
  draws: number,
  half: number,
  scratch: ReturnType<typeof essScratch>,
): number {
  const largest = ll.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const split = new Float64Array(2 * chains * half);
  for (let c = 0; c < chains; c++) {
    const end = (c + 1) * draws;
    const first = ll.subarray(c * draws, c * draws + half);
    const second = ll.subarray(end - half, end);
    for (let t = 0; t < half; t++) {
      split[2 * c * half + t] = Math.exp(first[t] - largest);
      split[(2 * c + 1) * half + t] = Math.exp(second[t] - largest);
    }
  }
  const size = effectiveSize(split, scratch) / (2 * chains * half);
  return Number.isFinite(size) ? size : 1;
}
