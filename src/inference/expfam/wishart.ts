/** Wishart(nu, V), ν > D − 1: T = (log |X|, X), η = ((ν − D − 1)/2, −V⁻¹/2). Mean ν V. */
import { matmul } from "../../math/linalg/index.js";
import type { RandomStream } from "../../math/rng/random.js";
import { lmvgamma } from "../../math/special/index.js";
import type { ExpFamily } from "./contract.js";
import { concat, definite, multivariateDigamma, num, scaled, tryDefinite, vec } from "./read.js";

const nuOf = (eta: Float64Array, n: number): number => 2 * eta[0] + n + 1;
/** V⁻¹. */
const ratio = (eta: Float64Array): Float64Array => scaled(eta.subarray(1), -2);

/** Bartlett's factor of a standard Wishart draw A Aᵀ (Smith and Hocking 1972). */
export function bartlett(rng: RandomStream, nu: number, n: number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) a[i * n + j] = rng.normal();
    a[i * n + i] = Math.sqrt(rng.chiSquared(nu - i));
  }
  return a;
}

/** B Bᵀ, symmetric to the last bit. */
export function gram(b: Float64Array, n: number): Float64Array {
  const x = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += b[i * n + k] * b[j * n + k];
      x[i * n + j] = sum;
      x[j * n + i] = sum;
    }
  }
  return x;
}

export const wishart: ExpFamily = {
  name: "Wishart",
  setting: (p) => ({ size: Math.round(Math.sqrt(vec(p, "V").length)) }),
  toNatural: (p) => {
    const v = vec(p, "V");
    const n = Math.round(Math.sqrt(v.length));
    return concat((num(p, "nu") - n - 1) / 2, scaled(definite(v, n).inverse(), -0.5));
  },
  fromNatural: (eta, { size }) => ({
    nu: nuOf(eta, size),
    V: definite(ratio(eta), size).inverse(),
  }),
  isValid: (eta, { size }) =>
    nuOf(eta, size) > size - 1 &&
    nuOf(eta, size) < Infinity &&
    tryDefinite(ratio(eta), size) !== undefined,
  statistics: (x, { size }) => concat(definite(x, size).logDet, x),
  logBase: () => 0,
  logNormaliser: (eta, { size }) => {
    const half = nuOf(eta, size) / 2;
    const logV = -definite(ratio(eta), size).logDet;
    return half * (size * Math.LN2 + logV) + lmvgamma(size, half);
  },
  mean: (eta, { size }) => {
    const nu = nuOf(eta, size);
    const inverse = definite(ratio(eta), size);
    const logDet = multivariateDigamma(size, nu / 2) + size * Math.LN2 - inverse.logDet;
    return concat(logDet, scaled(inverse.inverse(), nu));
  },
  expectedLogBase: () => 0,
  sample: (eta, { size }, rng) => {
    const v = definite(definite(ratio(eta), size).inverse(), size);
    return gram(matmul(v.l, bartlett(rng, nuOf(eta, size), size), size, size, size), size);
  },
};
