/** The concentration α: where it starts, and its updates given a partition or stick lengths. */
import { assertNever } from "../../../base/internal.js";
import type { RandomStream } from "../../../math/rng/random.js";
import { gammaQuantile, lgamma } from "../../../math/special/index.js";
import type { Concentration } from "../contract.js";
import { sliceUpdate } from "./slice.js";

/** First width of the slice on log α; stepping out and shrinking make any width do. */
const WIDTH = 1;

/** A value of positive prior density. */
export function startingConcentration(concentration: Concentration): number {
  switch (concentration.kind) {
    case "fixed":
      return concentration.value;
    case "gamma":
      return concentration.shape / concentration.rate;
    case "prior": {
      // The heaviest of a grid: α = 1 need not be in the support.
      let [best, top] = [1, -Infinity];
      for (let k = -60; k <= 60; k++) {
        const alpha = 10 ** (k / 10);
        const lp = concentration.logPrior(alpha) + Math.log(alpha);
        if (lp > top) [best, top] = [alpha, lp];
      }
      return best;
    }
    default:
      return assertNever(concentration, "concentration");
  }
}

/**
 * α given that `items` fall into `clusters`: p(α) α^K Γ(α) / Γ(α + N). A gamma prior by the
 * auxiliary variable of Escobar and West, "Bayesian density estimation and inference using
 * mixtures" (1995), equations 13 and 14.
 */
export function updateConcentration(
  concentration: Concentration,
  alpha: number,
  clusters: number,
  items: number,
  rng: RandomStream,
): number {
  switch (concentration.kind) {
    case "fixed":
      return concentration.value;
    case "gamma": {
      const { shape, rate } = concentration;
      // log of a Beta(α + 1, N) draw.
      const odds = rng.logitBeta(alpha + 1, items);
      const minusLog = odds > 0 ? Math.log1p(Math.exp(-odds)) : Math.log1p(Math.exp(odds)) - odds;
      const posteriorRate = rate + minusLog;
      const more = (shape + clusters - 1) / (items * posteriorRate);
      const extra = rng.uniform() * (1 + more) < more ? 0 : 1;
      return positive(Math.exp(rng.logGamma(shape + clusters - extra)) / posteriorRate);
    }
    case "prior": {
      const density = (logAlpha: number): number => {
        const a = Math.exp(logAlpha);
        if (!(a > 0 && a < Infinity)) return -Infinity;
        const likelihood = clusters * logAlpha + lgamma(a) - lgamma(a + items);
        return concentration.logPrior(a) + logAlpha + likelihood;
      };
      return Math.exp(sliceUpdate(Math.log(alpha), WIDTH, density, rng));
    }
    default:
      return assertNever(concentration, "concentration");
  }
}

/**
 * α given the breaks V_1 … V_{T−1} of a stick: p(α) α^{T−1} Π (1 − V)^{α−1} (Ishwaran and James
 * 2001, section 5).
 * @param logRest Σ log(1 − V)
 */
export function updateStickConcentration(
  concentration: Concentration,
  alpha: number,
  breaks: number,
  logRest: number,
  rng: RandomStream,
): number {
  switch (concentration.kind) {
    case "fixed":
      return concentration.value;
    case "gamma": {
      const draw = rng.logGamma(concentration.shape + breaks);
      return positive(Math.exp(draw) / (concentration.rate - logRest));
    }
    case "prior": {
      const density = (logAlpha: number): number => {
        const a = Math.exp(logAlpha);
        if (!(a > 0 && a < Infinity)) return -Infinity;
        return concentration.logPrior(a) + (1 + breaks) * logAlpha + a * logRest;
      };
      return Math.exp(sliceUpdate(Math.log(alpha), WIDTH, density, rng));
    }
    default:
      return assertNever(concentration, "concentration");
  }
}

/** A value that α exceeds with a probability of at most about 1 % before the data are seen. */
export function largeConcentration(concentration: Concentration): number {
  switch (concentration.kind) {
    case "fixed":
      return concentration.value;
    case "gamma":
      return gammaQuantile(concentration.shape, 0.99) / concentration.rate;
    case "prior": {
      const lps: number[] = [];
      for (let k = -240; k <= 240; k++) {
        const alpha = 10 ** (k / 40);
        lps.push(concentration.logPrior(alpha) + Math.log(alpha));
      }
      const top = lps.reduce((m, lp) => Math.max(m, Number.isNaN(lp) ? m : lp), -Infinity);
      const masses = lps.map((lp) => (lp > -Infinity ? Math.exp(lp - top) : 0));
      const total = masses.reduce((s, m) => s + m, 0);
      let sum = 0;
      const at = masses.findIndex((m) => {
        sum += m;
        return sum >= 0.99 * total;
      });
      return 10 ** ((at - 240) / 40);
    }
    default:
      return assertNever(concentration, "concentration");
  }
}

/** Log probability of a partition with these cluster sizes under the Chinese restaurant process. */
export function logPartitionPrior(counts: Int32Array, clusters: number, alpha: number): number {
  let items = 0;
  let sum = clusters * Math.log(alpha);
  for (let c = 0; c < clusters; c++) {
    items += counts[c];
    sum += lgamma(counts[c]);
  }
  return sum + lgamma(alpha) - lgamma(alpha + items);
}

/** Draws of tiny shapes that round to 0 stay inside the support. */
function positive(alpha: number): number {
  return Math.max(alpha, 1e-300);
}
