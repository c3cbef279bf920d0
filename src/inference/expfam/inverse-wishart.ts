/**
 * InverseWishart(nu, S), ν > D − 1: T = (log |X|, X⁻¹), η = (−(ν + D + 1)/2, −S/2). X⁻¹ is
 * Wishart(ν, S⁻¹).
 */
import { identity, matmul, transpose, triangularSolve } from "../../math/linalg/index.js";
import type { RandomStream } from "../../math/rng/random.js";
import { lmvgamma } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { concat, definite, multivariateDigamma, num, scaled, tryDefinite, vec } from "./read.js";
import { bartlett, gram } from "./wishart.js";

const nuOf = (eta: Float64Array, n: number): number => -2 * eta[0] - n - 1;
const scale = (eta: Float64Array): Float64Array => scaled(eta.subarray(1), -2);

/** L A⁻ᵀ (L A⁻ᵀ)ᵀ for S = L Lᵀ and the standard Wishart draw A Aᵀ. */
export function inverseWishartDraw(
  rng: RandomStream,
  nu: number,
  factor: Float64Array,
  n: number,
): Float64Array {
  const inverse = triangularSolve(bartlett(rng, nu, n), identity(n), n, n, "lower");
  return gram(matmul(factor, transpose(inverse, n, n), n, n, n), n);
}

export const inverseWishart: ExpFamily = {
  name: "InverseWishart",
  setting: (p) => ({ size: Math.round(Math.sqrt(vec(p, "S").length)) }),
  toNatural: (p) => {
    const s = vec(p, "S");
    const n = Math.round(Math.sqrt(s.length));
    return concat(-(num(p, "nu") + n + 1) / 2, scaled(s, -0.5));
  },
  fromNatural: (eta, { size }) => ({ nu: nuOf(eta, size), S: scale(eta) }),
  isValid: (eta, { size }) =>
    nuOf(eta, size) > size - 1 &&
    nuOf(eta, size) < Infinity &&
    tryDefinite(scale(eta), size) !== undefined,
  statistics: (x, { size }) => {
    const factored = definite(x, size);
    return concat(factored.logDet, factored.inverse());
  },
  logBase: () => 0,
  logNormaliser: (eta, { size }) => {
    const half = nuOf(eta, size) / 2;
    return half * (size * Math.LN2 - definite(scale(eta), size).logDet) + lmvgamma(size, half);
  },
  mean: (eta, { size }) => {
    const nu = nuOf(eta, size);
    const s = definite(scale(eta), size);
    const logDet = s.logDet - size * Math.LN2 - multivariateDigamma(size, nu / 2);
    return concat(logDet, scaled(s.inverse(), nu));
  },
  expectedLogBase: () => 0,
  sample: (eta, { size }, rng) =>
    inverseWishartDraw(rng, nuOf(eta, size), definite(scale(eta), size).l, size),
};
