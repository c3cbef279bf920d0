/** `x[i]`, ranges and gathers as closures; every index is checked against the axis it meets. */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { type DataValue, elementCount } from "../../model/data.js";
import type { Expr, IndexArg } from "../../model/ir.js";
import { walkExpr } from "../../model/traverse.js";
import type { ArrayFn, Compiler, Frame, ScalarFn, Tracked } from "./frame.js";

type IndexExpr = Extract<Expr, { kind: "index" }>;

/** The positions that one index takes along its axis, and the dims that it leaves. */
interface Selected {
  readonly positions: ArrayLike<number>;
  readonly dims: readonly number[];
}
type Selector = (f: Frame, size: number, axis: number) => Selected;

/** `(x[i])[j]` is `x[i, j]` while the inner indices are single positions. */
function flatten(e: IndexExpr): { target: Expr; indices: readonly IndexArg[] } {
  let { target, indices } = e;
  while (
    target.kind === "index" &&
    target.indices.every((a) => a.kind === "at" && a.value.type.dims.length === 0)
  ) {
    indices = [...target.indices, ...indices];
    target = target.target;
  }
  return { target, indices };
}

/** A report of an index out of range, with the loop variables that led to it. */
function outOfRange(c: Compiler, e: IndexExpr, what: string) {
  const loops = new Map<string, number>();
  walkExpr(e, (x) => {
    if (x.kind === "var" && x.role === "index") loops.set(x.name, c.slot(x.name));
  });
  return (f: Frame, index: number, size: number, axis: number): never => {
    const parts = [...loops].flatMap(([name, slot]) => {
      const value = f.slots[slot];
      return typeof value === "number" ? [`${name} = ${value}`] : [];
    });
    const where = parts.length === 0 ? undefined : `at ${parts.join(", ")}`;
    return fail("index_out_of_range", e.span, { what, index, size, axis, where });
  };
}

/** What a target is before its elements are asked for. */
function targetReader(c: Compiler, target: Expr): (f: Frame) => Tracked {
  const isArrayVariable =
    target.kind === "var" && target.role !== "index" && target.role !== "local";
  if (!isArrayVariable) return c.array(target);
  const slot = c.slot(target.name);
  return (f) => {
    const v = f.slots[slot];
    return typeof v === "object" ? v : internalError(`${target.name} has no array value`);
  };
}

/** One element: an index at a single position for every axis. */
export function compileElement(c: Compiler, e: IndexExpr): ScalarFn {
  const { target, indices } = flatten(e);
  const read = targetReader(c, target);
  const report = outOfRange(c, e, nameOf(target));
  const at = indices.map((a) =>
    a.kind === "at" ? c.scalar(a.value) : internalError("a range yields no scalar"),
  );
  return (f) => {
    const v = read(f);
    const { dims } = v;
    let position = 0;
    for (let k = 0; k < at.length; k++) {
      const i = at[k](f);
      if (!(i >= 0 && i < dims[k])) report(f, i, dims[k], k);
      position = position * dims[k] + i;
    }
    const { pending } = v;
    if (pending !== undefined) {
      const element = Math.floor(position / pending.eventSize);
      if (!pending.isDefined(element)) pending.need(element);
    }
    return v.data[position];
  };
}

/** Indices that leave axes: rows, ranges and gathers. Each array index is taken by itself. */
export function compileIndex(c: Compiler, e: IndexExpr): ArrayFn {
  const { target, indices } = flatten(e);
  const read = targetReader(c, target);
  const what = nameOf(target);
  const report = outOfRange(c, e, what);
  const selectors = indices.map((a) => selector(c, a, what, report));
  return (f) => {
    const v = read(f);
    let positions: number[] = [0];
    const dims: number[] = [];
    for (let k = 0; k < selectors.length; k++) {
      const chosen = selectors[k](f, v.dims[k], k);
      dims.push(...chosen.dims);
      positions = combine(positions, chosen.positions, v.dims[k]);
    }
    const rest = v.dims.slice(selectors.length);
    const row = elementCount(rest);
    if (v.pending !== undefined) needRows(v, positions, row);
    dims.push(...rest);
    if (positions.length === 1) {
      return { dims, data: v.data.subarray(positions[0] * row, (positions[0] + 1) * row) };
    }
    const data = new Float64Array(positions.length * row);
    positions.forEach((p, i) => {
      for (let k = 0; k < row; k++) data[i * row + k] = v.data[p * row + k];
    });
    return { dims, data };
  };
}

/** Every pair of an outer position and one along the next axis, row-major. */
function combine(outer: readonly number[], inner: ArrayLike<number>, size: number): number[] {
  const all = new Array<number>(outer.length * inner.length);
  let n = 0;
  for (const o of outer) for (let k = 0; k < inner.length; k++) all[n++] = o * size + inner[k];
  return all;
}

function needRows(v: Tracked, rows: readonly number[], row: number): void {
  const { pending } = v;
  if (pending === undefined || pending.remaining() === 0) return;
  for (const r of rows) {
    const first = Math.floor((r * row) / pending.eventSize);
    const last = Math.ceil(((r + 1) * row) / pending.eventSize);
    for (let i = first; i < last; i++) if (!pending.isDefined(i)) pending.need(i);
  }
}

function selector(
  c: Compiler,
  a: IndexArg,
  what: string,
  report: (f: Frame, index: number, size: number, axis: number) => never,
): Selector {
  if (a.kind === "at") {
    if (a.value.type.dims.length === 0) {
      const at = c.scalar(a.value);
      return (f, size, axis) => {
        const i = at(f);
        if (!(i >= 0 && i < size)) report(f, i, size, axis);
        return { positions: [i], dims: [] };
      };
    }
    const at = c.array(a.value);
    return (f, size, axis) => {
      const { data, dims }: DataValue = at(f);
      for (const i of data) if (!(i >= 0 && i < size)) report(f, i, size, axis);
      return { positions: data, dims };
    };
  }
  const from = a.from === undefined ? () => 0 : c.scalar(a.from);
  const to = a.to === undefined ? undefined : c.scalar(a.to);
  return (f, size) => {
    const start = from(f);
    const end = to === undefined ? size : to(f);
    if (!(start >= 0 && end <= size && end >= start)) {
      fail("range_out_of_range", a.span, { what, from: start, to: end, size });
    }
    const positions = Float64Array.from({ length: end - start }, (_, k) => start + k);
    return { positions, dims: [end - start] };
  };
}

function nameOf(e: Expr): string {
  return e.kind === "var" ? e.name : "the expression";
}
