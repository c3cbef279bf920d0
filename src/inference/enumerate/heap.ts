/** A binary heap of (cost, item) with the least cost first, then the smallest item. */
export class CostHeap {
  readonly #costs: number[] = [];
  readonly #items: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(cost: number, item: number): void {
    let at = this.#items.length;
    this.#costs.push(cost);
    this.#items.push(item);
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!this.#isBefore(at, up)) break;
      this.#swap(at, up);
      at = up;
    }
  }

  /** Removes the first; undefined where the heap is empty. */
  pop(): { readonly cost: number; readonly item: number } | undefined {
    if (this.#items.length === 0) return undefined;
    const last = this.#items.length - 1;
    this.#swap(0, last);
    const cost = this.#costs.pop() ?? 0;
    const item = this.#items.pop() ?? 0;
    for (let at = 0; ; ) {
      let least = at;
      for (const down of [2 * at + 1, 2 * at + 2]) {
        if (down < last && this.#isBefore(down, least)) least = down;
      }
      if (least === at) break;
      this.#swap(at, least);
      at = least;
    }
    return { cost, item };
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#costs[a], this.#costs[b]];
    return x < y || (x === y && this.#items[a] < this.#items[b]);
  }

  #swap(a: number, b: number): void {
    for (const list of [this.#costs, this.#items]) {
      const kept = list[a];
      list[a] = list[b];
      list[b] = kept;
    }
  }
}
