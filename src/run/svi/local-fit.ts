/** How well a guide with sites of its own for each element of a plate covers each element's posterior. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.js";
import type { LocalPlate } from "../../inference/svi/locals.js";
import { paretoK } from "../../math/pareto.js";
import type { Figure } from "../results/fit.js";

/** Of a plate, by the name of its size. */
export interface LocalFit {
  readonly size: string;
  /** How many elements were looked at, evenly spaced. */
  readonly elements: number;
  /** Of how many of them the weights have a Pareto k above the limit. */
  readonly above: number;
  readonly median: number;
  readonly largest: number;
}

/** Elements of a plate that are looked at: their weights are sorted one by one. */
const MOST_ELEMENTS = 1000;
/**
 * k is estimated with an error of about 0.1 to 0.2, so that of many good elements a few lie above the
 * limit; more than this share of them do not.
 */
const MOST_ABOVE = 0.05;

/** @param locals log weights of the plates' elements, one plate after another, a row for each draw */
export function localFits(
  plates: readonly LocalPlate[],
  locals: Float64Array,
  limit: number,
): LocalFit[] {
  const width = plates.reduce((n, p) => n + p.length, 0);
  const draws = locals.length / width;
  let offset = 0;
  return plates.map(({ size, length }) => {
    const stride = Math.ceil(length / MOST_ELEMENTS);
    const ks: number[] = [];
    for (let i = 0; i < length; i += stride) {
      const at = offset + i;
      ks.push(paretoK(Float64Array.from({ length: draws }, (_, t) => locals[t * width + at])));
    }
    offset += length;
    ks.sort((a, b) => a - b);
    return {
      size,
      elements: ks.length,
      above: ks.filter((k) => !(k <= limit)).length,
      median: ks[ks.length >> 1],
      largest: ks[ks.length - 1],
    };
  });
}

/** What stands in `diagnostics.pareto_k_local`. */
export function localFigure(fits: readonly LocalFit[]): Figure {
  return Object.fromEntries(
    fits.map(({ size, elements, above, median, largest }) => [
      size,
      { elements, above, median, largest },
    ]),
  );
}

/** A warning for each plate of which more elements are missed than chance explains. */
export function localWarnings(fits: readonly LocalFit[], guide: string): Diagnostic[] {
  return fits
    .filter((f) => f.above > MOST_ABOVE * f.elements)
    .map((f) => diagnostic("guide_misfit_local", undefined, { ...f, guide }));
}
