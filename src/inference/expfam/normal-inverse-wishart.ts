/**
 * NormalInverseWishart(m, kappa, nu, S) of a mean μ and a covariance Σ: Σ is InverseWishart(ν, S),
 * μ given Σ is MvNormal(m, Σ/κ). x = (μ, Σ), T = (log |Σ|, Σ⁻¹, Σ⁻¹μ, μᵀΣ⁻¹μ),
 * η = (−(ν + D + 2)/2, −(S + κ m mᵀ)/2, κm, −κ/2). Source: Murphy, "Conjugate Bayesian analysis of
 * the Gaussian distribution" (2007), § 9.
 */
import { choleskySolve } from "../../math/linalg/index.js";
import { HALF_LOG_2PI, lmvgamma } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { inverseWishartDraw } from "./inverse-wishart.js";
import {
  concat,
  definite,
  lowerTimes,
  multivariateDigamma,
  num,
  outer,
  scaled,
  tryDefinite,
  vec,
} from "./read.js";

function usual(eta: Float64Array, n: number) {
  const kappa = -2 * eta[eta.length - 1];
  const m = scaled(eta.subarray(1 + n * n, 1 + n * n + n), 1 / kappa);
  const square = outer(m);
  const S = eta.slice(1, 1 + n * n).map((e, i) => -2 * e - kappa * square[i]);
  return { m, kappa, nu: -2 * eta[0] - n - 2, S };
}

export const normalInverseWishart: ExpFamily = {
  name: "NormalInverseWishart",
  setting: (p) => ({ size: vec(p, "m").length }),
  toNatural: (p) => {
    const m = vec(p, "m");
    const kappa = num(p, "kappa");
    const square = outer(m);
    const second = vec(p, "S").map((s, i) => -(s + kappa * square[i]) / 2);
    const first = -(num(p, "nu") + m.length + 2) / 2;
    return concat(first, second, scaled(m, kappa), -kappa / 2);
  },
  fromNatural: (eta, { size }) => usual(eta, size),
  isValid: (eta, { size }) => {
    const { kappa, nu, S } = usual(eta, size);
    const isProper = kappa > 0 && kappa < Infinity && nu > size - 1 && nu < Infinity;
    return isProper && tryDefinite(S, size) !== undefined;
  },
  statistics: (x, { size }) => {
    const mu = x.slice(0, size);
    const sigma = definite(x.subarray(size), size);
    const linear = choleskySolve(sigma.l, mu, size);
    const square = linear.reduce((sum, v, i) => sum + v * mu[i], 0);
    return concat(sigma.logDet, sigma.inverse(), linear, square);
  },
  logBase: (_, { size }) => -size * HALF_LOG_2PI,
  logNormaliser: (eta, { size }) => {
    const { kappa, nu, S } = usual(eta, size);
    const wishart =
      lmvgamma(size, nu / 2) + (nu / 2) * (size * Math.LN2 - definite(S, size).logDet);
    return wishart - (size / 2) * Math.log(kappa);
  },
  mean: (eta, { size }) => {
    const { m, kappa, nu, S } = usual(eta, size);
    const s = definite(S, size);
    const logDet = s.logDet - size * Math.LN2 - multivariateDigamma(size, nu / 2);
    const linear = scaled(choleskySolve(s.l, m, size), nu);
    const square = linear.reduce((sum, v, i) => sum + v * m[i], size / kappa);
    return concat(logDet, scaled(s.inverse(), nu), linear, square);
  },
  expectedLogBase: (_, { size }) => -size * HALF_LOG_2PI,
  sample: (eta, { size }, rng) => {
    const { m, kappa, nu, S } = usual(eta, size);
    const sigma = inverseWishartDraw(rng, nu, definite(S, size).l, size);
    const z = Float64Array.from({ length: size }, () => rng.normal() / Math.sqrt(kappa));
    const noise = lowerTimes(definite(sigma, size).l, z);
    return concat(
      m.map((v, i) => v + noise[i]),
      sigma,
    );
  },
};
