/** All summaries of one scalar variable from one sort of its draws. */
import { internalError } from "../../base/internal.js";
import { type EssScratch, effectiveSize, essScratch, meanOf } from "./ess.js";
import { belowQuantile, mcseOfMean, mcseOfQuantile, mcseOfSd } from "./mcse.js";
import { foldedOrder, normalScores, quantileOfSorted, rankNormalise, sortOrder } from "./ranks.js";
import { potentialScaleReduction } from "./rhat.js";

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
  readonly #scores: Float64Array;
  readonly #work: Float64Array;
  readonly #split: Float64Array;

  constructor(
    readonly chains: number,
    readonly draws: number,
  ) {
    if (!(chains >= 1 && draws >= 0)) internalError(`diagnostics of ${chains} × ${draws} draws`);
    this.#half = Math.floor(draws / 2);
    this.#scratch = essScratch(2 * chains, this.#half);
    this.#scores = normalScores(2 * chains * this.#half);
    this.#split = new Float64Array(2 * chains * this.#half);
    this.#work = new Float64Array(2 * chains * this.#half);
  }

  /** Mean, standard deviation, quantiles and diagnostics of `x`. */
  summarise(x: Float64Array): VariableSummary {
    const { mean, sd } = moments(x);
    const order = this.#usable(x) ? sortOrder(x) : undefined;
    if (order === undefined) {
      const quantile = (p: number): number =>
        x.length > 0 && !x.includes(Number.NaN) ? quantileOfSorted(x, sortOrder(x), p) : Number.NaN;
      const nan = Number.NaN;
      const [q5, q50, q95] = [quantile(0.05), quantile(0.5), quantile(0.95)];
      return { mean, sd, mcseMean: nan, q5, q50, q95, essBulk: nan, essTail: nan, rhat: nan };
    }
    const bulk = this.#bulk(x, order);
    return {
      mean,
      sd,
      mcseMean: mcseOfMean(sd, effectiveSize(this.#splitOf(x), this.#scratch)),
      q5: quantileOfSorted(x, order, 0.05),
      q50: quantileOfSorted(x, order, 0.5),
      q95: quantileOfSorted(x, order, 0.95),
      essBulk: bulk.ess,
      essTail: Math.min(
        this.#essBelowQuantile(x, order, 0.05),
        this.#essBelowQuantile(x, order, 0.95),
      ),
      rhat: larger(bulk.rhat, bulk.rhatFolded),
    };
  }

  /** Rank-normalised split R-hat: the larger of that of the bulk and that of the folded draws. */
  rhat(x: Float64Array): number {
    if (!this.#usable(x)) return Number.NaN;
    const { rhat, rhatFolded } = this.#bulk(x, sortOrder(x));
    return larger(rhat, rhatFolded);
  }

  essBulk(x: Float64Array): number {
    return this.#usable(x) ? this.#bulk(x, sortOrder(x)).ess : Number.NaN;
  }

  /** The smaller effective size of the indicators of the 5 % and 95 % quantiles. */
  essTail(x: Float64Array): number {
    return Math.min(this.essQuantile(x, 0.05), this.essQuantile(x, 0.95));
  }

  essQuantile(x: Float64Array, p: number): number {
    return this.#usable(x) ? this.#essBelowQuantile(x, sortOrder(x), p) : Number.NaN;
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
    const order = sortOrder(x);
    return mcseOfQuantile(x, order, p, this.#essBelowQuantile(x, order, p));
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

  /** `order` is that of the unsplit draws. */
  #bulk(x: Float64Array, order: Uint32Array): { ess: number; rhat: number; rhatFolded: number } {
    const split = this.#splitOf(x);
    const splitOrder = split === x ? order : sortOrder(split);
    const z = this.#work;
    rankNormalise(split, splitOrder, this.#scores, z);
    const ess = effectiveSize(z, this.#scratch);
    const rhat = this.#rhatOf(z);
    const folded = new Float64Array(split.length);
    const order2 = foldedOrder(split, splitOrder, folded);
    rankNormalise(folded, order2, this.#scores, z);
    return { ess, rhat, rhatFolded: this.#rhatOf(z) };
  }

  #rhatOf(z: Float64Array): number {
    return potentialScaleReduction(z, 2 * this.chains, this.#half);
  }

  #essBelowQuantile(x: Float64Array, order: Uint32Array, p: number): number {
    const below = this.draws % 2 === 0 ? this.#work : new Float64Array(x.length);
    belowQuantile(x, order, p, below);
    return effectiveSize(this.#splitOf(below), this.#scratch);
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
  for (const value of x) squares += (value - mean) ** 2;
  return { mean, sd: Math.sqrt(squares / (x.length - 1)) };
}
