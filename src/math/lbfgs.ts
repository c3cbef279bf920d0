import { type LinePoint, type Objective, strongWolfe } from "./line-search.js";

/** When to stop, and how much curvature to remember. The defaults are those of Stan. */
export interface LbfgsOptions {
  /** Pairs of steps and gradient changes kept. Default 5. */
  readonly history?: number;
  /** Default 2000. */
  readonly maxIterations?: number;
  /** Absolute change of the objective. Default 1e-12. */
  readonly objectiveTolerance?: number;
  /** Relative change of the objective, in units of ε = 2⁻⁵². Default 1e4. */
  readonly relativeObjectiveTolerance?: number;
  /** Euclidean norm of the gradient. Default 1e-8. */
  readonly gradientTolerance?: number;
  /** gᵀ H g over the objective (H the inverse Hessian kept), in units of ε. Default 1e7. */
  readonly relativeGradientTolerance?: number;
  /** Euclidean norm of the change of x. Default 1e-8. */
  readonly parameterTolerance?: number;
}

/**
 * Why the search ended. The first five are convergence, by the test named; the last three are
 * not.
 */
export type LbfgsStatus =
  | "gradient"
  | "relative-gradient"
  | "objective"
  | "relative-objective"
  | "parameters"
  | "iteration-limit"
  | "line-search-failed"
  | "non-finite-start";

/** Where the search ended: the best point found. */
export interface LbfgsResult {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradientNorm: number;
  readonly iterations: number;
  /** Evaluations of the objective and its gradient. */
  readonly evaluations: number;
  readonly status: LbfgsStatus;
  readonly converged: boolean;
}

interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

const DEFAULTS: Required<LbfgsOptions> = {
  history: 5,
  maxIterations: 2000,
  objectiveTolerance: 1e-12,
  relativeObjectiveTolerance: 1e4,
  gradientTolerance: 1e-8,
  relativeGradientTolerance: 1e7,
  parameterTolerance: 1e-8,
};

/**
 * Minimises a smooth function by L-BFGS: Nocedal and Wright, Numerical Optimization (2nd ed.),
 * algorithms 7.4 and 7.5, with a strong Wolfe line search. The tests of convergence are those of
 * Stan's optimizer; a tolerance of 0 turns one off. Points where the value or gradient is not
 * finite are backed away from; only a start that is not finite ends the search. `start` is not
 * changed.
 */
export function lbfgs(
  objective: Objective,
  start: Float64Array,
  options: LbfgsOptions = {},
): LbfgsResult {
  const settings = { ...DEFAULTS, ...options };
  const n = start.length;
  let evaluations = 0;
  const evaluateAt = (x: Float64Array, step: number, direction: Float64Array): LinePoint => {
    const gradient = new Float64Array(n);
    const value = objective(x, gradient);
    evaluations += 1;
    return { step, value, slope: dot(gradient, direction), x, gradient };
  };
  const finish = (at: LinePoint, iterations: number, status: LbfgsStatus): LbfgsResult => ({
    x: at.x,
    value: at.value,
    gradientNorm: norm(at.gradient),
    iterations,
    evaluations,
    status,
    converged: converged[status],
  });

  let current = evaluateAt(Float64Array.from(start), 0, new Float64Array(n));
  if (!Number.isFinite(current.value) || !Number.isFinite(norm(current.gradient))) {
    return finish(current, 0, "non-finite-start");
  }
  if (norm(current.gradient) <= settings.gradientTolerance) return finish(current, 0, "gradient");

  let pairs: Pair[] = [];
  for (let iteration = 1; iteration <= settings.maxIterations; iteration++) {
    let next = search(current, pairs, evaluateAt);
    if (next === undefined && pairs.length > 0) {
      // The remembered curvature may be what misleads: once more along the gradient.
      pairs = [];
      next = search(current, pairs, evaluateAt);
    }
    if (next === undefined) return finish(current, iteration - 1, "line-search-failed");
    const s = difference(next.x, current.x);
    const y = difference(next.gradient, current.gradient);
    const sy = dot(s, y);
    // Positive by the curvature condition, but for rounding and exhausted brackets.
    if (sy > Number.EPSILON * dot(y, y)) pairs = [...pairs, { s, y, rho: 1 / sy }];
    if (pairs.length > settings.history) pairs = pairs.slice(1);
    const status = convergence(current, next, s, pairs, settings);
    current = next;
    if (status !== undefined) return finish(current, iteration, status);
  }
  return finish(current, settings.maxIterations, "iteration-limit");
}

const converged: { readonly [S in LbfgsStatus]: boolean } = {
  gradient: true,
  "relative-gradient": true,
  objective: true,
  "relative-objective": true,
  parameters: true,
  "iteration-limit": false,
  "line-search-failed": false,
  "non-finite-start": false,
};

function search(
  from: LinePoint,
  pairs: readonly Pair[],
  evaluateAt: (x: Float64Array, step: number, direction: Float64Array) => LinePoint,
): LinePoint | undefined {
  const direction = inverseHessianTimes(from.gradient, pairs).map((v) => -v);
  const slope = dot(from.gradient, direction);
  if (!(slope < 0 && slope > -Infinity)) return undefined;
  // Without curvature the gradient has no natural length: the first step has length 1 at most.
  const firstStep = pairs.length > 0 ? 1 : Math.min(1, 1 / norm(from.gradient));
  const at = (step: number) =>
    evaluateAt(
      from.x.map((v, i) => v + step * direction[i]),
      step,
      direction,
    );
  return strongWolfe(at, { ...from, step: 0, slope }, firstStep);
}

/** H g by the two-loop recursion, algorithm 7.4; H₀ = (sᵀy / yᵀy) I of the last pair (7.20). */
function inverseHessianTimes(g: Float64Array, pairs: readonly Pair[]): Float64Array {
  const q = Float64Array.from(g);
  const alpha = new Float64Array(pairs.length);
  for (let k = pairs.length - 1; k >= 0; k--) {
    alpha[k] = pairs[k].rho * dot(pairs[k].s, q);
    addScaled(q, -alpha[k], pairs[k].y);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let i = 0; i < q.length; i++) q[i] *= scale;
  }
  for (let k = 0; k < pairs.length; k++) {
    const beta = pairs[k].rho * dot(pairs[k].y, q);
    addScaled(q, alpha[k] - beta, pairs[k].s);
  }
  return q;
}

/** Which of the tests of convergence a step passes, if any. */
function convergence(
  before: LinePoint,
  after: LinePoint,
  s: Float64Array,
  pairs: readonly Pair[],
  settings: Required<LbfgsOptions>,
): LbfgsStatus | undefined {
  const change = Math.abs(after.value - before.value);
  const scale = Math.max(Math.abs(before.value), Math.abs(after.value), 1);
  if (norm(after.gradient) <= settings.gradientTolerance) return "gradient";
  if (change < settings.objectiveTolerance) return "objective";
  if (change / scale < settings.relativeObjectiveTolerance * Number.EPSILON) {
    return "relative-objective";
  }
  const decrement = dot(after.gradient, inverseHessianTimes(after.gradient, pairs));
  const relative = decrement / Math.max(Math.abs(after.value), 1);
  if (relative < settings.relativeGradientTolerance * Number.EPSILON) return "relative-gradient";
  return norm(s) < settings.parameterTolerance ? "parameters" : undefined;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function norm(a: Float64Array): number {
  let largest = 0;
  for (const v of a) {
    if (Number.isNaN(v)) return NaN;
    largest = Math.max(largest, Math.abs(v));
  }
  if (largest === 0 || largest === Infinity) return largest;
  // Scaled, so that squares neither overflow nor underflow.
  let sum = 0;
  for (const v of a) sum += (v / largest) ** 2;
  return largest * Math.sqrt(sum);
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((v, i) => v - b[i]);
}

function addScaled(a: Float64Array, scale: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] += scale * b[i];
}
