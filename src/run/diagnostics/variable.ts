/** All summaries of one scalar variable from one sort of its draws. */
import { internalError } from "../../base/internal.js";
import { type EssScratch, effectiveSize, essScratch, meanOf } from "./ess.js";
import { mcseOfMean, mcseOfQuantile, mcseOfSd } from "./mcse.js";
import {
  foldedSums,
  NormalScores,
  quantileAt,
  rankNormalise,
  type Sorted,
  Sorter,
} from "./ranks.js";
import { potentialScaleReduction, scaleReduction } from "./rhat.js";
import { type TailScratch, tailScratch, tailSize } from "./tails.js";

/** What the summary table shows of a scalar. Fields are NaN where they are not defined. */
export interface VariableSummary {
  readonly mean: number;
  readonly sd: number;
  readonly mcseMean: number;
  readonly q5: number;
  readonly q50: number;
  readonly q95: number;
  readonly essBulk: number;
  readonly essTail: number;
  /** Rank-normalised split R-hat, the larger of bulk and folded. NaN for one constant value. */
  readonly rhat: number;
}

/** Fewer draws than this in a chain and no diagnostic of it is defined. */
const MIN_DRAWS = 4;

/**
 * Diagnostics of variables that all have the same number of chains and draws: it keeps the tables
 * and the working storage. Every method takes the draws of one scalar, `chains` runs of `draws`
 * values one after another. Equal to ArviZ 0.23's functions of the same names, but that R-hat is
 * given for a single chain too (from its two halves, as R's posterior does).
 */
export class VariableDiagnostics {
  readonly #scratch: EssScratch;
  readonly #half: number;
  readonly #scores: NormalScores;
  readonly #work: Float64Array;
  readonly #split: Float64Array;
  readonly #tails: TailScratch;
  readonly #sorter: Sorter;
  /** Of split chains, where a middle draw is left out. */
  readonly #splitSorter: Sorter;
  #sorted: Float64Array | undefined;

  constructor(
    readonly chains: number,
    readonly draws: number,
  ) {
    if (!(chains >= 1 && draws >= 0)) internalError(`diagnostics of ${chains} × ${draws} draws`);
    this.#half = Math.floor(draws / 2);
    const total = 2 * chains * this.#half;
    this.#scratch = essScratch(2 * chains, this.#half);
    this.#scores = new NormalScores(total);
    this.#tails = tailScratch(this.#scratch);
    this.#work = new Float64Array(total);
    this.#sorter = new Sorter(chains * draws);
    const isEven = draws % 2 === 0;
    this.#split = new Float64Array(isEven ? 0 : total);
    this.#splitSorter = isEven ? this.#sorter : new Sorter(total);
  }

  /** The draws that were summarised last in ascending order; undefined where some are not finite. */
  get sorted(): Float64Array | undefined {
    return this.#sorted;
  }

  /** Mean, standard deviation, quantiles and diagnostics of `x`. */
  summarise(x: Float64Array): VariableSummary {
    const { mean, sd } = moments(x);
    this.#sorted = undefined;
    if (!this.#usable(x)) {
      const isOrdered = x.length > 0 && !x.includes(Number.NaN);
      const sorted = isOrdered ? this.#sorter.sort(x).values : undefined;
      const quantile = (p: number): number => (sorted ? quantileAt(sorted, p) : Number.NaN);
      const nan = Number.NaN;
      const [q5, q50, q95] = [quantile(0.05), quantile(0.5), quantile(0.95)];
      return { mean, sd, mcseMean: nan, q5, q50, q95, essBulk: nan, essTail: nan, rhat: nan };
    }
    const sorted = this.#sorter.sort(x);
    const q5 = quantileAt(sorted.values, 0.05);
    const q50 = quantileAt(sorted.values, 0.5);
    const q95 = quantileAt(sorted.values, 0.95);
    const split = this.#splitOf(x);
    const essMean = effectiveSize(split, this.#scratch);
    const essTail = Math.min(this.#essBelow(split, q5), this.#essBelow(split, q95));
    const bulk = this.#bulk(split, sorted);
    this.#sorted = sorted.values;
    return {
      mean,
      sd,
      mcseMean: mcseOfMean(sd, essMean),
      q5,
      q50,
      q95,
      essBulk: bulk.ess,
      essTail,
      rhat: larger(bulk.rhat, bulk.rhatFolded),
    };
  }

  /** Rank-normalised split R-hat: the larger of that of the bulk and that of the folded draws. */
  rhat(x: Float64Array): number {
    if (!this.#usable(x)) return Number.NaN;
    const { rhat, rhatFolded } = this.#bulk(this.#splitOf(x), this.#sorter.sort(x));
    return larger(rhat, rhatFolded);
  }

  essBulk(x: Float64Array): number {
    if (!this.#usable(x)) return Number.NaN;
    return this.#bulk(this.#splitOf(x), this.#sorter.sort(x)).ess;
  }

  /** The smaller effective size of the indicators of the 5 % and 95 % quantiles. */
  essTail(x: Float64Array): number {
    return Math.min(this.essQuantile(x, 0.05), this.essQuantile(x, 0.95));
  }

  essQuantile(x: Float64Array, p: number): number {
    if (!this.#usable(x)) return Number.NaN;
    return this.#essBelow(this.#splitOf(x), quantileAt(this.#sorter.sort(x).values, p));
  }

  essMean(x: Float64Array): number {
    return this.#usable(x) ? effectiveSize(this.#splitOf(x), this.#scratch) : Number.NaN;
  }

  essSd(x: Float64Array): number {
    const { mean } = moments(x);
    return this.essMean(x.map((value) => (value - mean) ** 2));
  }

  mcseMean(x: Float64Array): number {
    return mcseOfMean(moments(x).sd, this.essMean(x));
  }

  mcseSd(x: Float64Array): number {
    return mcseOfSd(x, moments(x).mean, this.essSd(x));
  }

  mcseQuantile(x: Float64Array, p: number): number {
    if (!this.#usable(x)) return Number.NaN;
    const { values } = this.#sorter.sort(x);
    return mcseOfQuantile(values, p, this.#essBelow(this.#splitOf(x), quantileAt(values, p)));
  }

  #usable(x: Float64Array): boolean {
    if (x.length !== this.chains * this.draws) {
      internalError(`${x.length} draws given to diagnostics of ${this.chains} × ${this.draws}`);
    }
    return this.draws >= MIN_DRAWS && allFinite(x);
  }

  /** Both halves of every chain, one after another; the middle draw of an odd number is left out. */
  #splitOf(x: Float64Array): Float64Array {
    // Without a middle draw the halves of the chains already lie one after another.
    if (this.draws % 2 === 0) return x;
    const half = this.#half;
    for (let c = 0; c < this.chains; c++) {
      const at = c * this.draws;
      this.#split.set(x.subarray(at, at + half), 2 * c * half);
      this.#split.set(x.subarray(at + half + 1, at + this.draws), (2 * c + 1) * half);
    }
    return this.#split;
  }

  /** @param sorted the unsplit draws */
  #bulk(
    split: Float64Array,
    sorted: Sorted,
  ): { readonly ess: number; readonly rhat: number; readonly rhatFolded: number } {
    const own = this.draws % 2 === 0 ? sorted : this.#splitSorter.sort(split);
    const z = this.#work;
    rankNormalise(own, this.#scores, z);
    const ess = effectiveSize(z, this.#scratch);
    const rhat = potentialScaleReduction(z, 2 * this.chains, this.#half);
    return { ess, rhat, rhatFolded: this.#foldedRhat(own) };
  }

  /** R-hat of the scores of the distances from the median, whose sums need no order of the draws. */
  #foldedRhat(sorted: Sorted): number {
    const [half, chains] = [this.#half, 2 * this.chains];
    const sums = new Float64Array(chains);
    const squares = new Float64Array(chains);
    foldedSums(sorted, this.#scores, half, sums, squares);
    for (let c = 0; c < chains; c++) {
      sums[c] /= half;
      // Scores are about as far from 0 as from their means: nothing is cancelled that matters.
      squares[c] = Math.max(0, squares[c] - half * sums[c] * sums[c]);
    }
    return scaleReduction(sums, squares, half);
  }

  #essBelow(split: Float64Array, quantile: number): number {
    return tailSize(split, quantile, this.#scratch, this.#tails);
  }
}

/** Draws of two values lie equally far from their median: folded they are constant, which is NaN. */
function larger(bulk: number, folded: number): number {
  return Number.isNaN(folded) ? bulk : Math.max(bulk, folded);
}

function allFinite(x: Float64Array): boolean {
  // x - x is 0 for finite numbers and NaN for the others.
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] - x[i];
  return sum === 0;
}

/** Mean and unbiased standard deviation. */
export function moments(x: Float64Array): { readonly mean: number; readonly sd: number } {
  const mean = meanOf(x, 0, x.length);
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += (x[i] - mean) ** 2;
  return { mean, sd: Math.sqrt(squares / (x.length - 1)) };
}
