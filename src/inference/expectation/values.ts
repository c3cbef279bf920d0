/** Statistics of a point, on the host: T(v), as the inputs of an expected joint want them. */
import { assertNever, internalError } from "../../base/internal.js";
import { inverse, logDeterminant } from "../../math/linalg/index.js";
import type { Statistic } from "./contract.js";

/**
 * T(v) of a site's scalars `v`, `[length]`, in the site's own coordinates.
 * @param size D where the site holds `[D, D]` matrices
 */
export function statisticValues(s: Statistic, v: Float64Array, size = 1): Float64Array {
  switch (s.kind) {
    case "value":
      return v.slice();
    case "products":
      return Float64Array.from(s.first, (i, k) => v[i] * v[s.second[k]]);
    case "log":
      return v.map(Math.log);
    case "log1m":
      return v.map((x) => Math.log1p(-x));
    case "power":
      return v.map((x) => x ** s.exponent);
    case "log_det":
      return Float64Array.from(
        { length: v.length / (size * size) },
        (_, e) => logDeterminant(v.subarray(e * size * size, (e + 1) * size * size), size).logAbs,
      );
    case "inverse": {
      const out = new Float64Array(v.length);
      for (let at = 0; at < v.length; at += size * size) {
        out.set(inverse(v.subarray(at, at + size * size), size) ?? internalError("singular"), at);
      }
      return out;
    }
    default:
      return assertNever(s, "statistics");
  }
}
