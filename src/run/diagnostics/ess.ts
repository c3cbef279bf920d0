/**
 * Effective sample size of split chains: Vehtari, Gelman, Simpson, Carpenter and Bürkner,
 * "Rank-normalization, folding, and localization: an improved R-hat" (Bayesian Analysis 2021),
 * section 3.2, with Geyer's (1992) initial positive and monotone sequences. The details, such as
 * the improved last term and the bound on antithetic chains, are those of Stan and ArviZ.
 */
import { type SpectrumPlan, spectrumPlan, summedAutocovariance } from "./spectrum.js";

/** Below this lag a direct sum is cheaper than the transforms; well mixed chains stop before it. */
const DIRECT_LAGS = 32;

/** Working storage for `chains` split chains of `draws` values; made once, used per variable. */
export interface EssScratch {
  readonly chains: number;
  readonly draws: number;
  readonly plan: SpectrumPlan;
  readonly centred: Float64Array;
  readonly covariance: Float64Array;
  readonly rho: Float64Array;
}

/** Scratch for `effectiveSize` on `chains` × `draws` values. */
export function essScratch(chains: number, draws: number): EssScratch {
  return {
    chains,
    draws,
    plan: spectrumPlan(draws),
    centred: new Float64Array(chains * draws),
    covariance: new Float64Array(draws),
    rho: new Float64Array(Math.max(draws, 2)),
  };
}

/**
 * Effective sample size of the mean of `x`, which holds `scratch.chains` (already split) chains
 * of `scratch.draws` values one after another. NaN if a value is not finite; the number of values
 * if they are all the same; at most n·log10(n), which antithetic chains reach.
 */
export function effectiveSize(x: Float64Array, scratch: EssScratch): number {
  const { chains, draws, centred, covariance, rho, plan } = scratch;
  const total = chains * draws;
  let least = Infinity;
  let most = -Infinity;
  for (let i = 0; i < total; i++) {
    const value = x[i];
    if (value < least) least = value;
    if (value > most) most = value;
    if (!(value - value === 0)) return Number.NaN;
  }
  if (isConstant(least, most)) return total;
  if (draws < 2) return Number.NaN;

  const means = centre(x, scratch);
  let haveSpectrum = false;
  /** Mean over the chains of the biased autocovariance at `lag`. */
  const covarianceAt = (lag: number): number => {
    if (lag < DIRECT_LAGS) return directCovariance(centred, chains, draws, lag) / total;
    if (!haveSpectrum) {
      summedAutocovariance(plan, centred, chains, draws, covariance);
      haveSpectrum = true;
    }
    return covariance[lag] / total;
  };

  const within = (covarianceAt(0) * draws) / (draws - 1);
  let pooled = covarianceAt(0);
  if (chains > 1) pooled += variance(means);
  const correlationAt = (lag: number): number => 1 - (within - covarianceAt(lag)) / pooled;

  rho.fill(0);
  let even = 1;
  let odd = correlationAt(1);
  rho[0] = even;
  rho[1] = odd;
  // Geyer's initial positive sequence.
  let t = 1;
  while (t < draws - 3 && even + odd > 0) {
    even = correlationAt(t + 1);
    odd = correlationAt(t + 2);
    if (even + odd >= 0) {
      rho[t + 1] = even;
      rho[t + 2] = odd;
    }
    t += 2;
  }
  const last = t - 2;
  // The even term of the pair that ended the sequence still improves the estimate.
  if (even > 0) rho[last + 1] = even;
  // Geyer's initial monotone sequence.
  for (t = 1; t <= last - 2; t += 2) {
    const before = rho[t - 1] + rho[t];
    if (rho[t + 1] + rho[t + 2] > before) {
      rho[t + 1] = before / 2;
      rho[t + 2] = before / 2;
    }
  }
  let tau = -1 + rho[last + 1];
  for (let i = 0; i <= last; i++) tau += 2 * rho[i];
  return total / Math.max(tau, 1 / Math.log10(total));
}

/** True where a spread is no more than the rounding of numbers of that size (or of 1). */
export function isConstant(least: number, most: number): boolean {
  return most - least <= 1e-15 * Math.min(1, Math.max(Math.abs(least), Math.abs(most)));
}

/** Writes `x` minus its chain's mean to `scratch.centred` and returns the means. */
function centre(x: Float64Array, { chains, draws, centred }: EssScratch): Float64Array {
  const means = new Float64Array(chains);
  for (let c = 0; c < chains; c++) {
    means[c] = meanOf(x, c * draws, (c + 1) * draws);
    for (let i = c * draws; i < (c + 1) * draws; i++) centred[i] = x[i] - means[c];
  }
  return means;
}

function directCovariance(x: Float64Array, chains: number, draws: number, lag: number): number {
  let sum = 0;
  for (let c = 0; c < chains; c++) {
    const end = (c + 1) * draws - lag;
    for (let i = c * draws; i < end; i++) sum += x[i] * x[i + lag];
  }
  return sum;
}

/**
 * Mean of x[from .. to-1], summed as differences from the first value: exact for a constant, and
 * accurate for draws far from zero.
 */
export function meanOf(x: Float64Array, from: number, to: number): number {
  const first = x[from];
  let sum = 0;
  for (let i = from; i < to; i++) sum += x[i] - first;
  return first + sum / (to - from);
}

/** Unbiased sample variance (denominator n - 1). */
export function variance(x: Float64Array): number {
  const mean = meanOf(x, 0, x.length);
  let sum = 0;
  for (const value of x) sum += (value - mean) ** 2;
  return sum / (x.length - 1);
}
