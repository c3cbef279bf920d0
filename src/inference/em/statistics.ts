/**
 * Statistics of a site at a point: what a parameter that is a point mass puts into the expected
 * joint, and the way back of a gradient from the statistics to the site's own scalars.
 */
import { assertNever, internalError } from "../../base/internal.js";
import {
  cholesky,
  choleskyInverse,
  choleskyLogDeterminant,
  matmul,
} from "../../math/linalg/index.js";
import type { Statistic } from "../expectation/contract.js";

/** How many numbers a statistic of a site of `length` scalars in matrices of side `side` has. */
export function statisticLength(statistic: Statistic, length: number, side: number): number {
  switch (statistic.kind) {
    case "products":
      return statistic.first.length;
    case "log_det":
      return length / (side * side);
    case "value":
    case "log":
    case "log1m":
    case "power":
    case "inverse":
      return length;
    default:
      return assertNever(statistic, "statisticLength");
  }
}

/**
 * Probabilities that maximise Q may be 0. Their logs are those of this number: what has no counts
 * must stay without effect, and 0 · −∞ would not.
 */
export const LEAST = 1e-300;

/**
 * T(v) into `out`. Matrices that are not positive definite give NaN.
 * @param side of the site's matrices (1 where it has none)
 */
export function statisticAt(
  statistic: Statistic,
  v: Float64Array,
  side: number,
  out: Float64Array,
): void {
  switch (statistic.kind) {
    case "value":
      out.set(v);
      return;
    case "products":
      for (let p = 0; p < out.length; p++) out[p] = v[statistic.first[p]] * v[statistic.second[p]];
      return;
    case "log":
      for (let i = 0; i < v.length; i++) out[i] = Math.log(v[i] > 0 ? v[i] : LEAST);
      return;
    case "log1m":
      for (let i = 0; i < v.length; i++) out[i] = v[i] < 1 ? Math.log1p(-v[i]) : Math.log(LEAST);
      return;
    case "power":
      for (let i = 0; i < v.length; i++) out[i] = v[i] ** statistic.exponent;
      return;
    case "log_det":
    case "inverse": {
      const block = side * side;
      for (let e = 0; e * block < v.length; e++) {
        const l = cholesky(v.slice(e * block, (e + 1) * block), side);
        if (statistic.kind === "log_det") {
          out[e] = l === undefined ? Number.NaN : choleskyLogDeterminant(l, side);
        } else if (l === undefined) out.fill(Number.NaN, e * block, (e + 1) * block);
        else out.set(choleskyInverse(l, side), e * block);
      }
      return;
    }
    default:
      assertNever(statistic, "statisticAt");
  }
}

/**
 * Adds J_T(v)ᵀ η to `out`: the gradient of ⟨η, T(v)⟩ in the site's scalars. Gradients of matrices
 * are those of symmetric ones, each entry by itself.
 */
export function addStatisticGradient(
  statistic: Statistic,
  eta: Float64Array,
  v: Float64Array,
  side: number,
  out: Float64Array,
): void {
  switch (statistic.kind) {
    case "value":
      for (let i = 0; i < v.length; i++) out[i] += eta[i];
      return;
    case "products":
      for (let p = 0; p < eta.length; p++) {
        const [i, j] = [statistic.first[p], statistic.second[p]];
        out[i] += eta[p] * v[j];
        out[j] += eta[p] * v[i];
      }
      return;
    case "log":
      for (let i = 0; i < v.length; i++) if (eta[i] !== 0) out[i] += eta[i] / v[i];
      return;
    case "log1m":
      for (let i = 0; i < v.length; i++) if (eta[i] !== 0) out[i] -= eta[i] / (1 - v[i]);
      return;
    case "power": {
      const { exponent } = statistic;
      for (let i = 0; i < v.length; i++) {
        if (eta[i] !== 0) out[i] += eta[i] * exponent * v[i] ** (exponent - 1);
      }
      return;
    }
    case "log_det":
    case "inverse": {
      const block = side * side;
      for (let e = 0; e * block < v.length; e++) {
        const l = cholesky(v.slice(e * block, (e + 1) * block), side);
        if (l === undefined) {
          out.fill(Number.NaN, e * block, (e + 1) * block);
          continue;
        }
        const inverse = choleskyInverse(l, side);
        if (statistic.kind === "log_det") {
          for (let i = 0; i < block; i++) out[e * block + i] += eta[e] * inverse[i];
          continue;
        }
        const c = symmetric(eta.subarray(e * block, (e + 1) * block), side);
        const moved = matmul(matmul(inverse, c, side, side, side), inverse, side, side, side);
        for (let i = 0; i < block; i++) out[e * block + i] -= moved[i];
      }
      return;
    }
    default:
      assertNever(statistic, "addStatisticGradient");
  }
}

/** ⟨η, T(v)⟩ over all statistics, leaving out what has weight 0. */
export function objectiveAt(
  statistics: readonly Statistic[],
  etas: readonly Float64Array[],
  v: Float64Array,
  side: number,
): number {
  let total = 0;
  statistics.forEach((s, k) => {
    const eta = etas[k] ?? internalError("a statistic without its weights");
    const at = new Float64Array(eta.length);
    statisticAt(s, v, side, at);
    for (let i = 0; i < eta.length; i++) if (eta[i] !== 0) total += eta[i] * at[i];
  });
  return total;
}

/** (A + Aᵀ)/2. */
export function symmetric(a: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) out[i * n + j] = (a[i * n + j] + a[j * n + i]) / 2;
  }
  return out;
}
