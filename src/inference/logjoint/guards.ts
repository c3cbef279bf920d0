/**
 * Conditions that the data alone decide: what stands behind one is never used where it does not
 * hold, so that its indices are not checked there (`if t > 0 then x[t - 1] else a`).
 */

import type { Expr } from "../../model/ir.js";
import { type Context, withMask } from "./context.js";
import type { HostValue } from "./host-value.js";
import { constantData, type Lowerer } from "./lowerer.js";

export interface Guard {
  /** The condition's value, 0 or 1, over the axes that it depends on. */
  readonly data: Float64Array;
  /** The context where it holds, or where it does not. */
  readonly where: (holds: boolean) => Context;
}

/** The guard of a condition of data; undefined where it depends on a latent quantity. */
export function guardOf(l: Lowerer, condition: Expr, context: Context): Guard | undefined {
  const found = l.recurrence?.hostValue(condition, context) ?? hostValue(l, condition, context);
  if (found === undefined) return undefined;
  const { data, axes, outer } = found;
  const where = (holds: boolean): Context => {
    const flags = data.map((c) => ((c !== 0) === holds ? 1 : 0));
    // In a scan's body the mask may be over the scanned loop, which the context lacks.
    return { ...context, mask: withMask(outer, axes, flags).mask };
  };
  return { data, where };
}

export function hostValue(l: Lowerer, e: Expr, context: Context): HostValue | undefined {
  const value = l.lower(e, context);
  const data = constantData(l, value.node);
  return data === undefined ? undefined : { data, axes: value.axes, outer: context };
}
