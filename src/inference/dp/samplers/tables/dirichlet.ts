/**
 * One category for each item with Dirichlet weights, or one success or failure with a Beta: the
 * predictive is (α_k + n_k) / Σ (α + n), its logarithm kept for each row and category.
 */
import { lgamma } from "../../../../math/special/index.js";
import type { ConjugateComponents } from "../../contract.js";
import { type ClusterTable, grown } from "./contract.js";

export class DirichletTable implements ClusterTable {
  readonly #model: ConjugateComponents;
  readonly #k: number;
  readonly #category: Int32Array;
  #alpha: Float64Array;
  #total = 0;
  // Of each row: α + n and log((α_k + n_k) / total), k apart from the next row; the totals.
  #weights: Float64Array;
  #logs: Float64Array;
  #totals: Float64Array = new Float64Array(8);
  readonly #savedWeights: Float64Array;
  readonly #savedLogs: Float64Array;
  #savedTotal = 0;
  readonly #fresh: Float64Array;

  /** Where each contribution is the unit vector of one category. */
  static make(model: ConjugateComponents, items: number): DirichletTable | undefined {
    const s = model.contributions();
    const k = model.prior().length;
    const category = new Int32Array(items);
    for (let i = 0; i < items; i++) {
      const row = s.subarray(i * k, (i + 1) * k);
      category[i] = row.indexOf(1);
      if (category[i] < 0 || row.some((v, j) => v !== (j === category[i] ? 1 : 0))) {
        return undefined;
      }
    }
    return new DirichletTable(model, category);
  }

  private constructor(model: ConjugateComponents, category: Int32Array) {
    const k = model.prior().length;
    this.#model = model;
    this.#k = k;
    this.#category = category;
    this.#alpha = new Float64Array(k);
    this.#weights = new Float64Array(8 * k);
    this.#logs = new Float64Array(8 * k);
    this.#savedWeights = new Float64Array(k);
    this.#savedLogs = new Float64Array(k);
    this.#fresh = new Float64Array(category.length);
    this.reread();
  }

  /** Data of one category never change: only the prior is read. */
  reread(): void {
    this.#alpha = this.#model.prior().map((e) => e + 1);
    this.#total = this.#alpha.reduce((sum, a) => sum + a, 0);
    for (let i = 0; i < this.#fresh.length; i++) {
      this.#fresh[i] = Math.log(this.#alpha[this.#category[i]] / this.#total);
    }
  }
  reserve(rows: number): void {
    this.#weights = grown(this.#weights, rows * this.#k);
    this.#logs = grown(this.#logs, rows * this.#k);
    this.#totals = grown(this.#totals, rows);
  }
  clear(row: number): void {
    this.#weights.set(this.#alpha, row * this.#k);
    this.#set(row, this.#total);
  }
  add(row: number, item: number): void {
    this.#weights[row * this.#k + this.#category[item]] += 1;
    this.#set(row, this.#totals[row] + 1);
  }
  remove(row: number, item: number): boolean {
    const at = row * this.#k + this.#category[item];
    this.#weights[at] -= 1;
    this.#set(row, this.#totals[row] - 1);
    // A tiny α has lost its digits beside the count.
    return this.#weights[at] > 1e-6;
  }
  copy(from: number, to: number): void {
    const k = this.#k;
    this.#weights.copyWithin(to * k, from * k, (from + 1) * k);
    this.#logs.copyWithin(to * k, from * k, (from + 1) * k);
    this.#totals[to] = this.#totals[from];
  }
  save(row: number): void {
    const k = this.#k;
    for (let j = 0; j < k; j++) {
      this.#savedWeights[j] = this.#weights[row * k + j];
      this.#savedLogs[j] = this.#logs[row * k + j];
    }
    this.#savedTotal = this.#totals[row];
  }
  restore(row: number): void {
    this.#weights.set(this.#savedWeights, row * this.#k);
    this.#logs.set(this.#savedLogs, row * this.#k);
    this.#totals[row] = this.#savedTotal;
  }
  addScores(item: number, count: number, out: Float64Array): void {
    const k = this.#k;
    const logs = this.#logs;
    for (let c = 0, at = this.#category[item]; c < count; c++, at += k) out[c] += logs[at];
  }
  score(row: number, item: number): number {
    return this.#logs[row * this.#k + this.#category[item]];
  }
  fresh(): Float64Array {
    return this.#fresh;
  }
  logMarginal(row: number): number {
    let sum = lgamma(this.#total) - lgamma(this.#totals[row]);
    for (let j = 0; j < this.#k; j++) {
      sum += lgamma(this.#weights[row * this.#k + j]) - lgamma(this.#alpha[j]);
    }
    return sum;
  }
  #set(row: number, total: number): void {
    this.#totals[row] = total;
    const inverse = 1 / total;
    for (let j = row * this.#k; j < (row + 1) * this.#k; j++) {
      this.#logs[j] = Math.log(this.#weights[j] * inverse);
    }
  }
}
