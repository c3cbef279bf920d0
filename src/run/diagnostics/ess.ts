/**
 * Effective sample size of split chains: Vehtari, Gelman, Simpson, Carpenter and Bürkner,
 * "Rank-normalization, folding, and localization: an improved R-hat" (Bayesian Analysis 2021),
 * section 3.2, with Geyer's (1992) initial positive and monotone sequences. The details, such as
 * the improved last term and the bound on antithetic chains, are those of Stan and ArviZ.
 */
import { type SpectrumPlan, spectrumPlan, summedAutocovariance } from "./spectrum.js";

/**
 * Below this lag direct sums are cheaper than the transforms, which cost as much as some tens
 * of them; well mixed chains stop before it.
 */
const DIRECT_LAGS = 32;
/** Lags that are summed in one pass over the draws. */
const TOGETHER = 4;

/** Working storage for `chains` split chains of `draws` values; made once, used per variable. */
export interface EssScratch {
  readonly chains: number;
  readonly draws: number;
  /** Made where a variable first needs it. */
  readonly plan: () => SpectrumPlan;
  readonly centred: Float64Array;
  readonly covariance: Float64Array;
  readonly rho: Float64Array;
}

/** Scratch for `effectiveSize` on `chains` × `draws` values. */
export function essScratch(chains: number, draws: number): EssScratch {
  let plan: SpectrumPlan | undefined;
  return {
    chains,
    draws,
    plan: () => {
      plan ??= spectrumPlan(draws);
      return plan;
    },
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
  const { chains, draws, centred, covariance, plan } = scratch;
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
  const sums = new Float64Array(TOGETHER);
  /** The first lag of those in `sums`. */
  let from = -TOGETHER;
  let haveSpectrum = false;
  return sizeFrom(scratch, variance(means), (lag) => {
    if (lag < DIRECT_LAGS) {
      if (lag < from || lag >= from + TOGETHER) {
        from = lag;
        directCovariances(centred, chains, draws, lag, sums);
      }
      return sums[lag - from] / total;
    }
    if (!haveSpectrum) {
      summedAutocovariance(plan(), centred, chains, draws, covariance);
      haveSpectrum = true;
    }
    return covariance[lag] / total;
  });
}

/**
 * The effective size from autocovariances.
 * @param spread the variance of the chains' means
 * @param covarianceAt mean over the chains of the biased autocovariance at a lag; lags are asked for
 *   in ascending order
 */
export function sizeFrom(
  { chains, draws, rho }: Pick<EssScratch, "chains" | "draws" | "rho">,
  spread: number,
  covarianceAt: (lag: number) => number,
): number {
  const total = chains * draws;
  const own = covarianceAt(0);
  const within = (own * draws) / (draws - 1);
  let pooled = own;
  if (chains > 1) pooled += spread;
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

/** Sums of x[i]·x[i + lag] at `lag` and the lags behind it: each draw is loaded once for them all. */
function directCovariances(
  x: Float64Array,
  chains: number,
  draws: number,
  lag: number,
  sums: Float64Array,
): void {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let c = 0; c < chains; c++) {
    const own = x.subarray(c * draws, (c + 1) * draws);
    const shifted = own.subarray(Math.min(lag, draws));
    const whole = Math.max(0, shifted.length - (TOGETHER - 1));
    let b0 = shifted[0];
    let b1 = shifted[1];
    let b2 = shifted[2];
    for (let i = 0; i < whole; i++) {
      const value = own[i];
      const b3 = shifted[i + 3];
      s0 += value * b0;
      s1 += value * b1;
      s2 += value * b2;
      s3 += value * b3;
      b0 = b1;
      b1 = b2;
      b2 = b3;
    }
    for (let i = whole; i < shifted.length; i++) {
      s0 += own[i] * shifted[i];
      if (i + 1 < shifted.length) s1 += own[i] * shifted[i + 1];
      if (i + 2 < shifted.length) s2 += own[i] * shifted[i + 2];
    }
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
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
