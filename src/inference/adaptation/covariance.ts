/**
 * Running estimates of the position's variance or covariance (Welford 1962), regularised as Stan
 * does. The accumulators are updated in place: one step per transition is the hot path of warmup.
 */
import type { MetricKind } from "../hamiltonian/shape.js";

export interface CovarianceState {
  readonly kind: MetricKind;
  count: number;
  readonly mean: Float64Array;
  /** Sums of squared deviations: d values, or the lower triangle of a d × d matrix. */
  readonly sums: Float64Array;
  readonly deviation: Float64Array;
}

export function initCovariance(kind: MetricKind, dimension: number): CovarianceState {
  return {
    kind,
    count: 0,
    mean: new Float64Array(dimension),
    sums: new Float64Array(kind === "diag" ? dimension : dimension * dimension),
    deviation: new Float64Array(dimension),
  };
}

/** Adds one position. */
export function stepCovariance(state: CovarianceState, q: Float64Array): void {
  const { kind, mean, sums, deviation } = state;
  const d = mean.length;
  state.count += 1;
  if (kind === "diag") {
    for (let i = 0; i < d; i++) {
      const before = q[i] - mean[i];
      mean[i] += before / state.count;
      sums[i] += before * (q[i] - mean[i]);
    }
    return;
  }
  for (let i = 0; i < d; i++) {
    deviation[i] = q[i] - mean[i];
    mean[i] += deviation[i] / state.count;
  }
  for (let i = 0; i < d; i++) {
    const after = q[i] - mean[i];
    for (let j = 0; j <= i; j++) sums[i * d + j] += after * deviation[j];
  }
}

/** Forgets all positions. */
export function resetCovariance(state: CovarianceState): void {
  state.count = 0;
  state.mean.fill(0);
  state.sums.fill(0);
}

/**
 * The inverse metric from n positions: n / (n + 5) of the sample (co)variance plus
 * 10⁻³ · 5 / (n + 5) of the identity (Stan's `var_adaptation`, `covar_adaptation`). Undefined with
 * fewer than two positions, or where an estimate is not finite.
 */
export function regularisedCovariance(state: CovarianceState): Float64Array | undefined {
  const { kind, count: n, sums } = state;
  if (n < 2) return undefined;
  const d = state.mean.length;
  const weight = n / (n + 5) / (n - 1);
  const ridge = 1e-3 * (5 / (n + 5));
  const result = new Float64Array(sums.length);
  if (kind === "diag") {
    for (let i = 0; i < d; i++) result[i] = weight * sums[i] + ridge;
  } else {
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++) {
        const value = weight * sums[i * d + j] + (i === j ? ridge : 0);
        result[i * d + j] = value;
        result[j * d + i] = value;
      }
    }
  }
  return result.every(Number.isFinite) ? result : undefined;
}
