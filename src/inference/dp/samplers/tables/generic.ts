/** A table for any family, by differences of its log-normaliser. */
import type { ConjugateComponents } from "../../contract.js";
import { type ClusterTable, grown } from "./contract.js";

export class GenericTable implements ClusterTable {
  readonly #model: ConjugateComponents;
  #prior: Float64Array;
  #contributions: Float64Array;
  #priorNormaliser = 0;
  readonly #width: number;
  #etas: Float64Array;
  #normalisers: Float64Array;
  readonly #saved: Float64Array;
  #savedNormaliser = 0;
  readonly #sum: Float64Array;
  readonly #fresh: Float64Array;
  #isFreshKnown = false;

  constructor(model: ConjugateComponents, items: number) {
    this.#model = model;
    this.#prior = model.prior();
    this.#contributions = model.contributions();
    this.#width = this.#prior.length;
    this.#etas = new Float64Array(8 * this.#width);
    this.#normalisers = new Float64Array(8);
    this.#saved = new Float64Array(this.#width);
    this.#sum = new Float64Array(this.#width);
    this.#fresh = new Float64Array(items);
    this.reread();
  }

  reread(): void {
    this.#prior = this.#model.prior();
    this.#contributions = this.#model.contributions();
    this.#priorNormaliser = this.#model.family.logNormaliser(this.#prior, this.#model.setting);
    this.#isFreshKnown = false;
  }

  reserve(rows: number): void {
    this.#etas = grown(this.#etas, rows * this.#width);
    this.#normalisers = grown(this.#normalisers, rows);
  }

  clear(row: number): void {
    this.#etas.set(this.#prior, row * this.#width);
    this.#normalisers[row] = this.#priorNormaliser;
  }

  add(row: number, item: number): void {
    this.#shift(row, item, 1);
  }
  remove(row: number, item: number): boolean {
    this.#shift(row, item, -1);
    return this.#model.family.isValid(this.#eta(row), this.#model.setting);
  }

  copy(from: number, to: number): void {
    this.#etas.copyWithin(to * this.#width, from * this.#width, (from + 1) * this.#width);
    this.#normalisers[to] = this.#normalisers[from];
  }
  save(row: number): void {
    this.#saved.set(this.#eta(row));
    this.#savedNormaliser = this.#normalisers[row];
  }
  restore(row: number): void {
    this.#etas.set(this.#saved, row * this.#width);
    this.#normalisers[row] = this.#savedNormaliser;
  }

  addScores(item: number, count: number, out: Float64Array): void {
    for (let c = 0; c < count; c++) out[c] += this.score(c, item);
  }
  score(row: number, item: number): number {
    const w = this.#width;
    for (let k = 0; k < w; k++) {
      this.#sum[k] = this.#etas[row * w + k] + this.#contributions[item * w + k];
    }
    return this.#normaliser(this.#sum) - this.#normaliserOf(row);
  }

  fresh(): Float64Array {
    if (!this.#isFreshKnown) {
      this.#sum.set(this.#prior);
      const w = this.#width;
      for (let i = 0; i < this.#fresh.length; i++) {
        for (let k = 0; k < w; k++) {
          this.#sum[k] = this.#prior[k] + this.#contributions[i * w + k];
        }
        this.#fresh[i] = this.#normaliser(this.#sum) - this.#priorNormaliser;
      }
      this.#isFreshKnown = true;
    }
    return this.#fresh;
  }

  logMarginal(row: number): number {
    return this.#normaliserOf(row) - this.#priorNormaliser;
  }

  #eta(row: number): Float64Array {
    return this.#etas.subarray(row * this.#width, (row + 1) * this.#width);
  }
  #normaliser(eta: Float64Array): number {
    return this.#model.family.logNormaliser(eta, this.#model.setting);
  }
  /** The normaliser of a row, taken when it is first asked for after a change. */
  #normaliserOf(row: number): number {
    const known = this.#normalisers[row];
    if (!Number.isNaN(known)) return known;
    const found = this.#normaliser(this.#eta(row));
    this.#normalisers[row] = found;
    return found;
  }
  #shift(row: number, item: number, sign: number): void {
    const w = this.#width;
    for (let k = 0; k < w; k++) {
      this.#etas[row * w + k] += sign * this.#contributions[item * w + k];
    }
    this.#normalisers[row] = Number.NaN;
  }
}
