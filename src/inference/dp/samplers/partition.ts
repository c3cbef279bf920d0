/**
 * Which item sits in which cluster. Clusters are the rows 0 … count − 1 of whatever tables go
 * along; when one closes, the last row takes its place. Items point at slots that outlive such
 * moves, so that opening and closing cost the same at any number of items.
 */
import { internalError } from "../../../base/internal.js";

export class Partition {
  readonly items: number;
  /** Number of clusters in use. */
  count = 0;
  /** Slot of each item; −1 where it sits nowhere. */
  readonly slots: Int32Array;
  /** Row of each slot, slot of each row, and items in each row. */
  rowOf: Int32Array;
  slotOf: Int32Array;
  counts: Int32Array;
  readonly #free: number[] = [];
  #used = 0;

  constructor(items: number) {
    this.items = items;
    this.slots = new Int32Array(items).fill(-1);
    this.rowOf = new Int32Array(16);
    this.slotOf = new Int32Array(16);
    this.counts = new Int32Array(16);
  }

  /** The row of an item that sits somewhere. */
  row(item: number): number {
    return this.rowOf[this.slots[item]];
  }

  /** Opens an empty cluster and gives its row, the last one. */
  open(): number {
    const row = this.count++;
    const slot = this.#free.pop() ?? this.#used++;
    if (Math.max(row, slot) >= this.counts.length) this.#grow();
    this.rowOf[slot] = row;
    this.slotOf[row] = slot;
    this.counts[row] = 0;
    return row;
  }

  /** Closes an empty cluster; the last row, which is returned, moves to `row`. */
  close(row: number): number {
    if (this.counts[row] !== 0) internalError(`closing a cluster of ${this.counts[row]} items`);
    const last = --this.count;
    this.#free.push(this.slotOf[row]);
    if (last !== row) {
      this.counts[row] = this.counts[last];
      this.slotOf[row] = this.slotOf[last];
      this.rowOf[this.slotOf[row]] = row;
    }
    return last;
  }

  /** Puts an item that sits nowhere into a row. */
  seat(item: number, row: number): void {
    this.slots[item] = this.slotOf[row];
    this.counts[row]++;
  }

  /** Takes an item out; its cluster stays, perhaps empty. Gives the row. */
  unseat(item: number): number {
    const row = this.row(item);
    this.counts[row]--;
    this.slots[item] = -1;
    return row;
  }

  /** Moves an item that sits somewhere. */
  move(item: number, row: number): void {
    this.counts[this.row(item)]--;
    this.seat(item, row);
  }

  /** The row of each item, into `out`. */
  rows(out: Int32Array): Int32Array {
    for (let i = 0; i < this.items; i++) out[i] = this.rowOf[this.slots[i]];
    return out;
  }

  /** Puts every item into a row; rows are 0 … and none is empty. */
  reset(rows: ArrayLike<number>): void {
    this.count = 0;
    this.#free.length = 0;
    this.#used = 0;
    for (let i = 0; i < this.items; i++) {
      while (this.count <= rows[i]) this.open();
    }
    for (let i = 0; i < this.items; i++) this.seat(i, rows[i]);
  }

  #grow(): void {
    const wider = (a: Int32Array): Int32Array => {
      const b = new Int32Array(2 * a.length);
      b.set(a);
      return b;
    };
    this.rowOf = wider(this.rowOf);
    this.slotOf = wider(this.slotOf);
    this.counts = wider(this.counts);
  }
}

/**
 * Labels in the order of their first appearance: the first item is in cluster 0, and so on.
 * @param rows any labels ≥ 0
 * @param order receives at c the old label of cluster c
 * @returns the number of clusters
 */
export function canonical(rows: Int32Array, out: Int32Array, order: Int32Array): number {
  const seen = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) {
    let label = seen.get(rows[i]);
    if (label === undefined) {
      label = seen.size;
      order[label] = rows[i];
      seen.set(rows[i], label);
    }
    out[i] = label;
  }
  return seen.size;
}
