import { internalError } from "../../base/internal.js";
import { binomialVariate, poissonVariate, vonMisesVariate } from "./discrete.js";
import { type PhiloxKey, philox, philoxKey } from "./philox.js";

const TWO_32 = 4294967296;
const TWO_M53 = 2 ** -53;

/**
 * A stream of random numbers: a pure function of (seed, chain, site, step) and of how many words
 * have been drawn. Make one with `stream`. A draw advances this object and nothing else, so two
 * streams never disturb each other and a chain restarts at any step without a saved state.
 *
 * Parameters of the draws are the caller's to check: those outside a distribution's domain are an
 * internal error, not a diagnostic.
 */
export class RandomStream {
  readonly #key: PhiloxKey;
  readonly #chain: number;
  readonly #site: number;
  readonly #step: number;
  readonly #words = new Uint32Array(4);
  #block = 0;
  #used = 4;
  #spareNormal: number | undefined;

  constructor(key: PhiloxKey, chain: number, site: number, step: number) {
    this.#key = key;
    this.#chain = chain;
    this.#site = site;
    this.#step = step;
  }

  /** The next uniform 32-bit word. A stream has 2³⁴ of them; drawing more is an internal error. */
  word(): number {
    if (this.#used === 4) {
      if (this.#block >= TWO_32) internalError("a random stream is exhausted");
      philox(this.#key, this.#block, this.#step, this.#site, this.#chain, this.#words);
      this.#block += 1;
      this.#used = 0;
    }
    return this.#words[this.#used++];
  }

  /**
   * Uniform on the open interval (0, 1): an odd multiple of 2⁻⁵³ from two words (26 high bits of
   * the first, 26 of the second), so that neither end can occur and u and 1 - u are alike.
   */
  uniform(): number {
    const high = this.word() >>> 6;
    const low = this.word() >>> 6;
    return (high * 134217728 + low * 2 + 1) * TWO_M53;
  }

  /**
   * Standard normal by Box and Muller (1958): two uniforms make two draws, the second of which is
   * kept for the next call. The count of words used is fixed, which a kernel needs.
   */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Exponential of rate 1. */
  exponential(): number {
    return -Math.log(this.uniform());
  }

  /**
   * Gamma of the given shape (> 0) and rate 1: `exp(logGamma(shape))` below shape 1, where tiny
   * shapes underflow to 0 (use `logGamma` if that matters), Marsaglia and Tsang from 1 on.
   */
  gamma(shape: number): number {
    return shape < 1 ? Math.exp(this.logGamma(shape)) : this.#marsagliaTsang(shape);
  }

  /**
   * The logarithm of a gamma draw of the given shape (> 0) and rate 1. Below shape 1 it is
   * log G(shape + 1) + log(U) / shape, which stays finite where the draw itself underflows.
   */
  logGamma(shape: number): number {
    if (!(shape > 0 && shape < Infinity)) internalError(`gamma draw of shape ${shape}`);
    if (shape >= 1) return Math.log(this.#marsagliaTsang(shape));
    return Math.log(this.#marsagliaTsang(shape + 1)) + Math.log(this.uniform()) / shape;
  }

  /** Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), shape ≥ 1. */
  #marsagliaTsang(shape: number): number {
    if (!(shape >= 1 && shape < Infinity)) internalError(`gamma draw of shape ${shape}`);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const t = 1 + c * x;
      if (t <= 0) continue;
      const v = t * t * t;
      const logU = Math.log(this.uniform());
      if (logU < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  /**
   * The log odds of a beta(a, b) draw, log(x / (1 - x)): the difference of two log gamma draws.
   * Exact where x itself would round to 0 or 1.
   */
  logitBeta(a: number, b: number): number {
    return this.logGamma(a) - this.logGamma(b);
  }

  /** Beta(a, b) on [0, 1]; the ends occur only where the draw rounds to them. */
  beta(a: number, b: number): number {
    return 1 / (1 + Math.exp(-this.logitBeta(a, b)));
  }

  /** Dirichlet(alpha): non-negative, sums to 1. Normalised in log space, so tiny alphas work. */
  dirichlet(alpha: ArrayLike<number>): Float64Array {
    const draw = Float64Array.from(alpha, (shape) => this.logGamma(shape));
    let largest = -Infinity;
    for (const value of draw) largest = Math.max(largest, value);
    let total = 0;
    for (let i = 0; i < draw.length; i++) {
      draw[i] = Math.exp(draw[i] - largest);
      total += draw[i];
    }
    for (let i = 0; i < draw.length; i++) draw[i] /= total;
    return draw;
  }

  /** Chi-squared with `df` > 0 degrees of freedom. */
  chiSquared(df: number): number {
    return 2 * this.gamma(df / 2);
  }

  /** Student's t with `df` > 0 degrees of freedom, location 0, scale 1. */
  studentT(df: number): number {
    const z = this.normal();
    // In log space: for small df the chi-squared draw underflows before its root does.
    return z * Math.exp(0.5 * (Math.log(df / 2) - this.logGamma(df / 2)));
  }

  /** Poisson of the given rate (≥ 0). */
  poisson(rate: number): number {
    return poissonVariate(this, rate);
  }

  /** Number of successes in `n` trials (an integer ≥ 0) of probability `p` in [0, 1]. */
  binomial(n: number, p: number): number {
    return binomialVariate(this, n, p);
  }

  /**
   * Negative binomial of the given mean (≥ 0) and dispersion φ (> 0), variance mean + mean²/φ: a
   * Poisson draw whose rate is a gamma draw of shape φ and mean `mean`.
   */
  negativeBinomial(mean: number, dispersion: number): number {
    return this.poisson(Math.exp(this.logGamma(dispersion) + Math.log(mean / dispersion)));
  }

  /** Number of failures before the first success of probability `p` in (0, 1]. */
  geometric(p: number): number {
    if (!(p > 0 && p <= 1)) internalError(`geometric draw of probability ${p}`);
    return p === 1 ? 0 : Math.floor(Math.log(this.uniform()) / Math.log1p(-p));
  }

  /** 1 with probability `p` in [0, 1], else 0. */
  bernoulli(p: number): 0 | 1 {
    if (!(p >= 0 && p <= 1)) internalError(`Bernoulli draw of probability ${p}`);
    return this.uniform() < p ? 1 : 0;
  }

  /**
   * An index drawn in proportion to non-negative `weights`, which need not sum to 1; at least one
   * must be positive. An index of weight zero is never drawn.
   */
  categorical(weights: ArrayLike<number>): number {
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      if (!(weights[i] >= 0)) internalError(`categorical draw with weight ${weights[i]}`);
      total += weights[i];
    }
    if (!(total > 0 && total < Infinity)) internalError(`categorical draw of total ${total}`);
    let left = this.uniform() * total;
    let last = 0;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] === 0) continue;
      last = i;
      left -= weights[i];
      if (left < 0) return i;
    }
    return last;
  }

  /** An index drawn with log weights, by Gumbel maxima: one pass, no overflow. */
  categoricalLog(logWeights: ArrayLike<number>): number {
    let best = -1;
    let bestValue = -Infinity;
    for (let i = 0; i < logWeights.length; i++) {
      const value = logWeights[i] - Math.log(this.exponential());
      if (value > bestValue) {
        best = i;
        bestValue = value;
      }
    }
    return best >= 0 ? best : internalError("categorical draw without a finite log weight");
  }

  /** Uniform on the integers 0 .. n - 1, 1 ≤ n ≤ 2³², without bias (rejection). */
  int(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n <= TWO_32)) internalError(`integer draw below ${n}`);
    const limit = TWO_32 - (TWO_32 % n);
    for (;;) {
      const word = this.word();
      if (word < limit) return word % n;
    }
  }

  /** Von Mises with mean direction 0 and concentration `kappa` ≥ 0, on (-π, π]. */
  vonMises(kappa: number): number {
    return vonMisesVariate(this, kappa);
  }

  /** A uniform permutation of 0 .. n - 1 (Fisher and Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }
}

/**
 * The stream of (seed, chain, site, step), at its start. `chain`, `site` and `step` are unsigned
 * 32-bit integers; different triples give independent streams. `seed` is any integer up to 64
 * bits (see `philoxKey`).
 */
export function stream(
  seed: number | bigint,
  chain: number,
  site: number,
  step: number,
): RandomStream {
  for (const word of [chain, site, step]) {
    if (!(Number.isInteger(word) && word >= 0 && word < TWO_32)) {
      internalError(`stream coordinate ${word} is not an unsigned 32-bit integer`);
    }
  }
  return new RandomStream(philoxKey(seed), chain, site, step);
}
