/** Draws of a model's variables as plain arrays, filled by one simulation after another. */
import { internalError } from "../../base/internal.js";
import type { DataSet, DataValue } from "../../model/data.js";
import type { DrawKeys, Simulator } from "../../passes/interpret/simulate.js";

/** Draws of one variable. */
export interface DrawArray {
  /** Dims of the variable itself. */
  readonly dims: readonly number[];
  /** `[draws, …dims]`, row-major. */
  readonly data: Float64Array;
}
/** By the variable's name; all have the same number of draws. */
export type Draws = ReadonlyMap<string, DrawArray>;

/** The value of a variable at draw `step`: a view. */
export function drawAt({ dims, data }: DrawArray, step: number): DataValue {
  const size = dims.reduce((n, d) => n * d, 1);
  return { dims, data: data.subarray(step * size, (step + 1) * size) };
}

/** Simulates `count` draws and keeps the variables of `keep`. */
export function collectDraws(
  simulator: Simulator,
  keys: DrawKeys,
  count: number,
  keep: readonly string[],
  given: (step: number) => DataSet,
): Draws {
  const out = new Map<string, DrawArray>();
  for (let step = 0; step < count; step++) {
    const values = simulator.draw(given(step), keys, step);
    for (const name of keep) {
      const value = values.get(name) ?? internalError(`the simulation left out ${name}`);
      let array = out.get(name);
      if (array === undefined) {
        const data = new Float64Array(count * value.data.length);
        array = { dims: value.dims, data };
        out.set(name, array);
      }
      array.data.set(value.data, step * value.data.length);
    }
  }
  return out;
}
