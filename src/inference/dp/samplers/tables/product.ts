/** A table whose clusters have independent parameters: one table for each, scores added. */
import { internalError } from "../../../../base/internal.js";
import type { ConjugateComponents } from "../../contract.js";
import { isProduct } from "../../product.js";
import type { ClusterTable } from "./contract.js";

export class ProductTable implements ClusterTable {
  readonly #parts: readonly ClusterTable[];
  readonly #slices: (() => void)[];
  readonly #fresh: Float64Array;

  constructor(
    model: ConjugateComponents,
    items: number,
    make: (part: ConjugateComponents, items: number) => ClusterTable,
  ) {
    if (!isProduct(model.family)) internalError(`${model.family.name} is no product of families`);
    const width = model.prior().length;
    this.#slices = [];
    let offset = 0;
    this.#parts = model.family.parts.map(({ family, setting, naturals }) => {
      const from = offset;
      offset += naturals;
      const own = new Float64Array(items * naturals);
      const slice = (): void => {
        const all = model.contributions();
        for (let i = 0; i < items; i++) {
          own.set(all.subarray(i * width + from, i * width + from + naturals), i * naturals);
        }
      };
      slice();
      this.#slices.push(slice);
      const part: ConjugateComponents = {
        family,
        setting,
        prior: () => model.prior().slice(from, from + naturals),
        contributions: () => own,
        offsets: model.offsets,
      };
      return make(part, items);
    });
    this.#fresh = new Float64Array(items);
    this.#sumFresh();
  }

  reread(): void {
    for (const slice of this.#slices) slice();
    for (const part of this.#parts) part.reread();
    this.#sumFresh();
  }
  reserve(rows: number): void {
    for (const part of this.#parts) part.reserve(rows);
  }
  clear(row: number): void {
    for (const part of this.#parts) part.clear(row);
  }
  add(row: number, item: number): void {
    for (const part of this.#parts) part.add(row, item);
  }
  remove(row: number, item: number): boolean {
    let isGood = true;
    for (const part of this.#parts) if (!part.remove(row, item)) isGood = false;
    return isGood;
  }
  copy(from: number, to: number): void {
    for (const part of this.#parts) part.copy(from, to);
  }
  save(row: number): void {
    for (const part of this.#parts) part.save(row);
  }
  restore(row: number): void {
    for (const part of this.#parts) part.restore(row);
  }
  addScores(item: number, count: number, out: Float64Array): void {
    for (const part of this.#parts) part.addScores(item, count, out);
  }
  score(row: number, item: number): number {
    let sum = 0;
    for (const part of this.#parts) sum += part.score(row, item);
    return sum;
  }
  fresh(): Float64Array {
    return this.#fresh;
  }
  logMarginal(row: number): number {
    let sum = 0;
    for (const part of this.#parts) sum += part.logMarginal(row);
    return sum;
  }
  #sumFresh(): void {
    this.#fresh.fill(0);
    for (const part of this.#parts) {
      const own = part.fresh();
      for (let i = 0; i < own.length; i++) this.#fresh[i] += own[i];
    }
  }
}
