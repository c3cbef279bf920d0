/** The factor of α in the mean-field approximation. */
import { assertNever } from "../../../base/internal.js";
import type { RandomStream } from "../../../math/rng/random.js";
import { digamma, lgamma } from "../../../math/special/index.js";
import type { Concentration } from "../contract.js";

/** q(α) ∝ p(α) α^n e^{−rα}. */
export interface AlphaFactor {
  /** E α and E log α. */
  readonly mean: number;
  readonly logMean: number;
  /** E log p(α) − E log q(α). */
  readonly gap: number;
  /** Parameters of q where it is a gamma distribution. */
  readonly gamma?: { readonly shape: number; readonly rate: number };
  /** A draw of α. */
  readonly draw: (rng: RandomStream) => number;
}

/** Steps of the trapezoid rule over log α, and its ends: e^±28 is about 10^±12. */
const STEPS = 5600;
const END = 28;

/**
 * The factor for n breaks whose expected log remainders sum to −r. A gamma prior gives a gamma
 * (Blei and Jordan 2006, appendix); any other is integrated numerically.
 */
export function alphaFactor(concentration: Concentration, n: number, r: number): AlphaFactor {
  switch (concentration.kind) {
    case "fixed": {
      const { value } = concentration;
      return { mean: value, logMean: Math.log(value), gap: 0, draw: () => value };
    }
    case "gamma": {
      const shape = concentration.shape + n;
      const rate = concentration.rate + r;
      const mean = shape / rate;
      const logMean = digamma(shape) - Math.log(rate);
      const normaliser = (a: number, b: number): number => lgamma(a) - a * Math.log(b);
      const logZ = normaliser(shape, rate) - normaliser(concentration.shape, concentration.rate);
      return {
        mean,
        logMean,
        gap: logZ - n * logMean + r * mean,
        gamma: { shape, rate },
        draw: (rng) => rng.gamma(shape) / rate,
      };
    }
    case "prior": {
      const step = (2 * END) / STEPS;
      const at = (k: number): number => -END + k * step;
      const logs = Float64Array.from({ length: STEPS + 1 }, (_, k) => {
        const alpha = Math.exp(at(k));
        const lp = concentration.logPrior(alpha) + (n + 1) * at(k) - r * alpha;
        return Number.isNaN(lp) ? -Infinity : lp;
      });
      const top = logs.reduce((m, v) => Math.max(m, v), -Infinity);
      let [total, first, log] = [0, 0, 0];
      for (let k = 0; k <= STEPS; k++) {
        const mass = Math.exp(logs[k] - top);
        total += mass;
        first += mass * Math.exp(at(k));
        log += mass * at(k);
      }
      const mean = first / total;
      const logMean = log / total;
      // Uniform in log α around the points of the rule.
      const draw = (rng: RandomStream): number => {
        let left = rng.uniform() * total;
        let k = 0;
        while (k < STEPS && left > Math.exp(logs[k] - top)) left -= Math.exp(logs[k++] - top);
        return Math.exp(at(k) + (rng.uniform() - 0.5) * step);
      };
      return { mean, logMean, gap: top + Math.log(total * step) - n * logMean + r * mean, draw };
    }
    default:
      return assertNever(concentration, "concentration");
  }
}
