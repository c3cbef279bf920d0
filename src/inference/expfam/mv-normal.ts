/** MvNormal(mu, cov): T = (x, x xᵀ), η = (Σ⁻¹μ, −Σ⁻¹/2). */
import { choleskySolve, triangularSolve } from "../../math/linalg/index.js";
import { HALF_LOG_2PI } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { concat, type Definite, definite, outer, scaled, tryDefinite, vec } from "./read.js";

/** The precision Λ = −2 η₂ and the mean Λ⁻¹ η₁. */
function moments(eta: Float64Array, n: number): { precision: Definite; mu: Float64Array } {
  const precision = definite(scaled(eta.subarray(n), -2), n);
  return { precision, mu: choleskySolve(precision.l, eta.slice(0, n), n) };
}

export const mvNormal: ExpFamily = {
  name: "MvNormal",
  setting: (p) => ({ size: vec(p, "mu").length }),
  toNatural: (p) => {
    const mu = vec(p, "mu");
    const n = mu.length;
    const cov = definite(vec(p, "cov"), n);
    return concat(choleskySolve(cov.l, mu, n), scaled(cov.inverse(), -0.5));
  },
  fromNatural: (eta, { size }) => {
    const { precision, mu } = moments(eta, size);
    return { mu, cov: precision.inverse() };
  },
  isValid: (eta, { size }) =>
    eta.subarray(0, size).every(Number.isFinite) &&
    tryDefinite(scaled(eta.subarray(size), -2), size) !== undefined,
  statistics: (x) => concat(x, outer(x)),
  logBase: (_, { size }) => -size * HALF_LOG_2PI,
  logNormaliser: (eta, { size }) => {
    const { precision, mu } = moments(eta, size);
    const linear = mu.reduce((sum, m, i) => sum + m * eta[i], 0);
    return (linear - precision.logDet) / 2;
  },
  mean: (eta, { size }) => {
    const { precision, mu } = moments(eta, size);
    const second = outer(mu);
    return concat(
      mu,
      precision.inverse().map((c, i) => c + second[i]),
    );
  },
  expectedLogBase: (_, { size }) => -size * HALF_LOG_2PI,
  // μ + L⁻ᵀ z for Λ = L Lᵀ.
  sample: (eta, { size }, rng) => {
    const { precision, mu } = moments(eta, size);
    const z = Float64Array.from({ length: size }, () => rng.normal());
    const noise = triangularSolve(precision.l, z, size, 1, "lower-transposed");
    return mu.map((m, i) => m + noise[i]);
  },
};
