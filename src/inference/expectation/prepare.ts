/**
 * A term made small before it becomes nodes: known coefficients are multiplied out, and columns of
 * summed axes along which all readings are the same are added up (x xᵀ keeps its lower triangle,
 * Σₙ yₙ a[groupₙ] one number a group).
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import { constant, multiply, offsets, scale, stridesBy, times } from "./arrays.js";
import { MAX_PRODUCT } from "./coefficients.js";
import { productColumns } from "./products.js";
import {
  type Axis,
  type AxisSource,
  axesSize,
  type Constant,
  type Reading,
  type Term,
  unionOf,
} from "./terms.js";

/** What is known of a term as few arrays, its readings, and the nodes of points. */
export interface Prepared {
  readonly constants: readonly Constant[];
  readonly readings: readonly Reading[];
  readonly nodes: readonly Extract<Term["coefficients"][number], { readonly kind: "node" }>[];
  readonly sums: readonly Axis[];
}

/** Where products of known arrays are nodes, and from how many numbers on. */
export interface ProductOptions {
  readonly g: GraphBuilder;
  readonly most: number;
}

/** Undefined where the term vanishes. */
export function prepare(
  source: AxisSource,
  t: Term,
  options: ProductOptions,
): Prepared | undefined {
  const constants: Constant[] = [];
  const nodes: Prepared["nodes"][number][] = [];
  for (const c of t.coefficients) {
    if (c.kind === "constant") constants.push(c);
    else nodes.push(c);
  }
  let made: Prepared | undefined = {
    constants,
    readings: t.readings,
    nodes,
    sums: t.sums,
  };
  for (const bundle of bundles(made)) {
    made = compressed(source, made, bundle, options);
    if (made === undefined) return undefined;
  }
  return { ...made, constants: multiplied(made.constants) };
}

/** Known arrays that share axes (or have none) as one. */
function multiplied(list: readonly Constant[]): Constant[] {
  const out = [...list];
  for (let i = 0; i < out.length; i++) {
    for (let j = i + 1; j < out.length; j++) {
      const [a, b] = [out[i], out[j]];
      const alone = a.axes.length === 0 || b.axes.length === 0;
      if (!alone && !a.axes.some((x) => b.axes.includes(x))) continue;
      if (axesSize(unionOf([a, b])) > MAX_PRODUCT) continue;
      out.splice(j, 1);
      out[i] = multiply(a, b);
      i = -1;
      break;
    }
  }
  const scalar = out.find((c) => c.axes.length === 0);
  if (scalar === undefined || out.length === 1) return out;
  const rest = out.filter((c) => c !== scalar);
  return [scale(rest[0], scalar.data[0]), ...rest.slice(1)];
}

/** Known arrays that share axes, directly or by others: what a product of them all is over. */
function components(constants: readonly Constant[]): { readonly axes: readonly Axis[] }[] {
  const out: { axes: Axis[] }[] = [];
  for (const c of constants) {
    const joined = out.filter((o) => o.axes.some((a) => c.axes.includes(a)));
    for (const o of joined) out.splice(out.indexOf(o), 1);
    out.push({ axes: unionOf([...joined, c]) });
  }
  return out;
}

/** Summed axes that stand in the same factors. */
function bundles(p: Prepared): Axis[][] {
  const groups = new Map<string, Axis[]>();
  const factors = [...components(p.constants), ...p.readings, ...p.nodes];
  for (const axis of p.sums) {
    const key = factors.map((f) => (f.axes.includes(axis) ? 1 : 0)).join("");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [axis]);
    else group.push(axis);
  }
  return [...groups.values()];
}

function compressed(
  source: AxisSource,
  p: Prepared,
  bundle: readonly Axis[],
  { g, most }: ProductOptions,
): Prepared | undefined {
  const inside = (f: { readonly axes: readonly Axis[] }): boolean =>
    f.axes.some((a) => bundle.includes(a));
  const readers = p.readings.filter(inside);
  const known = p.constants.filter(inside);
  if (readers.length === 0 || p.nodes.some(inside)) return p;
  const columns = axesSize(bundle);
  const keptOf = (f: { readonly axes: readonly Axis[] }): Axis[] =>
    f.axes.filter((a) => !bundle.includes(a));
  const layout = (f: { readonly axes: readonly Axis[] }): Int32Array =>
    offsets([...bundle, ...keptOf(f)], stridesBy(f.axes));
  const tables = readers.flatMap((r) => {
    const at = layout(r);
    const { second } = r;
    const first = at.map((k) => r.index[k]);
    return second === undefined ? [first] : [first, at.map((k) => second[k])];
  });
  const kept = unionOf(known).filter((a) => !bundle.includes(a));
  const rows = axesSize(kept);
  const factors = known.map(({ axes, data }) => {
    const strides = stridesBy(axes);
    return { data, column: offsets(bundle, strides), row: offsets(kept, strides) };
  });
  const isUsed = (column: number): boolean =>
    factors.every((f) => f.row.some((at) => f.data[at + f.column[column]] !== 0));
  const { group, representatives } = grouped(tables, columns, isUsed);
  const count = representatives.length;
  if (count === columns && bundle.length === 1) return p;
  if (count === 0) return undefined;
  const axes: Axis[] = count === 1 ? [] : [source.make(count)];
  const [axis] = axes;
  const formed =
    rows * count > most && known.length > 1 && axis !== undefined
      ? productColumns(g, known, { bundle, kept, group, representatives }, axis)
      : undefined;
  if (rows * count > MAX_PRODUCT && formed === undefined) return p;
  const readings = p.readings.map((r) => {
    if (!readers.includes(r)) return r;
    const at = layout(r);
    const width = at.length / columns;
    const pick = (from: Int32Array): Int32Array => {
      const out = new Int32Array(count * width);
      representatives.forEach((column, k) => {
        for (let i = 0; i < width; i++) out[k * width + i] = from[at[column * width + i]];
      });
      return out;
    };
    const moved = { ...r, axes: [...axes, ...keptOf(r)], index: pick(r.index) };
    return r.second === undefined ? moved : { ...moved, second: pick(r.second) };
  });
  const sums = [...p.sums.filter((a) => !bundle.includes(a)), ...axes];
  const constants = p.constants.filter((x) => !known.includes(x));
  if (formed !== undefined) {
    const nodes = formed.flatMap((c) => (c.kind === "node" ? [c] : []));
    const sizes = formed.flatMap((c) => (c.kind === "constant" ? [c] : []));
    return {
      constants: [...constants, ...sizes],
      readings,
      nodes: [...p.nodes, ...nodes],
      sums,
    };
  }
  const weights = new Float64Array(count * rows);
  for (let i = 0; i < rows; i++) {
    for (let column = 0; column < columns; column++) {
      const k = group[column];
      if (k < 0) continue;
      let product = 1;
      for (const f of factors) product = times(product, f.data[f.row[i] + f.column[column]]);
      weights[i * count + k] += product;
    }
  }
  const weight = constant([...kept, ...axes], weights);
  const isOne = known.length === 0 && weights.every((w) => w === 1);
  return {
    constants: isOne ? constants : [...constants, weight],
    readings,
    nodes: p.nodes,
    sums,
  };
}

/** Columns with the same entries in every table; −1 for those that are not used. */
function grouped(
  tables: readonly Int32Array[],
  columns: number,
  isUsed: (column: number) => boolean,
): { readonly group: Int32Array; readonly representatives: readonly number[] } {
  const group = new Int32Array(columns).fill(-1);
  const representatives: number[] = [];
  const buckets = new Map<number, number[]>();
  const widths = tables.map((t) => t.length / columns);
  const equal = (a: number, b: number): boolean =>
    tables.every((t, k) => {
      for (let i = 0; i < widths[k]; i++) {
        if (t[a * widths[k] + i] !== t[b * widths[k] + i]) return false;
      }
      return true;
    });
  for (let column = 0; column < columns; column++) {
    if (!isUsed(column)) continue;
    let hash = 17;
    tables.forEach((t, k) => {
      for (let i = 0; i < widths[k]; i++) {
        hash = (Math.imul(hash, 0x01000193) ^ t[column * widths[k] + i]) | 0;
        hash ^= hash >>> 15;
      }
    });
    const bucket = buckets.get(hash) ?? [];
    buckets.set(hash, bucket);
    let found = bucket.find((k) => equal(representatives[k], column));
    if (found === undefined) {
      found = representatives.length;
      representatives.push(column);
      bucket.push(found);
    }
    group[column] = found;
  }
  return { group, representatives };
}
