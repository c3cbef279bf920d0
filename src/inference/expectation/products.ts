/**
 * Columns that are products of columns of known arrays (the x xᵀ of quadratic statistics), as a node
 * over these arrays: where the product itself would be too large, it is formed when it is read, and
 * for a block of its rows at a time where passes over the data are blocked.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { constant, offsets, stridesBy } from "./arrays.js";
import { spreadNode } from "./coefficients.js";
import { type Axis, axesSize, type Coefficient, type Constant } from "./terms.js";

export interface Columns {
  /** Summed axes whose entries are the columns. */
  readonly bundle: readonly Axis[];
  /** The other axes of the known arrays. */
  readonly kept: readonly Axis[];
  /** Of each column its group, −1 for none; the columns of a group are added up. */
  readonly group: Int32Array;
  /** A column of each group. */
  readonly representatives: readonly number[];
}

/**
 * Σ over the columns of each group of the product of the known arrays, over `[axis, …kept]`: a node and
 * how many columns each group has. Undefined where the columns of a group are not all the same, or
 * arrays are not finite.
 */
export function productColumns(
  g: GraphBuilder,
  known: readonly Constant[],
  { bundle, kept, group, representatives }: Columns,
  axis: Axis,
): readonly Coefficient[] | undefined {
  // 0 times what is switched off is 0, infinite or not; as nodes it would be NaN.
  if (!known.every((c) => allFinite(c.data))) return undefined;
  const own = known.map((c) => bundle.filter((a) => c.axes.includes(a)));
  const columns = own.map((axes) => offsets(bundle, stridesBy(axes)));
  // Arrays that are multiples of one another may change places.
  const classes: Constant[] = [];
  let scale = 1;
  const places = known.map((c) => {
    for (const [k, d] of classes.entries()) {
      const ratio = ratioOf(c, d);
      if (ratio === undefined) continue;
      scale *= ratio;
      return k;
    }
    classes.push(c);
    return classes.length - 1;
  });
  const keyOf = (column: number): string =>
    columns
      .map((at, k) => `${places[k]}:${at[column]}`)
      .sort()
      .join();
  const keys = representatives.map(keyOf);
  const sizes = new Float64Array(representatives.length);
  for (let column = 0; column < group.length; column++) {
    const k = group[column];
    if (k < 0) continue;
    if (keyOf(column) !== keys[k]) return undefined;
    sizes[k]++;
  }
  // Columns first: a column is picked, and multiplied, as one piece of memory.
  const all = [axis, ...kept];
  const factors = known.map((c, k): Node => {
    const rows = c.axes.filter((a) => !bundle.includes(a));
    const array = g.constant(
      classes[places[k]].data,
      c.axes.map((a) => a.size),
    );
    const ordered = spreadNode(g, array, c.axes, [...own[k], ...rows]);
    const flat = g.reshape(ordered, [axesSize(own[k]), ...rows.map((a) => a.size)]);
    const at = Float64Array.from(representatives, (column) => columns[k][column]);
    const picked = g.gather(flat, g.constant(at, [at.length], "int"), 0);
    return spreadNode(g, picked, [axis, ...rows], all);
  });
  const node = factors.reduce((x, y) => g.mul(x, y));
  const weights = constant(
    [axis],
    sizes.map((n) => n * scale),
  );
  const isOne = weights.data.every((w) => w === 1);
  return [{ kind: "node", axes: all, node }, ...(isOne ? [] : [weights])];
}

/** Two equal to this part are equal up to rounding. */
const ROUNDING = 4 * Number.EPSILON;

/** What `d` is multiplied with to be `c`, where axes of the same sizes follow each other. */
function ratioOf(c: Constant, d: Constant): number | undefined {
  if (c.axes.length !== d.axes.length) return undefined;
  if (!c.axes.every((a, k) => a.size === d.axes[k].size)) return undefined;
  const at = d.data.findIndex((v) => v !== 0);
  if (at < 0) return undefined;
  if (c.data === d.data) return 1;
  const ratio = c.data[at] / d.data[at];
  for (let i = 0; i < c.data.length; i++) {
    const v = c.data[i];
    if (!(Math.abs(v - ratio * d.data[i]) <= ROUNDING * Math.abs(v))) return undefined;
  }
  return ratio;
}

function allFinite(data: Float64Array): boolean {
  // What is not finite is no 0 less itself.
  for (let i = 0; i < data.length; i++) if (data[i] - data[i] !== 0) return false;
  return true;
}
