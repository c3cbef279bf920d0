/**
 * MatrixNormal(M, U, V) of an n × p matrix with covariance U between rows and V between columns:
 * the normal of the flat (row-major) matrix with covariance U ⊗ V, and its statistics. U and V are
 * known up to a factor: read back from η, U has U[0, 0] = 1. A natural parameter whose precision is
 * no Kronecker product is an MvNormal but not in this family.
 */
import { internalError } from "../../base/internal.js";
import type { ExpFamily, Params, Setting } from "./contract.js";
import { mvNormal } from "./mv-normal.js";
import { vec } from "./read.js";

/** Of the flat matrix. */
const flat = (s: Setting): Setting => ({ size: s.size * (s.columns ?? 1) });

/** U ⊗ V of square matrices. */
function kronecker(u: Float64Array, v: Float64Array, n: number, p: number): Float64Array {
  const side = n * p;
  return Float64Array.from({ length: side * side }, (_, at) => {
    const [row, column] = [Math.floor(at / side), at % side];
    const [i, j] = [Math.floor(row / p), Math.floor(column / p)];
    return u[i * n + j] * v[(row % p) * p + (column % p)];
  });
}

const sideOf = (m: Float64Array): number => Math.round(Math.sqrt(m.length));

/** U and V of a covariance that is a product; undefined where it is none (to 1e-8). */
function factors(cov: Float64Array, n: number, p: number) {
  const side = n * p;
  const u = Float64Array.from({ length: n * n }, (_, at) => {
    return cov[Math.floor(at / n) * p * side + (at % n) * p] / cov[0];
  });
  const v = Float64Array.from(
    { length: p * p },
    (_, at) => cov[Math.floor(at / p) * side + (at % p)],
  );
  const product = kronecker(u, v, n, p);
  const largest = cov.reduce((most, c) => Math.max(most, Math.abs(c)), 0);
  return product.every((c, i) => Math.abs(c - cov[i]) <= 1e-8 * largest) ? { u, v } : undefined;
}

function covarianceOf(eta: Float64Array, s: Setting): { mu: Float64Array; cov: Float64Array } {
  const params: Params = mvNormal.fromNatural(eta, flat(s));
  return { mu: vec(params, "mu"), cov: vec(params, "cov") };
}

export const matrixNormal: ExpFamily = {
  name: "MatrixNormal",
  setting: (q) => ({ size: sideOf(vec(q, "U")), columns: sideOf(vec(q, "V")) }),
  toNatural: (q) => {
    const [u, v] = [vec(q, "U"), vec(q, "V")];
    const cov = kronecker(u, v, sideOf(u), sideOf(v));
    return mvNormal.toNatural({ mu: vec(q, "M"), cov });
  },
  fromNatural: (eta, s) => {
    const { mu, cov } = covarianceOf(eta, s);
    const found = factors(cov, s.size, s.columns ?? 1);
    if (found === undefined) return internalError("the precision is no Kronecker product");
    return { M: mu, U: found.u, V: found.v };
  },
  isValid: (eta, s) =>
    mvNormal.isValid(eta, flat(s)) &&
    factors(covarianceOf(eta, s).cov, s.size, s.columns ?? 1) !== undefined,
  statistics: (x, s) => mvNormal.statistics(x, flat(s)),
  logBase: (x, s) => mvNormal.logBase(x, flat(s)),
  logNormaliser: (eta, s) => mvNormal.logNormaliser(eta, flat(s)),
  mean: (eta, s) => mvNormal.mean(eta, flat(s)),
  expectedLogBase: (eta, s) => mvNormal.expectedLogBase(eta, flat(s)),
  sample: (eta, s, rng) => mvNormal.sample(eta, flat(s), rng),
};
