/**
 * Indexing. An index that varies over loops becomes a gather whose result has those loops as axes;
 * where the indices run through a dimension in order it is a slice, or nothing at all.
 */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import type { Expr, IndexArg } from "../../model/ir.js";
import type { Node } from "../../tensor/ops.js";
import { type Axis, type Context, eventShape, type Lowered, maskUnion, spread } from "./context.js";
import { constantData, type Lowerer, scalarLowered, sizeOf } from "./lowerer.js";

type IndexExpr = Extract<Expr, { kind: "index" }>;

/** What happens to one dimension of the target. */
export type DimSpec =
  | { readonly kind: "keep" }
  | { readonly kind: "pick"; readonly at: number }
  | { readonly kind: "slice"; readonly start: number; readonly size: number }
  | {
      readonly kind: "gather";
      /** Over `axes`, then `event`. */
      readonly values: Float64Array;
      readonly axes: readonly Axis[];
      readonly event: readonly number[];
    };
type GatherSpec = Extract<DimSpec, { kind: "gather" }>;

/** What a dimension of the result is: a loop, or the event dimension that stems from `dim`. */
type Label = { readonly axis: Axis } | { readonly dim: number; readonly sub: number };

export function lowerIndex(l: Lowerer, e: IndexExpr, context: Context): Lowered {
  const { target, indices } = flattenIndex(e);
  return indexInto(l, l.lower(target, context), indices, context, nameOf(target), e.span);
}

/** `(x[i])[j]` is `x[i, j]` while the inner indices are single positions. */
export function flattenIndex(e: IndexExpr): { target: Expr; indices: readonly IndexArg[] } {
  let target = e.target;
  let indices = e.indices;
  while (
    target.kind === "index" &&
    target.indices.every((a) => a.kind === "at" && a.value.type.dims.length === 0)
  ) {
    indices = [...target.indices, ...indices];
    target = target.target;
  }
  return { target, indices };
}

export function nameOf(e: Expr): string {
  return e.kind === "var" ? e.name : "the expression";
}

/** `target[indices]`; axes after the last index are kept whole. */
export function indexInto(
  l: Lowerer,
  target: Lowered,
  indices: readonly IndexArg[],
  context: Context,
  what: string,
  span: Span,
): Lowered {
  const own = eventShape(target);
  const specs: DimSpec[] = target.axes.map((axis) => ({
    kind: "gather",
    values: Float64Array.from({ length: axis.size }, (_, i) => i),
    axes: [axis],
    event: [],
  }));
  own.forEach((size, dim) => {
    const index = indices[dim];
    if (index === undefined) specs.push({ kind: "keep" });
    else specs.push(dimSpec(l, index, size, dim, context, what, span));
  });
  return applySpecs(l, target.node, specs, context);
}

/** What one index does to a dimension of `size` entries; checks that it is in range. */
export function dimSpec(
  l: Lowerer,
  index: IndexArg,
  size: number,
  dim: number,
  context: Context,
  what: string,
  span: Span,
): DimSpec {
  const check = (values: Float64Array, axes: readonly Axis[], event: readonly number[]) =>
    checkIndices(values, axes, event, size, dim, context, what, span);
  if (index.kind === "at") {
    const at = l.lower(index.value, context);
    const values = indexData(l, at, index.value);
    const event = eventShape(at);
    const checked = check(values, at.axes, event);
    if (at.axes.length === 0 && event.length === 0) return { kind: "pick", at: checked[0] };
    return { kind: "gather", values: checked, axes: at.axes, event };
  }
  const bound = (e: Expr | undefined, otherwise: number): Lowered =>
    e === undefined ? scalarLowered(l.g.constant(otherwise, [], "int")) : l.lower(e, context);
  const from = bound(index.from, 0);
  const to = bound(index.to, size);
  const low = indexData(l, from, index.from);
  const high = indexData(l, to, index.to);
  if (from.axes.length === 0 && to.axes.length === 0) {
    const start = low[0];
    const end = high[0];
    if (start < 0 || end > size || end < start) {
      fail("range_out_of_range", index.span, { what, from: start, to: end, size });
    }
    return start === 0 && end === size
      ? { kind: "keep" }
      : { kind: "slice", start, size: end - start };
  }
  // The window moves with a loop; its length does not, or the type would depend on the loop.
  const length = sizeOf(l, index.size);
  const axes = from.axes.length > 0 ? from.axes : to.axes;
  const starts = from.axes.length > 0 ? low : high.map((h) => h - length);
  const values = new Float64Array(starts.length * length);
  starts.forEach((s, i) => {
    for (let k = 0; k < length; k++) values[i * length + k] = s + k;
  });
  return { kind: "gather", values: check(values, axes, [length]), axes, event: [length] };
}

function indexData(l: Lowerer, value: Lowered, e: Expr | undefined): Float64Array {
  const data = constantData(l, value.node);
  if (data === undefined) {
    fail("random_index", e?.span, {});
  }
  return data;
}

/** Reports the first index out of range that counts; indices that do not count become 0. */
function checkIndices(
  values: Float64Array,
  axes: readonly Axis[],
  event: readonly number[],
  size: number,
  dim: number,
  context: Context,
  what: string,
  span: Span,
): Float64Array {
  const isBad = (v: number) => !(v >= 0 && v < size);
  if (!values.some(isBad)) return values;
  const inner = event.reduce((n, d) => n * d, 1);
  const used = usedTuples(axes, context);
  const out = values.slice();
  for (let i = 0; i < values.length; i++) {
    if (!isBad(values[i])) continue;
    const tuple = Math.floor(i / inner);
    if (used[tuple] !== 0) {
      fail("index_out_of_range", span, {
        what,
        index: values[i],
        size,
        axis: dim,
        where: describeTuple(tuple, axes, context),
      });
    }
    out[i] = 0;
  }
  return out;
}

/** 1 for each tuple of `axes` that the context's mask lets through for some tuple of the rest. */
export function usedTuples(axes: readonly Axis[], context: Context): Float64Array {
  const count = axes.reduce((n, a) => n * a.size, 1);
  const mask = context.mask;
  if (mask === undefined) return new Float64Array(count).fill(1);
  const union = maskUnion(context, axes, mask.axes);
  const active = spread(mask.data, mask.axes, union);
  const tuples = spread(
    Float64Array.from({ length: count }, (_, i) => i),
    axes,
    union,
  );
  const used = new Float64Array(count);
  active.forEach((a, i) => {
    if (a !== 0) used[tuples[i]] = 1;
  });
  return used;
}

function describeTuple(tuple: number, axes: readonly Axis[], context: Context): string | undefined {
  if (axes.length === 0) return undefined;
  const parts: string[] = [];
  let rest = tuple;
  for (let k = axes.length - 1; k >= 0; k--) {
    const at = rest % axes[k].size;
    rest = Math.floor(rest / axes[k].size);
    for (const [name, v] of context.vars) {
      if (v.axis.name === axes[k].name) parts.unshift(`${name} = ${v.values[at]}`);
    }
  }
  return `at ${parts.join(", ")}`;
}

/** Applies one spec per dimension of `node`. */
export function applySpecs(
  l: Lowerer,
  node: Node,
  specs: readonly DimSpec[],
  context: Context,
): Lowered {
  const { g } = l;
  const starts = specs.map((s) => (s.kind === "slice" ? s.start : s.kind === "pick" ? s.at : 0));
  const sizes = specs.map((s, k) =>
    s.kind === "slice" ? s.size : s.kind === "pick" ? 1 : node.shape[k],
  );
  let current = g.slice(node, starts, sizes);
  const kept = specs.map((spec, dim) => ({ spec, dim })).filter((s) => s.spec.kind !== "pick");
  current = g.reshape(
    current,
    kept.map((s) => sizes[s.dim]),
  );
  const gathers = kept.filter((s) => s.spec.kind === "gather");
  if (gathers.length === 0) return { node: current, axes: [] };

  const axisUses = gathers.flatMap((s) => (s.spec as GatherSpec).axes.map((a) => a.name));
  const overlapping = new Set(axisUses).size < axisUses.length;
  let labels: Label[][] = kept.map((s) => [{ dim: s.dim, sub: 0 }]);
  if (overlapping) {
    const combined = combineGathers(l, current, kept, context);
    current = combined.node;
    labels = combined.labels;
  } else {
    // From the last dimension to the first, so that earlier positions stay where they are.
    for (let position = kept.length - 1; position >= 0; position--) {
      const { spec, dim } = kept[position];
      if (spec.kind !== "gather") continue;
      current = takeAlong(l, current, spec, position);
      labels[position] = [
        ...spec.axes.map((axis) => ({ axis })),
        ...spec.event.map((_, sub) => ({ dim, sub })),
      ];
    }
  }
  return orderLabels(l, current, labels.flat(), context);
}

/** Gather along `position`, or a slice where the indices are consecutive. */
function takeAlong(l: Lowerer, node: Node, spec: GatherSpec, position: number): Node {
  const shape = [...spec.axes.map((a) => a.size), ...spec.event];
  const n = spec.values.length;
  const consecutive = spec.values.every((v, i) => v === spec.values[0] + i);
  if (consecutive && n > 0) {
    const starts = node.shape.map((_, k) => (k === position ? spec.values[0] : 0));
    const sizes = node.shape.map((s, k) => (k === position ? n : s));
    const sliced = l.g.slice(node, starts, sizes);
    const before = node.shape.slice(0, position);
    return l.g.reshape(sliced, [...before, ...shape, ...node.shape.slice(position + 1)]);
  }
  return l.g.gather(node, l.g.constant(spec.values, shape, "int"), position);
}

/** Indices that share loops (`x[i, g[i]]`): one gather at the combined row-major position. */
function combineGathers(
  l: Lowerer,
  node: Node,
  kept: readonly { readonly spec: DimSpec; readonly dim: number }[],
  context: Context,
): { node: Node; labels: Label[][] } {
  const isGather = kept.map((s) => s.spec.kind === "gather");
  const front = kept.map((_, k) => k).filter((k) => isGather[k]);
  const rest = kept.map((_, k) => k).filter((k) => !isGather[k]);
  const specs = front.map((k) => kept[k].spec as GatherSpec);
  const names = new Set(specs.flatMap((s) => s.axes.map((a) => a.name)));
  const union = context.axes.filter((a) => names.has(a.name));
  // Event dims of the indices act as axes of their own while positions are combined.
  const eventAxes = specs.map((s, j) => s.event.map((size, k) => ({ name: `#${j}.${k}`, size })));
  const all = [...union, ...eventAxes.flat()];
  const total = all.reduce((n, a) => n * a.size, 1);
  const positions = new Float64Array(total);
  specs.forEach((s, j) => {
    const values = spread(s.values, [...s.axes, ...eventAxes[j]], all);
    const size = node.shape[front[j]];
    for (let i = 0; i < total; i++) positions[i] = positions[i] * size + values[i];
  });
  const moved = l.g.transpose(node, [...front, ...rest]);
  const flat = front.reduce((n, k) => n * node.shape[k], 1);
  const reshaped = l.g.reshape(moved, [flat, ...rest.map((k) => node.shape[k])]);
  const spec: GatherSpec = {
    kind: "gather",
    values: positions,
    axes: union,
    event: eventAxes.flat().map((a) => a.size),
  };
  const labels: Label[][] = [
    union.map((axis) => ({ axis })),
    front.flatMap((k, j) => eventAxes[j].map((_, sub) => ({ dim: kept[k].dim, sub }))),
    rest.map((k) => ({ dim: kept[k].dim, sub: 0 })),
  ];
  return { node: takeAlong(l, reshaped, spec, 0), labels };
}

/** Axes first in the context's order, then event dims in the order of the target. */
function orderLabels(l: Lowerer, node: Node, labels: readonly Label[], context: Context): Lowered {
  const rank = (label: Label): number => {
    if ("axis" in label) return context.axes.findIndex((a) => a.name === label.axis.name);
    return context.axes.length + label.dim * 1000 + label.sub;
  };
  const perm = labels.map((_, k) => k).sort((a, b) => rank(labels[a]) - rank(labels[b]));
  const axes = perm.flatMap((k) => {
    const label = labels[k];
    return "axis" in label ? [label.axis] : [];
  });
  return { node: l.g.transpose(node, perm), axes };
}
