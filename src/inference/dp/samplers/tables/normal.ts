/**
 * Normal observations of one known precision w with a normal mean: the predictive of a cluster is
 * normal, of mean m = η₁/P and variance 1/P + 1/w, where P = −2η₂. In scores: with s = (wy, −w/2),
 * A(η + s) − A(η) = ½ log(P/(P + w)) + wy²/2 − ½ (y − m)² / (1/P + 1/w).
 */
import { internalError } from "../../../../base/internal.js";
import type { ConjugateComponents } from "../../contract.js";
import { type ClusterTable, freshScores, grown } from "./contract.js";

export class NormalTable implements ClusterTable {
  readonly #model: ConjugateComponents;
  readonly #y: Float64Array;
  #weight: number;
  #priorMean = 0;
  #priorPrecision = 1;
  // Of each row: mean, precision, and the score's constant and half inverse variance.
  #means: Float64Array = new Float64Array(8);
  #precisions: Float64Array = new Float64Array(8);
  #constants: Float64Array = new Float64Array(8);
  #halves: Float64Array = new Float64Array(8);
  readonly #saved = new Float64Array(4);
  readonly #fresh: Float64Array;
  #isFreshKnown = false;

  /** Where all contributions are (wy, −w/2) with one w > 0. */
  static make(model: ConjugateComponents, items: number): NormalTable | undefined {
    const s = model.contributions();
    if (items === 0 || !(s[1] < 0)) return undefined;
    for (let i = 1; i < items; i++) if (s[2 * i + 1] !== s[1]) return undefined;
    return new NormalTable(model, items);
  }

  private constructor(model: ConjugateComponents, items: number) {
    this.#model = model;
    this.#y = new Float64Array(items);
    this.#weight = 1;
    this.#fresh = new Float64Array(items);
    this.reread();
  }

  reread(): void {
    const s = this.#model.contributions();
    const prior = this.#model.prior();
    this.#weight = -2 * s[1];
    for (let i = 0; i < this.#y.length; i++) {
      if (s[2 * i + 1] !== s[1]) internalError("precisions of items became unequal");
      this.#y[i] = s[2 * i] / this.#weight;
    }
    this.#priorPrecision = -2 * prior[1];
    this.#priorMean = prior[0] / this.#priorPrecision;
    this.#isFreshKnown = false;
  }

  reserve(rows: number): void {
    this.#means = grown(this.#means, rows);
    this.#precisions = grown(this.#precisions, rows);
    this.#constants = grown(this.#constants, rows);
    this.#halves = grown(this.#halves, rows);
  }
  clear(row: number): void {
    this.#means[row] = this.#priorMean;
    this.#setPrecision(row, this.#priorPrecision);
  }
  add(row: number, item: number): void {
    const w = this.#weight;
    const precision = this.#precisions[row] + w;
    this.#means[row] += (w / precision) * (this.#y[item] - this.#means[row]);
    this.#setPrecision(row, precision);
  }
  remove(row: number, item: number): boolean {
    const w = this.#weight;
    const precision = this.#precisions[row] - w;
    // A flat prior beside which w counts much: little is left of the prior's digits.
    if (!(precision > 1e-6 * w)) return false;
    this.#means[row] -= (w / precision) * (this.#y[item] - this.#means[row]);
    this.#setPrecision(row, precision);
    return true;
  }

  copy(from: number, to: number): void {
    this.#means[to] = this.#means[from];
    this.#precisions[to] = this.#precisions[from];
    this.#constants[to] = this.#constants[from];
    this.#halves[to] = this.#halves[from];
  }
  save(row: number): void {
    this.#saved[0] = this.#means[row];
    this.#saved[1] = this.#precisions[row];
    this.#saved[2] = this.#constants[row];
    this.#saved[3] = this.#halves[row];
  }
  restore(row: number): void {
    this.#means[row] = this.#saved[0];
    this.#precisions[row] = this.#saved[1];
    this.#constants[row] = this.#saved[2];
    this.#halves[row] = this.#saved[3];
  }

  addScores(item: number, count: number, out: Float64Array): void {
    const y = this.#y[item];
    const means = this.#means;
    const constants = this.#constants;
    const halves = this.#halves;
    const square = (this.#weight / 2) * y * y;
    for (let c = 0; c < count; c++) {
      const e = y - means[c];
      out[c] += square + constants[c] - e * e * halves[c];
    }
  }
  score(row: number, item: number): number {
    const y = this.#y[item];
    const e = y - this.#means[row];
    return (this.#weight / 2) * y * y + this.#constants[row] - e * e * this.#halves[row];
  }
  fresh(): Float64Array {
    if (!this.#isFreshKnown) {
      freshScores(this, this.#fresh);
      this.#isFreshKnown = true;
    }
    return this.#fresh;
  }
  logMarginal(row: number): number {
    const a = (m: number, p: number): number => (m * m * p) / 2 - Math.log(p) / 2;
    const own = a(this.#means[row], this.#precisions[row]);
    return own - a(this.#priorMean, this.#priorPrecision);
  }

  #setPrecision(row: number, precision: number): void {
    const sum = precision + this.#weight;
    this.#precisions[row] = precision;
    this.#constants[row] = Math.log(precision / sum) / 2;
    this.#halves[row] = (precision * this.#weight) / sum / 2;
  }
}
