/**
 * Where an expression is lowered: the loops around it as named axes. Lowering vectorises: a value
 * inside loops is one array whose leading axes are those loops it depends on (as `vmap` would).
 */
import { internalError } from "../../base/internal.js";
import type { Expr } from "../../model/ir.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";

/** One loop, or several flattened into one list of index tuples. Names are unique in the model. */
export interface Axis {
  readonly name: string;
  readonly size: number;
}

/** The values of a loop variable along its axis. */
export interface LoopVar {
  readonly axis: Axis;
  readonly values: Float64Array;
}

/** Which index tuples count: 1 or 0 over some axes of the context. */
export interface Mask {
  readonly axes: readonly Axis[];
  readonly data: Float64Array;
}

export interface Context {
  /** Outermost first. */
  readonly axes: readonly Axis[];
  readonly vars: ReadonlyMap<string, LoopVar>;
  /** Tuples outside are computed but never used: their indices are not checked. */
  readonly mask?: Mask;
  /** Local definitions in scope; each is lowered in the context that reads it. */
  readonly locals: ReadonlyMap<string, Expr>;
  /** Locals that have a value already: the variables of gradients. */
  readonly held?: ReadonlyMap<string, Lowered>;
}

export const emptyContext: Context = { axes: [], vars: new Map(), locals: new Map() };

/** A value: `node.shape = axes' sizes ++ event dims`; axes stand in the context's order. */
export interface Lowered {
  readonly node: Node;
  readonly axes: readonly Axis[];
}

export function eventShape(v: Lowered): readonly number[] {
  return v.node.shape.slice(v.axes.length);
}
export function eventRank(v: Lowered): number {
  return v.node.shape.length - v.axes.length;
}
export function axisSizes(axes: readonly Axis[]): number[] {
  return axes.map((a) => a.size);
}

/** The context's axes that any of the values has, in the context's order. */
export function unionAxes(context: Context, values: readonly Lowered[]): Axis[] {
  const names = new Set(values.flatMap((v) => v.axes.map((a) => a.name)));
  return context.axes.filter((a) => names.has(a.name));
}

/**
 * Repeats `v` over `axes` (a superset of its own, same order), with `extra` event dims inserted
 * between the axes and its own event dims.
 */
export function expand(
  g: GraphBuilder,
  v: Lowered,
  axes: readonly Axis[],
  extra: readonly number[] = [],
): Node {
  const own = eventShape(v);
  if (axes.length === v.axes.length && extra.length === 0) return v.node;
  const positions = v.axes.map((a) => {
    const at = axes.findIndex((b) => b.name === a.name);
    return at >= 0 ? at : internalError(`axis ${a.name} is not in scope`);
  });
  const start = axes.length + extra.length;
  const map = [...positions, ...own.map((_, k) => start + k)];
  return g.broadcast(v.node, [...axisSizes(axes), ...extra, ...own], map);
}

/** Adds a loop variable with an axis of its own. */
export function pushAxis(context: Context, name: string, values: Float64Array): Context {
  const axis: Axis = { name, size: values.length };
  const vars = new Map(context.vars).set(name, { axis, values });
  return { ...context, axes: [...context.axes, axis], vars };
}

export function withLocal(context: Context, name: string, value: Expr): Context {
  return { ...context, locals: new Map(context.locals).set(name, value) };
}

/** Both masks hold. */
export function withMask(context: Context, axes: readonly Axis[], data: Float64Array): Context {
  const old = context.mask;
  if (old === undefined) return { ...context, mask: { axes, data } };
  const union = maskUnion(context, old.axes, axes);
  const first = spread(old.data, old.axes, union);
  const second = spread(data, axes, union);
  return { ...context, mask: { axes: union, data: first.map((m, i) => m * second[i]) } };
}

/**
 * The axes of both, in the context's order. In front stand axes of a mask that the context lacks:
 * in a scan's body, the scanned loop.
 */
export function maskUnion(
  context: Context,
  first: readonly Axis[],
  second: readonly Axis[],
): Axis[] {
  const own = new Set(context.axes.map((a) => a.name));
  const byName = new Map([...first, ...second].map((a) => [a.name, a]));
  const foreign = [...byName.values()].filter((a) => !own.has(a.name));
  return [...foreign, ...context.axes.filter((a) => byName.has(a.name))];
}

/** Host data over `from` repeated over the superset `to` (same order). */
export function spread(
  data: Float64Array,
  from: readonly Axis[],
  to: readonly Axis[],
): Float64Array {
  if (from.length === to.length) return data;
  const strides = new Map<string, number>();
  let stride = 1;
  for (let k = from.length - 1; k >= 0; k--) {
    strides.set(from[k].name, stride);
    stride *= from[k].size;
  }
  const total = to.reduce((n, a) => n * a.size, 1);
  const out = new Float64Array(total);
  const counter = new Array<number>(to.length).fill(0);
  const step = to.map((a) => strides.get(a.name) ?? 0);
  let source = 0;
  for (let i = 0; i < total; i++) {
    out[i] = data[source];
    for (let k = to.length - 1; k >= 0; k--) {
      counter[k]++;
      source += step[k];
      if (counter[k] < to[k].size) break;
      source -= step[k] * to[k].size;
      counter[k] = 0;
    }
  }
  return out;
}

/**
 * Keeps only the index tuples where `keep` (over `axes`) is 1: those axes become one axis that
 * lists the tuples.
 */
export function filterContext(
  context: Context,
  axes: readonly Axis[],
  keep: Float64Array,
): Context {
  const kept: number[] = [];
  keep.forEach((k, i) => {
    if (k !== 0) kept.push(i);
  });
  const name = axes.length === 1 ? axes[0].name : axes.map((a) => a.name).join("·");
  const merged: Axis = { name: `${name}?${kept.length}of${keep.length}`, size: kept.length };
  const gone = new Set(axes.map((a) => a.name));
  const vars = new Map<string, LoopVar>();
  for (const [variable, v] of context.vars) {
    if (!gone.has(v.axis.name)) {
      vars.set(variable, v);
      continue;
    }
    const all = spread(v.values, [v.axis], axes);
    vars.set(variable, { axis: merged, values: Float64Array.from(kept, (i) => all[i]) });
  }
  const first = context.axes.findIndex((a) => gone.has(a.name));
  const rest = context.axes.filter((a) => !gone.has(a.name));
  return {
    axes: [...rest.slice(0, first), merged, ...rest.slice(first)],
    vars,
    locals: context.locals,
  };
}
