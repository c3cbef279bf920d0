/**
 * Covariance matrices with Q(V) = Σ a log |V| + tr(C V⁻¹) (a covariance: V = C / a), or
 * a log |V| + tr(C V) (a precision: V = −a C⁻¹), matrix by matrix.
 */
import { cholesky, choleskyInverse } from "../../../math/linalg/index.js";
import type { Statistic } from "../../expectation/contract.js";
import { symmetric } from "../statistics.js";
import { CLIMB, type ClosedForm, FOUND } from "./contract.js";
import { covarianceNodes } from "./nodes.js";

/**
 * A matrix this near to a singular one, by the pivots of its correlation matrix, holds no more than
 * the rounding of the sums that it is made of.
 */
const LEAST_PIVOT = 1e-13;

/** @returns undefined where the statistics are others */
export function covarianceForm(
  statistics: readonly Statistic[],
  side: number,
): ClosedForm | undefined {
  const at = (kind: Statistic["kind"]) => statistics.findIndex((s) => s.kind === kind);
  const [logDet, inverse, value] = [at("log_det"), at("inverse"), at("value")];
  if (statistics.length !== 2 || logDet < 0 || (inverse < 0 && value < 0)) return undefined;
  const isCovariance = inverse >= 0;
  const block = side * side;
  return {
    name: isCovariance ? "weighted scatter matrices" : "inverse scatter matrices",
    nodes: covarianceNodes(
      { logDet, weights: isCovariance ? inverse : value, isCovariance },
      side,
      LEAST_PIVOT,
    ),
    maximise: (eta, v) => {
      const weights = eta[isCovariance ? inverse : value];
      const found = v.slice();
      for (let e = 0; e * block < v.length; e++) {
        const a = eta[logDet][e];
        const c = symmetric(weights.subarray(e * block, (e + 1) * block), side);
        if (a === 0 && c.every((x) => x === 0)) continue;
        // Log densities fall in V⁻¹ and in log |V|, or in V and −log |V|.
        if (isCovariance ? !(a < 0) : !(a > 0)) return CLIMB;
        const scatter = c.map((x) => (isCovariance ? x / a : -x / a));
        const factor = cholesky(scatter, side);
        if (factor === undefined || isFlat(scatter, factor, side)) {
          return { kind: "singular", scalar: e * block };
        }
        found.set(isCovariance ? scatter : choleskyInverse(factor, side), e * block);
      }
      v.set(found);
      return FOUND;
    },
  };
}

/** Whether a variance given the coordinates before is nothing beside the variance itself. */
function isFlat(a: Float64Array, l: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    if (!(l[i * n + i] ** 2 > LEAST_PIVOT * a[i * n + i])) return true;
  }
  return false;
}
