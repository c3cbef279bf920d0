/**
 * Normal observations of unknown mean and precision, NormalGamma(m, κ, a, b) in each cluster: the
 * predictive is Student's t with 2a degrees of freedom (Murphy 2007, § 3.5),
 * score = log Γ(a + ½) − log Γ(a) − ½ log b − ½ log((κ + 1)/κ)
 *         − (a + ½) log(1 + κ(y − m)²/(2b(κ + 1))).
 * What depends on the number of items alone is tabulated; the rest changes with the row.
 */
import { lgamma } from "../../../../math/special/index.js";
import type { ConjugateComponents } from "../../contract.js";
import { type ClusterTable, freshScores, grown } from "./contract.js";

export class NormalGammaTable implements ClusterTable {
  readonly #model: ConjugateComponents;
  readonly #y: Float64Array;
  #m = 0;
  #kappa = 1;
  #shape = 1;
  #rate = 1;
  /** Constant of the score by the number of items, as far as known. */
  #byCount: Float64Array = new Float64Array(0);
  // Of each row: items, mean, rate, the score's constant, and κ/(2b(κ + 1)).
  #counts: Float64Array = new Float64Array(8);
  #means: Float64Array = new Float64Array(8);
  #rates: Float64Array = new Float64Array(8);
  #constants: Float64Array = new Float64Array(8);
  #factors: Float64Array = new Float64Array(8);
  readonly #saved = new Float64Array(5);
  readonly #fresh: Float64Array;
  #isFreshKnown = false;

  /** Where each item is one observation of weight 1: s = (½, −y²/2, y, −½). */
  static make(model: ConjugateComponents, items: number): NormalGammaTable | undefined {
    const s = model.contributions();
    for (let i = 0; i < items; i++) {
      const [half, square, y, weight] = s.subarray(4 * i, 4 * i + 4);
      if (half !== 0.5 || weight !== -0.5) return undefined;
      if (!(Math.abs(square + (y * y) / 2) <= 1e-12 * y * y)) return undefined;
    }
    return new NormalGammaTable(model, items);
  }

  private constructor(model: ConjugateComponents, items: number) {
    this.#model = model;
    this.#y = new Float64Array(items);
    this.#fresh = new Float64Array(items);
    this.reread();
  }

  reread(): void {
    const s = this.#model.contributions();
    for (let i = 0; i < this.#y.length; i++) this.#y[i] = s[4 * i + 2];
    const prior = this.#model.prior();
    const kappa = -2 * prior[3];
    const m = prior[2] / kappa;
    const shape = prior[0] + 0.5;
    if (shape !== this.#shape || kappa !== this.#kappa) this.#byCount = new Float64Array(0);
    this.#kappa = kappa;
    this.#shape = shape;
    this.#m = m;
    this.#rate = -prior[1] - (kappa * m * m) / 2;
    this.#isFreshKnown = false;
  }

  reserve(rows: number): void {
    this.#counts = grown(this.#counts, rows);
    this.#means = grown(this.#means, rows);
    this.#rates = grown(this.#rates, rows);
    this.#constants = grown(this.#constants, rows);
    this.#factors = grown(this.#factors, rows);
  }
  clear(row: number): void {
    this.#means[row] = this.#m;
    this.#set(row, 0, this.#rate);
  }
  add(row: number, item: number): void {
    const n = this.#counts[row];
    const kappa = this.#kappa + n;
    const e = this.#y[item] - this.#means[row];
    this.#means[row] += e / (kappa + 1);
    this.#set(row, n + 1, this.#rates[row] + (0.5 * kappa * e * e) / (kappa + 1));
  }
  remove(row: number, item: number): boolean {
    const n = this.#counts[row] - 1;
    const kappa = this.#kappa + n;
    const e = this.#y[item] - this.#means[row];
    const before = this.#rates[row];
    const rate = before - (0.5 * (kappa + 1) * e * e) / kappa;
    // Six digits lost, or a prior of the mean too flat beside an item: count the row anew.
    if (!(rate > 1e-6 * before && kappa > 1e-6)) return false;
    this.#means[row] -= e / kappa;
    this.#set(row, n, rate);
    return true;
  }

  copy(from: number, to: number): void {
    this.#counts[to] = this.#counts[from];
    this.#means[to] = this.#means[from];
    this.#rates[to] = this.#rates[from];
    this.#constants[to] = this.#constants[from];
    this.#factors[to] = this.#factors[from];
  }
  save(row: number): void {
    this.#saved[0] = this.#counts[row];
    this.#saved[1] = this.#means[row];
    this.#saved[2] = this.#rates[row];
    this.#saved[3] = this.#constants[row];
    this.#saved[4] = this.#factors[row];
  }
  restore(row: number): void {
    this.#counts[row] = this.#saved[0];
    this.#means[row] = this.#saved[1];
    this.#rates[row] = this.#saved[2];
    this.#constants[row] = this.#saved[3];
    this.#factors[row] = this.#saved[4];
  }

  addScores(item: number, count: number, out: Float64Array): void {
    const y = this.#y[item];
    const half = this.#shape + 0.5;
    const counts = this.#counts;
    const means = this.#means;
    const constants = this.#constants;
    const factors = this.#factors;
    for (let c = 0; c < count; c++) {
      const e = y - means[c];
      // log(1 + q) loses ε of the argument; times a few thousand items that is 1e-12 at most.
      out[c] += constants[c] - (half + 0.5 * counts[c]) * Math.log(1 + e * e * factors[c]);
    }
  }
  score(row: number, item: number): number {
    const e = this.#y[item] - this.#means[row];
    const power = this.#shape + 0.5 + 0.5 * this.#counts[row];
    return this.#constants[row] - power * Math.log1p(e * e * this.#factors[row]);
  }
  fresh(): Float64Array {
    if (!this.#isFreshKnown) {
      freshScores(this, this.#fresh);
      this.#isFreshKnown = true;
    }
    return this.#fresh;
  }
  logMarginal(row: number): number {
    const n = this.#counts[row];
    const a = (shape: number, rate: number, kappa: number): number =>
      lgamma(shape) - shape * Math.log(rate) - Math.log(kappa) / 2;
    const own = a(this.#shape + n / 2, this.#rates[row], this.#kappa + n);
    return own - a(this.#shape, this.#rate, this.#kappa);
  }

  #set(row: number, n: number, rate: number): void {
    const kappa = this.#kappa + n;
    this.#counts[row] = n;
    this.#rates[row] = rate;
    this.#constants[row] = this.#constantOf(n) - 0.5 * Math.log(rate);
    this.#factors[row] = kappa / (2 * rate * (kappa + 1));
  }
  #constantOf(n: number): number {
    if (n >= this.#byCount.length) {
      const known = this.#byCount.length;
      this.#byCount = grown(this.#byCount, n + 16);
      for (let k = known; k < this.#byCount.length; k++) {
        const shape = this.#shape + k / 2;
        const kappa = this.#kappa + k;
        const ratio = Math.log(kappa / (kappa + 1)) / 2;
        this.#byCount[k] = lgamma(shape + 0.5) - lgamma(shape) + ratio;
      }
    }
    return this.#byCount[n];
  }
}
