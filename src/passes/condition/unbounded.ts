/** Unbounded plates of a conditioned model: their labels, and the model with a number of components. */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Model, UnboundedPlate, Variable } from "../../model/ir.js";
import { sizeNames } from "../../model/size.js";
import { type Conditioned, concreteDims } from "./index.js";

/** Whether a variable has as many elements as the data need. */
export function isUnbounded(model: Model, variable: Variable): boolean {
  const { unbounded } = model;
  return (
    unbounded !== undefined && variable.type.dims.some((d) => sizeNames(d).has(unbounded.size))
  );
}

/** The dims of the label site. */
export function labelDims(conditioned: Conditioned, plate: UnboundedPlate): number[] {
  const site = conditioned.model.variables.find((v) => v.name === plate.label);
  if (site === undefined) return internalError(`no labels ${plate.label}`);
  return concreteDims(conditioned, site.type.dims);
}

/** The model with `count` components: every size has a value. */
export function withComponents(conditioned: Conditioned, count: number): Conditioned {
  const { unbounded } = conditioned.model;
  if (unbounded === undefined) return conditioned;
  return { ...conditioned, sizes: new Map([...conditioned.sizes, [unbounded.size, count]]) };
}

/**
 * Refuses a model with an unbounded plate, unless its number of components is given.
 * @throws TildeError `unbounded_method`
 */
export function requireBounded({ model, sizes }: Conditioned, method: string): void {
  const { unbounded } = model;
  if (unbounded === undefined || sizes.has(unbounded.size)) return;
  fail("unbounded_method", unbounded.span, { name: unbounded.label, method });
}
