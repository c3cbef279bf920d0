/**
 * The Laplace approximation: a normal at the mode of the unconstrained density (Jacobian included),
 * whose precision is the negative Hessian there, pushed through the transforms. How far the
 * posterior is from it is judged by importance weights and their Pareto k (Vehtari, Simpson,
 * Gelman, Yao and Gabry, "Pareto smoothed importance sampling", JMLR 2024).
 */
import { cholesky, triangularSolve } from "../../math/linalg/index.js";
import { paretoK } from "../../math/pareto.js";
import { stream } from "../../math/rng/index.js";
import type { KernelInstance } from "../contract.js";
import { SITES } from "../hamiltonian/random.js";

export interface LaplaceFit {
  readonly kind: "fitted";
  /** Row t is draw t in constrained coordinates. */
  readonly constrained: Float64Array;
  /** Log density of the posterior at the draws (Jacobian included), and of the approximation. */
  readonly lp: Float64Array;
  readonly lpNormal: Float64Array;
  /** Estimated shape of the tail of the importance weights; above 0.7 the draws are not to trust. */
  readonly paretoK: number;
  /** Symmetric, row-major: the negative Hessian at the mode. */
  readonly precision: Float64Array;
}

/** The Hessian at the point found is not negative definite: it is no (isolated) maximum. */
export interface LaplaceFailure {
  readonly kind: "not_a_maximum";
  readonly precision: Float64Array;
}

/**
 * Relative step of the central differences: the cube root of the rounding error balances it with
 * the error of the formula, which is of second order.
 */
const DIFFERENCE_STEP = Math.cbrt(Number.EPSILON);

/** The negative Hessian of `lp_grad` at `mode` by central differences, symmetric; 2d gradients. */
export function negativeHessian(instance: KernelInstance, mode: Float64Array): Float64Array {
  const q = instance.f64("q");
  const grad = instance.f64("grad");
  const evaluate = instance.fn("lp_grad");
  const d = mode.length;
  const hessian = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    const step = DIFFERENCE_STEP * Math.max(1, Math.abs(mode[i]));
    q.set(mode);
    q[i] = mode[i] + step;
    const up = q[i];
    evaluate();
    const above = grad.slice();
    q[i] = mode[i] - step;
    // The step as it is in floating point.
    const width = up - q[i];
    evaluate();
    for (let j = 0; j < d; j++) hessian[i * d + j] = (grad[j] - above[j]) / width;
  }
  q.set(mode);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      const mean = 0.5 * (hessian[i * d + j] + hessian[j * d + i]);
      hessian[i * d + j] = mean;
      hessian[j * d + i] = mean;
    }
  }
  return hessian;
}

/** A normal with a mode and a precision, as a source of draws. */
export interface NormalAtMode {
  readonly kind: "normal";
  /**
   * Writes draw `t` of the approximation to `out`, in unconstrained coordinates.
   * @returns its log density there
   */
  readonly draw: (seed: number | bigint, t: number, out: Float64Array) => number;
}

/** The normal at `mode` with this precision, row-major and symmetric. */
export function normalAtMode(
  mode: Float64Array,
  precision: Float64Array,
): NormalAtMode | LaplaceFailure {
  const d = mode.length;
  const factor = cholesky(precision, d);
  if (factor === undefined) return { kind: "not_a_maximum", precision };
  let logRoot = 0;
  for (let i = 0; i < d; i++) logRoot += Math.log(factor[i * d + i]);
  const constant = logRoot - 0.5 * d * Math.log(2 * Math.PI);
  const z = new Float64Array(d);
  return {
    kind: "normal",
    draw: (seed, t, out) => {
      const random = stream(seed, 0, SITES.laplace, t);
      let squares = 0;
      for (let i = 0; i < d; i++) {
        z[i] = random.normal();
        squares += z[i] * z[i];
      }
      // Precision LLᵀ, so L⁻ᵀz has its inverse as covariance.
      const offset = triangularSolve(factor, z, d, 1, "lower-transposed");
      for (let i = 0; i < d; i++) out[i] = mode[i] + offset[i];
      return constant - 0.5 * squares;
    },
  };
}

/** Draws from the approximation at `mode`, the mode of `lp_grad` in unconstrained coordinates. */
export function laplace(
  instance: KernelInstance,
  mode: Float64Array,
  draws: number,
  seed: number | bigint,
): LaplaceFit | LaplaceFailure {
  const precision = negativeHessian(instance, mode);
  const normal = normalAtMode(mode, precision);
  if (normal.kind === "not_a_maximum") return normal;
  const q = instance.f64("q");
  const row = instance.f64("constrained");
  const evaluate = instance.fn("lp_grad");
  const constrained = new Float64Array(draws * row.length);
  const lp = new Float64Array(draws);
  const lpNormal = new Float64Array(draws);
  for (let t = 0; t < draws; t++) {
    lpNormal[t] = normal.draw(seed, t, q);
    lp[t] = evaluate();
    instance.call("constrain");
    constrained.set(row, t * row.length);
  }
  return { kind: "fitted", constrained, lp, lpNormal, paretoK: paretoOf(lp, lpNormal), precision };
}

/** Pareto k of the importance weights p/q at draws of q; logs, each up to a constant. */
export function paretoOf(lp: Float64Array, lpNormal: Float64Array): number {
  return paretoK(lp.map((value, t) => value - lpNormal[t]));
}
