/**
 * MvNormal observations of unknown mean and covariance, NormalInverseWishart(m, κ, ν, S) in each
 * cluster. The predictive is a multivariate t (Murphy 2007, § 9.4); with S = L Lᵀ and
 * q = |L⁻¹(y − m)|²,
 * score = log Γ((ν + 1)/2) − log Γ((ν + 1 − D)/2) + (D/2) log(2κ/(κ + 1)) − ½ log |S|
 *         − ((ν + 1)/2) log(1 + κq/(κ + 1)).
 * An item changes S by a matrix of rank one, so L is updated in D² steps (Golub and Van Loan,
 * Matrix Computations, 4th ed., § 6.5.4).
 */
import { internalError } from "../../../../base/internal.js";
import { cholesky } from "../../../../math/linalg/index.js";
import { lgamma, lmvgamma } from "../../../../math/special/index.js";
import type { ConjugateComponents } from "../../contract.js";
import { type ClusterTable, freshScores, grown } from "./contract.js";

export class NormalInverseWishartTable implements ClusterTable {
  readonly #model: ConjugateComponents;
  readonly #d: number;
  readonly #y: Float64Array;
  #m: Float64Array;
  #kappa = 1;
  #nu = 1;
  #l: Float64Array;
  #logDet = 0;
  #byCount: Float64Array = new Float64Array(0);
  // Of each row: items, mean, factor of S with log |S|, constant of the score.
  #counts: Float64Array = new Float64Array(8);
  #means: Float64Array;
  #factors: Float64Array;
  #logDets: Float64Array = new Float64Array(8);
  #constants: Float64Array = new Float64Array(8);
  readonly #savedMean: Float64Array;
  readonly #savedFactor: Float64Array;
  readonly #saved = new Float64Array(3);
  readonly #e: Float64Array;
  readonly #fresh: Float64Array;
  #isFreshKnown = false;

  /** Where each item is one observation: s = (−½, −y yᵀ/2, y, −½). */
  static make(model: ConjugateComponents, items: number): ClusterTable | undefined {
    const d = model.setting.size;
    const s = model.contributions();
    const width = d * d + d + 2;
    for (let i = 0; i < items; i++) {
      const row = s.subarray(i * width, (i + 1) * width);
      if (row[0] !== -0.5 || row[width - 1] !== -0.5) return undefined;
      for (let a = 0; a < d; a++) {
        for (let b = 0; b < d; b++) {
          const product = row[1 + d * d + a] * row[1 + d * d + b];
          const twice = -2 * row[1 + a * d + b];
          if (!(Math.abs(twice - product) <= 1e-12 * Math.abs(product))) return undefined;
        }
      }
    }
    return new NormalInverseWishartTable(model, items);
  }

  private constructor(model: ConjugateComponents, items: number) {
    const d = model.setting.size;
    this.#model = model;
    this.#d = d;
    this.#y = new Float64Array(items * d);
    this.#m = new Float64Array(d);
    this.#l = new Float64Array(d * d);
    this.#means = new Float64Array(8 * d);
    this.#factors = new Float64Array(8 * d * d);
    this.#savedMean = new Float64Array(d);
    this.#savedFactor = new Float64Array(d * d);
    this.#e = new Float64Array(d);
    this.#fresh = new Float64Array(items);
    this.reread();
  }

  reread(): void {
    const d = this.#d;
    const width = d * d + d + 2;
    const s = this.#model.contributions();
    for (let i = 0; i < this.#fresh.length; i++) {
      for (let a = 0; a < d; a++) this.#y[i * d + a] = s[i * width + 1 + d * d + a];
    }
    const eta = this.#model.prior();
    this.#kappa = -2 * eta[width - 1];
    this.#nu = -2 * eta[0] - d - 2;
    this.#m = eta.slice(1 + d * d, 1 + d * d + d).map((v) => v / this.#kappa);
    const scale = new Float64Array(d * d);
    for (let a = 0; a < d; a++) {
      for (let b = 0; b < d; b++) {
        scale[a * d + b] = -2 * eta[1 + a * d + b] - this.#kappa * this.#m[a] * this.#m[b];
      }
    }
    this.#l = cholesky(scale, d) ?? internalError("the base's scale is not positive definite");
    this.#logDet = 0;
    for (let a = 0; a < d; a++) this.#logDet += 2 * Math.log(this.#l[a * d + a]);
    this.#byCount = new Float64Array(0);
    this.#isFreshKnown = false;
  }

  reserve(rows: number): void {
    this.#counts = grown(this.#counts, rows);
    this.#means = grown(this.#means, rows * this.#d);
    this.#factors = grown(this.#factors, rows * this.#d * this.#d);
    this.#logDets = grown(this.#logDets, rows);
    this.#constants = grown(this.#constants, rows);
  }
  clear(row: number): void {
    this.#means.set(this.#m, row * this.#d);
    this.#factors.set(this.#l, row * this.#d * this.#d);
    this.#set(row, 0);
  }
  add(row: number, item: number): void {
    const d = this.#d;
    const n = this.#counts[row];
    const kappa = this.#kappa + n;
    const scale = Math.sqrt(kappa / (kappa + 1));
    for (let a = 0; a < d; a++) {
      const e = this.#y[item * d + a] - this.#means[row * d + a];
      this.#means[row * d + a] += e / (kappa + 1);
      this.#e[a] = e * scale;
    }
    this.#rankOne(row, 1);
    this.#set(row, n + 1);
  }
  remove(row: number, item: number): boolean {
    const d = this.#d;
    const n = this.#counts[row] - 1;
    const kappa = this.#kappa + n;
    const scale = Math.sqrt((kappa + 1) / kappa);
    for (let a = 0; a < d; a++) {
      const e = this.#y[item * d + a] - this.#means[row * d + a];
      this.#means[row * d + a] -= e / kappa;
      this.#e[a] = e * scale;
    }
    if (!this.#rankOne(row, -1)) return false;
    this.#set(row, n);
    return true;
  }

  copy(from: number, to: number): void {
    const d = this.#d;
    this.#counts[to] = this.#counts[from];
    this.#means.copyWithin(to * d, from * d, (from + 1) * d);
    this.#factors.copyWithin(to * d * d, from * d * d, (from + 1) * d * d);
    this.#logDets[to] = this.#logDets[from];
    this.#constants[to] = this.#constants[from];
  }
  save(row: number): void {
    const d = this.#d;
    for (let a = 0; a < d; a++) this.#savedMean[a] = this.#means[row * d + a];
    for (let a = 0; a < d * d; a++) this.#savedFactor[a] = this.#factors[row * d * d + a];
    this.#saved[0] = this.#counts[row];
    this.#saved[1] = this.#logDets[row];
    this.#saved[2] = this.#constants[row];
  }
  restore(row: number): void {
    const d = this.#d;
    for (let a = 0; a < d; a++) this.#means[row * d + a] = this.#savedMean[a];
    for (let a = 0; a < d * d; a++) this.#factors[row * d * d + a] = this.#savedFactor[a];
    this.#counts[row] = this.#saved[0];
    this.#logDets[row] = this.#saved[1];
    this.#constants[row] = this.#saved[2];
  }

  addScores(item: number, count: number, out: Float64Array): void {
    for (let c = 0; c < count; c++) out[c] += this.score(c, item);
  }
  score(row: number, item: number): number {
    const d = this.#d;
    const l = this.#factors;
    const z = this.#e;
    const kappa = this.#kappa + this.#counts[row];
    let q = 0;
    for (let a = 0; a < d; a++) {
      const at = (row * d + a) * d;
      let v = this.#y[item * d + a] - this.#means[row * d + a];
      for (let b = 0; b < a; b++) v -= l[at + b] * z[b];
      v /= l[at + a];
      z[a] = v;
      q += v * v;
    }
    const power = 0.5 * (this.#nu + this.#counts[row] + 1);
    return this.#constants[row] - power * Math.log1p((kappa * q) / (kappa + 1));
  }
  fresh(): Float64Array {
    if (!this.#isFreshKnown) {
      freshScores(this, this.#fresh);
      this.#isFreshKnown = true;
    }
    return this.#fresh;
  }
  logMarginal(row: number): number {
    const d = this.#d;
    const a = (nu: number, kappa: number, logDet: number): number =>
      lmvgamma(d, nu / 2) + (nu / 2) * (d * Math.LN2 - logDet) - (d / 2) * Math.log(kappa);
    const n = this.#counts[row];
    const own = a(this.#nu + n, this.#kappa + n, this.#logDets[row]);
    return own - a(this.#nu, this.#kappa, this.#logDet);
  }

  /** L Lᵀ ± e eᵀ with e in `#e`, which is used up; false where a pivot loses eight digits. */
  #rankOne(row: number, sign: 1 | -1): boolean {
    const d = this.#d;
    const l = this.#factors;
    const e = this.#e;
    const base = row * d * d;
    for (let k = 0; k < d; k++) {
      const pivot = l[base + k * d + k];
      const square = pivot * pivot + sign * e[k] * e[k];
      if (!(square > 1e-8 * pivot * pivot)) return false;
      const next = Math.sqrt(square);
      const c = next / pivot;
      const s = e[k] / pivot;
      l[base + k * d + k] = next;
      for (let j = k + 1; j < d; j++) {
        const at = base + j * d + k;
        l[at] = (l[at] + sign * s * e[j]) / c;
        e[j] = c * e[j] - s * l[at];
      }
    }
    return true;
  }
  #set(row: number, n: number): void {
    const d = this.#d;
    let logDet = 0;
    for (let a = 0; a < d; a++) logDet += 2 * Math.log(this.#factors[(row * d + a) * d + a]);
    this.#counts[row] = n;
    this.#logDets[row] = logDet;
    this.#constants[row] = this.#constantOf(n) - 0.5 * logDet;
  }
  #constantOf(n: number): number {
    if (n >= this.#byCount.length) {
      const known = this.#byCount.length;
      this.#byCount = grown(this.#byCount, n + 16);
      for (let k = known; k < this.#byCount.length; k++) {
        const nu = this.#nu + k;
        const kappa = this.#kappa + k;
        const ratio = (this.#d / 2) * Math.log((2 * kappa) / (kappa + 1));
        this.#byCount[k] = lgamma((nu + 1) / 2) - lgamma((nu + 1 - this.#d) / 2) + ratio;
      }
    }
    return this.#byCount[n];
  }
}
