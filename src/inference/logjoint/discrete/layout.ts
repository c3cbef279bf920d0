/**
 * The discrete part of a model as numbers: elements with finitely many values, and log tables over
 * them. Where the tables stand is known from the model and the data; their numbers change with
 * every draw of the continuous sites.
 */
import type { Factor } from "./factors.js";
import type { DiscreteSite } from "./references.js";

/** One factor: a table that is laid over many tuples of elements. */
export interface TableLayout {
  readonly label: string;
  /** Numbers in the table. */
  readonly size: number;
  /** Where each tuple's values start in the table; tuples may share them. */
  readonly starts: Int32Array;
  readonly references: readonly {
    /** The element that each tuple reads. */
    readonly elements: Float64Array;
    /** The step in the table from one value of that element to the next; 0 where it is alike. */
    readonly stride: number;
  }[];
}

export interface FactorGraph {
  /** How many values each element has. */
  readonly counts: Int32Array;
  readonly factors: readonly TableLayout[];
}

/** Where a factor's table lies over its tuples; `factor.table` has its numbers. */
export function layoutOf(factor: Factor): TableLayout {
  const { label, loops, references, table } = factor;
  const strides = new Map<string, number>();
  let size = 1;
  for (const axis of [...table.axes].reverse()) {
    strides.set(axis.name, size);
    size *= axis.size;
  }
  let starts = new Int32Array(1);
  for (const { name, size: n } of loops) {
    const stride = strides.get(name) ?? 0;
    const next = new Int32Array(starts.length * n);
    starts.forEach((start, i) => {
      for (let k = 0; k < n; k++) next[i * n + k] = start + k * stride;
    });
    starts = next;
  }
  return {
    label,
    size,
    starts,
    references: references.map((r) => ({
      elements: r.elements,
      stride: strides.get(r.axis.name) ?? 0,
    })),
  };
}

/** How many values each element has. */
export function elementCounts(sites: readonly DiscreteSite[]): Int32Array {
  const total = sites.reduce((n, s) => n + s.dims.reduce((m, d) => m * d, 1), 0);
  const counts = new Int32Array(total);
  for (const { offset, dims, count } of sites) {
    counts.fill(count, offset, offset + dims.reduce((m, d) => m * d, 1));
  }
  return counts;
}
