/**
 * Whether the solutions of a model's differential equations are exact enough for its posterior: the
 * error of the steps, which a path of twice as many tells, against the spread that the data leave.
 */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.js";
import { errorOf, isAuxiliary } from "../../model/auxiliary.js";
import { type Column, openColumns } from "./columns.js";
import type { FitData } from "./fit.js";

/** Draws that are looked at, spread over all. */
const MOST_DRAWS = 64;
/** An error of this much of the posterior's sd moves means by no more than this much of it. */
const MOST_SPREAD = 0.1;
/** Where there is no spread, as at a single point, the error counts relative to the value. */
const MOST_RELATIVE = 1e-3;

/** One warning for each solution whose steps are too coarse. */
export function solutionWarnings(fit: FitData): Diagnostic[] {
  if (fit.whole !== undefined || fit.chains.length === 0) return [];
  const { variables } = fit.conditioned.model;
  const names = new Set(variables.map((v) => v.name));
  const solutions = variables.filter((v) => !isAuxiliary(v.name) && names.has(errorOf(v.name)));
  return solutions.flatMap(({ name, span }) => {
    const both = openColumns(fit, [name, errorOf(name)], Number.POSITIVE_INFINITY).columns;
    const drawn = sampled(fit, both);
    // The error has the solution's shape and stands behind it.
    const half = both.length / 2;
    const worst = largest(both.slice(0, half), drawn.slice(0, half), drawn.slice(half));
    return worst === undefined ? [] : [diagnostic("ode_error", span, worst)];
  });
}

interface Worst {
  readonly element: string;
  readonly error: number;
  readonly measure: number;
  readonly isSpread: boolean;
}

/** The element whose error is the largest in its measure, where that is too large. */
function largest(
  columns: readonly Column[],
  drawn: readonly (readonly number[])[],
  errors: readonly (readonly number[])[],
): Worst | undefined {
  let worst: Worst | undefined;
  let excess = 1;
  columns.forEach(({ name: element }, k) => {
    const x = drawn[k];
    const found = errors[k].reduce((m, e) => Math.max(m, Math.abs(e)), 0);
    // Where one of the paths is not finite, the error has no bound.
    const error = Number.isFinite(found) ? found : Number.POSITIVE_INFINITY;
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const sd = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, x.length - 1));
    const isSpread = sd > 1e-9 * Math.abs(mean);
    const measure = error / (isSpread ? sd : Math.max(Math.abs(mean), Number.MIN_VALUE));
    const share = measure / (isSpread ? MOST_SPREAD : MOST_RELATIVE);
    if (error === 0 || share <= excess) return;
    excess = share;
    worst = { element, error, measure, isSpread };
  });
  return worst;
}

/** Values of the columns at a few draws, `[column][draw]`. */
function sampled(fit: FitData, columns: readonly Column[]): number[][] {
  const out = columns.map((): number[] => []);
  const total = fit.chains.reduce((n, c) => n + c.draws, 0);
  const stride = Math.max(1, Math.ceil(total / MOST_DRAWS));
  const sources = new Set(columns.map((c) => c.source));
  let row = 0;
  fit.chains.forEach(({ draws }, chain) => {
    for (let draw = 0; draw < draws; draw++, row++) {
      if (row % stride !== 0) continue;
      for (const source of sources) source.moveTo(chain, draw, row);
      columns.forEach(({ source, position }, k) => {
        out[k].push(source.values[source.start + position]);
      });
    }
  });
  return out;
}
