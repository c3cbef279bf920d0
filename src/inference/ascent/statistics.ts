/** Statistics of a value: what a point mass expects. */
import { internalError } from "../../base/internal.js";
import { cholesky, choleskyInverse, choleskyLogDeterminant } from "../../math/linalg/index.js";
import type { Statistic } from "../expectation/contract.js";
import type { DirectSite } from "../logjoint/direct.js";

/** Writes T(v) of a whole site, v being its scalars in the model's own coordinates. */
export function pointStatistic(
  statistic: Statistic,
  site: DirectSite,
  v: Float64Array,
  out: Float64Array,
): void {
  switch (statistic.kind) {
    case "value":
      out.set(v);
      return;
    case "products":
      for (let k = 0; k < out.length; k++) {
        out[k] = v[statistic.first[k]] * v[statistic.second[k]];
      }
      return;
    case "log":
      for (let i = 0; i < out.length; i++) out[i] = Math.log(v[i]);
      return;
    case "log1m":
      for (let i = 0; i < out.length; i++) out[i] = Math.log1p(-v[i]);
      return;
    case "power":
      for (let i = 0; i < out.length; i++) out[i] = v[i] ** statistic.exponent;
      return;
    case "log_det":
    case "inverse": {
      const { dims } = site.latent;
      const n = dims[dims.length - 1];
      const unit = n * n;
      for (let u = 0; u < v.length / unit; u++) {
        const l =
          cholesky(v.subarray(u * unit, (u + 1) * unit), n) ??
          internalError("a starting matrix is not positive definite");
        if (statistic.kind === "log_det") out[u] = choleskyLogDeterminant(l, n);
        else out.set(choleskyInverse(l, n), u * unit);
      }
      return;
    }
  }
}
