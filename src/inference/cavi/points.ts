/**
 * The factor of the sites outside every conjugate family: one normal over their unconstrained
 * numbers, by the average over fixed points instead of the expectation (deterministic ADVI:
 * Giordano, Ingram & Broderick 2024). With the points fixed the bound is an ordinary function, so
 * L-BFGS raises it and it never falls; where the log density is quadratic the points are exact.
 */
import { internalError } from "../../base/internal.js";
import { lbfgs } from "../../math/lbfgs.js";
import { cholesky, triangularSolve } from "../../math/linalg/index.js";
import type { RandomStream } from "../../math/rng/random.js";
import { normalQuantile } from "../../math/special/index.js";
import type { Ascent } from "../ascent/engine.js";

/** Up to so many numbers have a full covariance, more a diagonal one. */
export const FULL_LIMIT = 30;
/** Pairs ± of points, at least. */
const PAIRS = 32;
/** Steps of each update; the next update goes on where this one ended. */
const STEPS = 20;

const PRIMES = [2, 3, 5, 7, 11, 13, 17, 19];

/**
 * Standard normal points in pairs ±, whose second moments are exactly those of the normal: a
 * Halton sequence in few dimensions, random ones in more, whitened. The axes of large primes are
 * nearly parallel over the first few dozen points of a Halton sequence. Row s is point s.
 */
export function normalPoints(dimension: number, rng: RandomStream): Float64Array[] {
  const isFull = dimension <= FULL_LIMIT;
  const pairs = isFull ? Math.max(PAIRS, 2 * dimension) : PAIRS;
  const half = Array.from({ length: pairs }, (_, s) =>
    Float64Array.from({ length: dimension }, (_, d) => {
      return dimension <= PRIMES.length
        ? normalQuantile(radicalInverse(s + 1, PRIMES[d]))
        : rng.normal();
    }),
  );
  if (isFull) whiten(half, dimension);
  else {
    for (let d = 0; d < dimension; d++) {
      const scale = Math.sqrt(half.reduce((sum, x) => sum + x[d] * x[d], 0) / pairs);
      for (const x of half) x[d] /= scale;
    }
  }
  return half.flatMap((x) => [x, x.map((v) => -v)]);
}

/** The digits of n in a base, mirrored behind the point (Halton 1960). */
function radicalInverse(n: number, base: number): number {
  let out = 0;
  let scale = 1 / base;
  for (let rest = n; rest > 0; rest = Math.floor(rest / base)) {
    out += (rest % base) * scale;
    scale /= base;
  }
  return out;
}

/** Maps points linearly so that Σ x xᵀ = n I. */
function whiten(points: Float64Array[], dimension: number): void {
  const moment = new Float64Array(dimension * dimension);
  for (const x of points) {
    for (let i = 0; i < dimension; i++) {
      for (let j = 0; j < dimension; j++)
        moment[i * dimension + j] += (x[i] * x[j]) / points.length;
    }
  }
  const l = cholesky(moment, dimension) ?? internalError("points do not span their space");
  points.forEach((x, s) => {
    points[s] = triangularSolve(l, x, dimension, 1, "lower");
  });
}

/** q(u) = N(m, L Lᵀ) over the numbers of all points of an ascent, one after another. */
export class PointFactor {
  readonly dimension: number;
  readonly #ascent: Ascent;
  readonly #sites: readonly number[];
  readonly #lengths: readonly number[];
  readonly #points: readonly Float64Array[];
  readonly #isFull: boolean;
  /** m, then log L_ii, then L below the diagonal by rows. */
  #parameters: Float64Array;

  constructor(ascent: Ascent, rng: RandomStream) {
    this.#ascent = ascent;
    const { sites } = ascent.plan.joint;
    this.#sites = [...sites.keys()].filter((k) => sites[k].kind === "point");
    this.#lengths = this.#sites.map((k) => {
      const site = sites[k];
      return site.kind === "point" ? site.input.shape[0] : 0;
    });
    this.dimension = this.#lengths.reduce((n, d) => n + d, 0);
    this.#isFull = this.dimension <= FULL_LIMIT;
    this.#points = normalPoints(this.dimension, rng);
    const below = this.#isFull ? (this.dimension * (this.dimension - 1)) / 2 : 0;
    this.#parameters = new Float64Array(2 * this.dimension + below);
  }

  get isFull(): boolean {
    return this.#isFull;
  }
  get sites(): readonly number[] {
    return this.#sites;
  }
  get parameters(): Float64Array {
    return this.#parameters.slice();
  }

  /** A narrow start around a point: sd 0.1 in unconstrained coordinates. */
  start(mean: Float64Array): void {
    this.#parameters.fill(0);
    this.#parameters.set(mean);
    this.#parameters.fill(Math.log(0.1), this.dimension, 2 * this.dimension);
    this.load(this.#parameters);
  }

  load(parameters: Float64Array): void {
    this.#parameters = parameters.slice();
    const { sites } = this.#ascent.plan.joint;
    this.#ascent.setScenarios(
      this.#points.map((e) => {
        const u = this.#place(parameters, e);
        const values = new Array<Float64Array | undefined>(sites.length).fill(undefined);
        let from = 0;
        this.#sites.forEach((k, j) => {
          values[k] = u.subarray(from, from + this.#lengths[j]);
          from += this.#lengths[j];
        });
        return values;
      }),
    );
  }

  /** −E log q of the unconstrained numbers. */
  entropy(): number {
    const n = this.dimension;
    let sum = (n / 2) * (1 + Math.log(2 * Math.PI));
    for (let i = 0; i < n; i++) sum += this.#parameters[n + i];
    return sum;
  }

  /** Some steps uphill, the other factors as they are; it never goes down. */
  update(): boolean {
    const n = this.dimension;
    const objective = (x: Float64Array, gradient: Float64Array): number => {
      this.load(x);
      const values = this.#ascent.scenarioValues();
      const slopes = this.#sites.map((k) => this.#ascent.pointGradients(k));
      gradient.fill(0);
      const count = this.#points.length;
      this.#points.forEach((e, s) => {
        const g = new Float64Array(n);
        let from = 0;
        this.#sites.forEach((_, j) => {
          g.set(slopes[j][s], from);
          from += this.#lengths[j];
        });
        let next = 2 * n;
        for (let i = 0; i < n; i++) {
          gradient[i] -= g[i] / count;
          gradient[n + i] -= (g[i] * e[i] * Math.exp(x[n + i])) / count;
          if (this.#isFull) for (let j = 0; j < i; j++) gradient[next++] -= (g[i] * e[j]) / count;
        }
      });
      let value = values.reduce((sum, v) => sum + v, 0) / count;
      for (let i = 0; i < n; i++) {
        value += x[n + i];
        gradient[n + i] -= 1;
      }
      return -value;
    };
    const before = this.#parameters.slice();
    const start = objective(before, new Float64Array(before.length));
    if (!Number.isFinite(start)) return false;
    const found = lbfgs(objective, before, { maxIterations: STEPS });
    this.load(found.value <= start ? found.x : before);
    return true;
  }

  draw(rng: RandomStream): Float64Array {
    const e = Float64Array.from({ length: this.dimension }, () => rng.normal());
    return this.#place(this.#parameters, e);
  }

  /** m + L e. */
  #place(x: Float64Array, e: Float64Array): Float64Array {
    const n = this.dimension;
    const u = x.slice(0, n);
    let next = 2 * n;
    for (let i = 0; i < n; i++) {
      u[i] += Math.exp(x[n + i]) * e[i];
      if (this.#isFull) for (let j = 0; j < i; j++) u[i] += x[next++] * e[j];
    }
    return u;
  }
}
