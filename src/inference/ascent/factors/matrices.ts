/**
 * Wishart factors, T = (log |X|, X), and inverse-Wishart factors, T = (log |X|, X⁻¹), of each
 * covariance or precision matrix of a site.
 */

import { quantileOfSorted } from "../../../math/quantile.js";
import { stream } from "../../../math/rng/random.js";
import { entropy, expFamilies, type Params } from "../../expfam/index.js";
import { type Factor, factorFrom } from "../contract.js";
import { gammaQuantileOf } from "./quantiles.js";

export interface MatrixLayout {
  readonly length: number;
  /** D of the D × D matrices. */
  readonly size: number;
  readonly kind: "Wishart" | "InverseWishart";
  /** Where log |X| stands among the site's statistics, if anywhere. */
  readonly logDet?: number;
  /** Where X, or X⁻¹, stands. */
  readonly matrix: number;
}

/** Draws for quantiles of entries off the diagonal, whose law has no closed form. */
const QUANTILE_DRAWS = 20_000;

export function matrixFactor({ length, size: n, kind, logDet, matrix }: MatrixLayout): Factor {
  const unit = n * n;
  const count = length / unit;
  const family = expFamilies[kind];
  const setting = { size: n };
  const etas = Array.from({ length: count }, () => new Float64Array(1 + unit));
  const params = (u: number): Params => family.fromNatural(etas[u], setting);
  const draws = new Map<number, Float64Array>();
  /** Moments of entry (r, c): Muirhead 1982, theorem 3.2.2 and (inverse) Press 1982, 5.2.2. */
  const moments = (i: number): { mean: number; sd: number } => {
    const [u, r, c] = [Math.floor(i / unit), Math.floor((i % unit) / n), i % n];
    const p = params(u);
    const nu = p.nu as number;
    const m = (kind === "Wishart" ? p.V : p.S) as Float64Array;
    const [rc, rr, cc] = [m[r * n + c], m[r * n + r], m[c * n + c]];
    if (kind === "Wishart") return { mean: nu * rc, sd: Math.sqrt(nu * (rc * rc + rr * cc)) };
    const free = nu - n;
    const mean = free > 1 ? rc / (free - 1) : free > 0 && r !== c ? Number.NaN : Infinity;
    const square = (free + 1) * rc * rc + (free - 1) * rr * cc;
    const sd = free > 3 ? Math.sqrt(square / (free * (free - 1) ** 2 * (free - 3))) : Infinity;
    return { mean: free > 1 ? mean : r === c ? Infinity : Number.NaN, sd };
  };
  const sorted = (i: number): Float64Array => {
    const known = draws.get(i);
    if (known !== undefined) return known;
    const rng = stream(1_928, 0, i, 0);
    const u = Math.floor(i / unit);
    const own = Float64Array.from({ length: QUANTILE_DRAWS }, () => {
      return family.sample(etas[u], setting, rng)[i % unit];
    }).sort();
    draws.set(i, own);
    return own;
  };
  return factorFrom({
    family: kind,
    structure: count === 1 ? "one matrix" : `${count} matrices`,
    update: (natural) => {
      draws.clear();
      return etas.every((eta, u) => {
        eta[0] = logDet === undefined ? 0 : natural[logDet][u];
        const g = natural[matrix];
        for (let r = 0; r < n; r++) {
          for (let c = 0; c < n; c++) {
            eta[1 + r * n + c] = (g[u * unit + r * n + c] + g[u * unit + c * n + r]) / 2;
          }
        }
        return eta.every(Number.isFinite) && family.isValid(eta, setting);
      });
    },
    statistics: (out) => {
      etas.forEach((eta, u) => {
        const t = family.mean(eta, setting);
        if (logDet !== undefined) out[logDet][u] = t[0];
        out[matrix].set(t.subarray(1), u * unit);
      });
    },
    entropies: (add) => {
      etas.forEach((eta, u) => {
        add(u * unit, entropy(family, eta, setting));
      });
    },
    mean: (i) => moments(i).mean,
    sd: (i) => moments(i).sd,
    quantile: (i, p) => {
      const [u, r, c] = [Math.floor(i / unit), Math.floor((i % unit) / n), i % n];
      if (r !== c) return quantileOfSorted(sorted(i), p);
      const own = params(u);
      const nu = own.nu as number;
      // X_rr = V_rr χ²_ν; of the inverse, 1/X_rr = χ²_{ν − D + 1} / S_rr.
      if (kind === "Wishart") {
        return gammaQuantileOf(nu / 2, 0.5 / (own.V as Float64Array)[r * n + r], p);
      }
      return 1 / gammaQuantileOf((nu - n + 1) / 2, (own.S as Float64Array)[r * n + r] / 2, 1 - p);
    },
    draw: (rng, out) => {
      etas.forEach((eta, u) => {
        out.set(family.sample(eta, setting, rng), u * unit);
      });
    },
  });
}
