/**
 * Moments of a stream of vectors in one pass, after Welford (1962) and Chan, Golub and LeVeque
 * (1983). These objects are mutable accumulators, owned by one caller; `reset` starts a new window,
 * as the warm-up of Stan does at the end of each of its adaptation windows.
 */

/** Mean and variance of each of `size` components. */
export class OnlineVariance {
  readonly size: number;
  readonly mean: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.mean = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  /** How many vectors have been added since the last reset. */
  get count(): number {
    return this.#count;
  }

  /** Takes one vector of length `size` into account. */
  add(x: ArrayLike<number>): void {
    this.#count += 1;
    for (let i = 0; i < this.size; i++) {
      const delta = x[i] - this.mean[i];
      this.mean[i] += delta / this.#count;
      this.#squares[i] += delta * (x[i] - this.mean[i]);
    }
  }

  /** Unbiased variances (divisor count - 1), length `size`; NaN for fewer than two vectors. */
  variance(): Float64Array {
    const divisor = this.#count > 1 ? this.#count - 1 : NaN;
    return this.#squares.map((sum) => sum / divisor);
  }

  /** Forgets everything. */
  reset(): void {
    this.#count = 0;
    this.mean.fill(0);
    this.#squares.fill(0);
  }
}

/** Mean and covariance matrix of vectors of length `size`. */
export class OnlineCovariance {
  readonly size: number;
  readonly mean: Float64Array;
  readonly #products: Float64Array;
  readonly #delta: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.mean = new Float64Array(size);
    this.#products = new Float64Array(size * size);
    this.#delta = new Float64Array(size);
  }

  /** How many vectors have been added since the last reset. */
  get count(): number {
    return this.#count;
  }

  /** Takes one vector of length `size` into account. */
  add(x: ArrayLike<number>): void {
    const n = this.size;
    this.#count += 1;
    for (let i = 0; i < n; i++) {
      this.#delta[i] = x[i] - this.mean[i];
      this.mean[i] += this.#delta[i] / this.#count;
    }
    // The lower triangle, j ≤ i: (x - new mean)ᵢ times (x - old mean)ⱼ is symmetric.
    for (let i = 0; i < n; i++) {
      const after = x[i] - this.mean[i];
      for (let j = 0; j <= i; j++) this.#products[i * n + j] += after * this.#delta[j];
    }
  }

  /**
   * The unbiased covariance matrix (divisor count - 1), size × size row-major; NaN for fewer than
   * two vectors.
   */
  covariance(): Float64Array {
    const n = this.size;
    const divisor = this.#count > 1 ? this.#count - 1 : NaN;
    const result = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        result[i * n + j] = this.#products[i * n + j] / divisor;
        result[j * n + i] = result[i * n + j];
      }
    }
    return result;
  }

  /** Forgets everything. */
  reset(): void {
    this.#count = 0;
    this.mean.fill(0);
    this.#products.fill(0);
  }
}

/** Mean and unbiased variance of a list of numbers; the variance is NaN for fewer than two. */
export function meanVariance(x: ArrayLike<number>): { mean: number; variance: number } {
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < x.length; i++) {
    const delta = x[i] - mean;
    mean += delta / (i + 1);
    squares += delta * (x[i] - mean);
  }
  if (x.length === 0) return { mean: NaN, variance: NaN };
  return { mean, variance: x.length > 1 ? squares / (x.length - 1) : NaN };
}
