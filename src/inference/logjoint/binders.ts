/** Loops and comprehension binders as axes of a context. */
import { internalError } from "../../base/internal.js";
import type { Binder, Expr } from "../../model/ir.js";
import { type Context, maskUnion, pushAxis, spread, withMask } from "./context.js";
import { hostValue } from "./guards.js";
import type { HostValue } from "./host-value.js";
import { type Lowerer, rangeValues } from "./lowerer.js";

/**
 * The body's context under binders. A binder whose bounds depend on outer indices gets the widest
 * range and a mask; its indices outside the mask are computed but never used.
 */
export function pushBinders(l: Lowerer, binders: readonly Binder[], context: Context): Context {
  let inner = context;
  for (const binder of binders) inner = pushBinder(l, binder, inner);
  return inner;
}

export function pushBinder(l: Lowerer, binder: Binder, context: Context): Context {
  const from = boundOf(l, binder.from, context);
  const to = boundOf(l, binder.to, context);
  const lows = from.data;
  const highs = to.data;
  if (from.axes.length === 0 && to.axes.length === 0) {
    return pushAxis(context, binder.name, rangeValues(lows[0], highs[0]));
  }
  const axes = maskUnion(context, from.axes, to.axes);
  const low = spread(lows, from.axes, axes);
  const high = spread(highs, to.axes, axes);
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  low.forEach((a, i) => {
    if (high[i] <= a) return;
    first = Math.min(first, a);
    last = Math.max(last, high[i]);
  });
  const values = first < last ? rangeValues(first, last) : new Float64Array(0);
  const inner = pushAxis(context, binder.name, values);
  const mask = new Float64Array(low.length * values.length);
  for (let i = 0; i < low.length; i++) {
    for (let k = 0; k < values.length; k++) {
      mask[i * values.length + k] = values[k] >= low[i] && values[k] < high[i] ? 1 : 0;
    }
  }
  return withMask(inner, [...axes, inner.axes[inner.axes.length - 1]], mask);
}

/** A bound's value, which the data alone tell; inside a scan it may be over all steps. */
function boundOf(l: Lowerer, e: Expr, context: Context): HostValue {
  return (
    l.recurrence?.hostValue(e, context) ??
    hostValue(l, e, context) ??
    internalError("a range depends on a random quantity")
  );
}
