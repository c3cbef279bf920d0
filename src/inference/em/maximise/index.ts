/** Which closed form a parameter has, by the form of its support and the statistics that Q reads. */
import type { Support } from "../../../model/ir.js";
import type { Statistic } from "../../expectation/contract.js";
import type { ClosedForm } from "./contract.js";
import { covarianceForm } from "./matrices.js";
import { insideNodes } from "./nodes.js";
import { positiveForm } from "./positive.js";
import { simplexForm, unitForm } from "./probabilities.js";
import { quadraticForm } from "./quadratic.js";

export type { ClosedForm, Outcome } from "./contract.js";

/** What the forms need to know of a parameter. */
export interface ParameterShape {
  /** Of its defining statements. */
  readonly supports: readonly Support[];
  /** Scalars in all. */
  readonly length: number;
  /** The last axis: of simplexes and ordered vectors the length, of matrices the side. */
  readonly last: number;
}

/** The closed form, or undefined where Q must be climbed step by step. */
export function closedForm(
  shape: ParameterShape,
  statistics: readonly Statistic[],
): ClosedForm | undefined {
  const kinds = new Set(shape.supports.map((s) => s.kind));
  const [kind] = kinds;
  if (kinds.size !== 1) return undefined;
  const { length, last } = shape;
  switch (kind) {
    case "real":
      return quadraticForm(statistics, length, (v) => v.every(Number.isFinite), insideNodes.real);
    case "positive":
    case "nonnegative":
      return (
        positiveForm(statistics, length) ??
        quadraticForm(
          statistics,
          length,
          (v) => v.every((x) => x > 0 && x < Infinity),
          insideNodes.positive,
        )
      );
    case "ordered":
    case "positive_ordered":
      return quadraticForm(
        statistics,
        length,
        (v) => isIncreasing(v, last, kind),
        insideNodes.ordered(last, kind === "positive_ordered"),
      );
    case "unit":
      return (
        unitForm(statistics) ??
        quadraticForm(statistics, length, (v) => v.every((x) => x > 0 && x < 1), insideNodes.unit)
      );
    case "simplex":
      return simplexForm(statistics, last);
    case "cov":
      return covarianceForm(statistics, last);
    default:
      return undefined;
  }
}

/** A maximiser over all reals that keeps the order is the one among ordered vectors too. */
function isIncreasing(v: Float64Array, size: number, kind: string): boolean {
  return v.every((x, i) => {
    if (i % size === 0) return kind === "ordered" ? Number.isFinite(x) : x > 0;
    return x > v[i - 1] && x < Infinity;
  });
}
