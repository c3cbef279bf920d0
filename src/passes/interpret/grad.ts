/**
 * `grad(f)(x)` by central differences, extrapolated to step 0 (Ridders 1982): nothing here knows how
 * expressions are differentiated, so that it can tell whether the fast path does.
 */
import type { Expr } from "../../model/ir.js";
import { type ArrayFn, type Frame, scalarValue } from "./frame.js";
import type { LocalCompiler } from "./local.js";

/** Steps h, h / √2, h / 2, …; the tableau's best entry is taken. */
const LEVELS = 9;
const SHRINK = Math.SQRT2;

/** The gradient in the shape of the point, exact to about nine digits for smooth functions. */
export function compileGrad(c: LocalCompiler, e: Extract<Expr, { kind: "grad" }>): ArrayFn {
  const point = c.value(e.point);
  const slot = c.bindLocal(e.variable);
  const body = c.scalar(e.body);
  const isScalar = e.point.type.dims.length === 0;
  return (f: Frame) => {
    const { dims, data } = point(f);
    const outer = f.slots[slot];
    const value = (x: Float64Array): number => {
      f.slots[slot] = isScalar ? x[0] : { dims, data: x };
      return body(f);
    };
    const slopes = data.map((_, i) => slopeOf(data, i, value));
    f.slots[slot] = outer;
    return isScalar ? scalarValue(slopes[0]) : { dims, data: slopes };
  };
}

function slopeOf(x: Float64Array, i: number, value: (x: Float64Array) => number): number {
  const at = (h: number): number => {
    const [up, down] = [x.slice(), x.slice()];
    up[i] += h;
    down[i] -= h;
    return (value(up) - value(down)) / (up[i] - down[i]);
  };
  let h = 0.05 * Math.max(1, Math.abs(x[i]));
  let before = [at(h)];
  let best = before[0];
  let error = Number.POSITIVE_INFINITY;
  for (let level = 1; level < LEVELS; level++) {
    h /= SHRINK;
    const row = [at(h)];
    let factor = SHRINK * SHRINK;
    for (let k = 1; k <= level; k++) {
      row.push((factor * row[k - 1] - before[k - 1]) / (factor - 1));
      factor *= SHRINK * SHRINK;
      const spread = Math.max(Math.abs(row[k] - row[k - 1]), Math.abs(row[k] - before[k - 1]));
      if (spread <= error) {
        error = spread;
        best = row[k];
      }
    }
    before = row;
  }
  return best;
}
