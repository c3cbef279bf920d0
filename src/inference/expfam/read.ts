/** Reading of parameters, and the small matrix algebra that several families share. */
import { internalError } from "../../base/internal.js";
import { cholesky, choleskyInverse, choleskyLogDeterminant } from "../../math/linalg/index.js";
import { digamma } from "../../math/special/index.js";
import type { Params } from "./contract.js";

/** A scalar parameter. */
export function num(params: Params, name: string): number {
  const value = params[name];
  return typeof value === "number" ? value : internalError(`parameter ${name} is no number`);
}
/** A vector or matrix parameter. */
export function vec(params: Params, name: string): Float64Array {
  const value = params[name];
  return typeof value === "object" ? value : internalError(`parameter ${name} is no array`);
}

/** A symmetric positive definite matrix with its factor. */
export interface Definite {
  readonly l: Float64Array;
  readonly logDet: number;
  readonly inverse: () => Float64Array;
}

/** Factors a symmetric matrix that is positive definite, or gives undefined. */
export function tryDefinite(a: Float64Array, n: number): Definite | undefined {
  const l = cholesky(a, n);
  if (l === undefined) return undefined;
  return { l, logDet: choleskyLogDeterminant(l, n), inverse: () => choleskyInverse(l, n) };
}
/** The same where anything else is our own error. */
export function definite(a: Float64Array, n: number): Definite {
  return tryDefinite(a, n) ?? internalError("a matrix parameter is not positive definite");
}

/** ψ_D(a) = Σ_i ψ(a − i/2), i = 0 … D − 1: the derivative of log Γ_D. */
export function multivariateDigamma(size: number, a: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += digamma(a - i / 2);
  return sum;
}

export function scaled(x: Float64Array, by: number): Float64Array {
  return x.map((v) => v * by);
}
export function concat(...parts: readonly (number | Float64Array)[]): Float64Array {
  return Float64Array.from(parts.flatMap((p) => (typeof p === "number" ? [p] : [...p])));
}
/** x xᵀ. */
export function outer(x: Float64Array): Float64Array {
  const n = x.length;
  return Float64Array.from({ length: n * n }, (_, i) => x[Math.floor(i / n)] * x[i % n]);
}
/** L z of a lower factor. */
export function lowerTimes(l: Float64Array, z: Float64Array): Float64Array {
  const n = z.length;
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) x[i] += l[i * n + j] * z[j];
  return x;
}
