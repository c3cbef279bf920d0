/** Summaries over draws, element by element. */
import { elementCount } from "../../model/data.js";
import type { DrawSummary } from "./names.js";
import { type ArrayValue, type DrawsValue, dimsOf, drawCount, type NumberValue } from "./values.js";

/** Linear interpolation between the order statistics (type 7 of Hyndman & Fan 1996). */
export function quantileOf(sorted: Float64Array, p: number): number {
  if (sorted.length === 0 || Number.isNaN(sorted[sorted.length - 1])) return Number.NaN;
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

function mean(x: Float64Array): number {
  return x.reduce((a, b) => a + b, 0) / x.length;
}

function variance(x: Float64Array): number {
  const m = mean(x);
  return x.reduce((a, b) => a + (b - m) ** 2, 0) / (x.length - 1);
}

const rules: {
  readonly [K in Exclude<DrawSummary, "quantile">]: (x: Float64Array) => number;
} = {
  mean,
  sd: (x) => Math.sqrt(variance(x)),
  variance,
  var: variance,
  median: (x) => quantileOf(x.slice().sort(), 0.5),
};

/** The draws of each element, one element after another. */
export function* elementsOf(v: DrawsValue): Generator<Float64Array, void> {
  const size = elementCount(dimsOf(v));
  const count = drawCount(v);
  for (let k = 0; k < size; k++) {
    const x = new Float64Array(count);
    for (let row = 0; row < count; row++) x[row] = v.draws.data[row * size + k];
    yield x;
  }
}

/**
 * A summary over the draws, with the dims of one draw; of plain values over all their elements.
 * @param at the probabilities of `quantile`; an array of them becomes the first axis
 */
export function summariseDraws(name: DrawSummary, v: NumberValue, at?: ArrayValue): ArrayValue {
  const columns = v.kind === "draws" ? [...elementsOf(v)] : [v.value.data];
  const dims = v.kind === "draws" ? dimsOf(v) : [];
  if (name !== "quantile") {
    const data = Float64Array.from(columns, (x) => rules[name](x));
    return { kind: "array", scalar: "real", value: { dims, data } };
  }
  const probabilities = at?.value ?? { dims: [], data: Float64Array.of(0.5) };
  const data = new Float64Array(probabilities.data.length * columns.length);
  columns.forEach((x, k) => {
    const sorted = x.slice().sort();
    probabilities.data.forEach((p, i) => {
      data[i * columns.length + k] = quantileOf(sorted, p);
    });
  });
  const value = { dims: [...probabilities.dims, ...dims], data };
  return { kind: "array", scalar: "real", value };
}
